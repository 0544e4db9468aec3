"""The U-Net of DDPM and ADM, where its widths or heads are such that diffusers' own class cannot express it."""

from __future__ import annotations

import diffusers
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d import UNet2DOutput
from diffusers.models.upsampling import Upsample2D

GROUPS, EPSILON = 32, 1e-5  # of every group normalisation


class ConvertedUNet2DModel(diffusers.ModelMixin, ConfigMixin):  # type: ignore[misc]
    """The U-Net of Ho et al. (2020, arXiv:2006.11239, App. B) and Dhariwal & Nichol (2021, arXiv:2105.05233, Sec. 3).

    Its settings and the names of its weights are those of diffusers' UNet2DModel as far as they exist there. In that
    class the first convolution gives as many channels as the first level has, the timestep has as many sinusoids, and
    all heads are equally wide. Here these are stated: `stem_channels`, `time_channels`, and either `num_heads` (on the
    way down and in the middle) with `num_heads_up`, or `attention_head_dim`. With `time_table_rows` the sinusoids of
    each timestep stand in a table among the weights. `residual_resampling` halves and doubles the side of an image
    within residual blocks. There is no dropout, which acts in training alone.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        sample_size: int,
        in_channels: int,
        out_channels: int,
        stem_channels: int,
        time_channels: int,
        time_embedding_dim: int,
        block_out_channels: tuple[int, ...],
        layers_per_block: int,
        attention_levels: tuple[int, ...],
        num_heads: int | None = None,
        num_heads_up: int | None = None,
        attention_head_dim: int | None = None,
        time_table_rows: int | None = None,
        num_class_embeds: int | None = None,
        resnet_time_scale_shift: str = "default",
        residual_resampling: bool = False,
    ) -> None:
        super().__init__()

        def resnet(channels: int, width: int, **resampling: bool) -> ResnetBlock2D:
            return ResnetBlock2D(
                in_channels=channels,
                out_channels=width,
                temb_channels=time_embedding_dim,
                groups=GROUPS,
                eps=EPSILON,
                time_embedding_norm=resnet_time_scale_shift,
                **resampling,
            )

        def attention(width: int, heads: int | None) -> Attention:
            count = heads or width // (attention_head_dim or width)
            return Attention(
                width,
                heads=count,
                dim_head=width // count,
                eps=EPSILON,
                norm_num_groups=GROUPS,
                residual_connection=True,
                bias=True,
                _from_deprecated_attn_block=True,
            )

        if time_table_rows:
            self.time_proj: torch.nn.Module = torch.nn.Embedding(time_table_rows, time_channels)
        else:
            self.time_proj = Timesteps(time_channels, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(time_channels, time_embedding_dim)
        self.class_embedding = (
            torch.nn.Embedding(num_class_embeds, time_embedding_dim) if num_class_embeds else None
        )
        self.conv_in = torch.nn.Conv2d(in_channels, stem_channels, 3, padding=1)

        top, bottom = 0, len(block_out_channels) - 1
        channels, skipped = stem_channels, [stem_channels]
        self.down_blocks = torch.nn.ModuleList()
        for level, width in enumerate(block_out_channels):
            down = _Down()
            for _ in range(layers_per_block):
                down.resnets.append(resnet(channels, width))
                if level in attention_levels:
                    down.attentions.append(attention(width, num_heads))
                channels = width
                skipped.append(width)
            if level != bottom:
                halves = (
                    resnet(width, width, down=True)
                    if residual_resampling
                    else Downsample2D(width, use_conv=True, padding=1, name="op")
                )
                down.downsamplers.append(halves)
                skipped.append(width)
            self.down_blocks.append(down)

        self.mid_block = _Middle()
        self.mid_block.resnets.extend([resnet(channels, channels), resnet(channels, channels)])
        self.mid_block.attentions.append(attention(channels, num_heads))

        self.up_blocks = torch.nn.ModuleList()
        for level, width in reversed(list(enumerate(block_out_channels))):
            up = _Up()
            for _ in range(layers_per_block + 1):
                up.resnets.append(resnet(channels + skipped.pop(), width))
                if level in attention_levels:
                    up.attentions.append(attention(width, num_heads_up))
                channels = width
            if level != top:
                doubles = (
                    resnet(width, width, up=True) if residual_resampling else Upsample2D(width, use_conv=True)
                )
                up.upsamplers.append(doubles)
            self.up_blocks.append(up)

        self.conv_norm_out = torch.nn.GroupNorm(GROUPS, channels, EPSILON)
        self.conv_out = torch.nn.Conv2d(channels, out_channels, 3, padding=1)

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float | int,
        class_labels: torch.Tensor | None = None,
        return_dict: bool = True,
    ) -> UNet2DOutput | tuple[torch.Tensor]:
        """Return what the network predicts for `sample` (B, C, H, W), as UNet2DModel does.

        `timestep` is a number or (B,). Raises ValueError unless `class_labels` (B,) are given to a network of classes,
        and to no other.
        """
        if (class_labels is None) != (self.class_embedding is None):
            raise ValueError("class_labels must be given where the network has classes, and nowhere else")
        times = torch.as_tensor(timestep, device=sample.device).expand(len(sample))
        embedded = self.time_embedding(self.time_proj(times).to(sample.dtype))
        if self.class_embedding is not None:
            embedded = embedded + self.class_embedding(class_labels)
        h = self.conv_in(sample)
        skipped = [h]
        for down in self.down_blocks:
            h = down(h, embedded, skipped)
        h = self.mid_block(h, embedded)
        for up in self.up_blocks:
            h = up(h, embedded, skipped)
        answer = self.conv_out(torch.nn.functional.silu(self.conv_norm_out(h)))
        return UNet2DOutput(sample=answer) if return_dict else (answer,)


class _Level(torch.nn.Module):
    """The blocks of one level on one way: an attention block after each residual block, or none."""

    def __init__(self) -> None:
        super().__init__()
        self.resnets, self.attentions = torch.nn.ModuleList(), torch.nn.ModuleList()

    def _block(self, place: int, h: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return h (B, C, H, W) after the residual block at this place, and the attention block after it, if any."""
        h = self.resnets[place](h, embedded)
        return self.attentions[place](h) if place < len(self.attentions) else h


class _Down(_Level):
    def __init__(self) -> None:
        super().__init__()
        self.downsamplers = torch.nn.ModuleList()

    def forward(self, h: torch.Tensor, embedded: torch.Tensor, skipped: list[torch.Tensor]) -> torch.Tensor:
        """Return what the next level takes; add all that the way up takes to `skipped`."""
        for place in range(len(self.resnets)):
            h = self._block(place, h, embedded)
            skipped.append(h)
        for halves in self.downsamplers:
            h = _resampled(halves, h, embedded)
            skipped.append(h)
        return h


class _Middle(_Level):
    def forward(self, h: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return what the way up begins with; attention follows the first block alone."""
        for place in range(len(self.resnets)):
            h = self._block(place, h, embedded)
        return h


class _Up(_Level):
    def __init__(self) -> None:
        super().__init__()
        self.upsamplers = torch.nn.ModuleList()

    def forward(self, h: torch.Tensor, embedded: torch.Tensor, skipped: list[torch.Tensor]) -> torch.Tensor:
        """Return what the next level takes; each residual block takes the last of `skipped` too."""
        for place in range(len(self.resnets)):
            h = self._block(place, torch.cat([h, skipped.pop()], dim=1), embedded)
        for doubles in self.upsamplers:
            h = _resampled(doubles, h, embedded)
        return h


def _resampled(block: torch.nn.Module, h: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
    """Return h at half or twice its side; only a residual block takes the embedded timestep."""
    resampled: torch.Tensor = block(h, embedded) if isinstance(block, ResnetBlock2D) else block(h)
    return resampled
