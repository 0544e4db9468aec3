"""The U-Net that the formats share: what it is built of, the network, and the names of its blocks in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

from simaudit.targets.networks.converted_unet import GROUPS, ConvertedUNet2DModel


@dataclass(frozen=True)
class Heads:
    """How an attention block is split: into heads of `channels` each, or else `down` heads, and `up` on the way up."""

    channels: int | None = None
    down: int = 1
    up: int = 1

    def count(self, width: int, on_way_up: bool) -> int:
        """Return how many heads a block of that width has."""
        return width // self.channels if self.channels else self.up if on_way_up else self.down

    def __str__(self) -> str:
        return (
            f"heads of {self.channels}" if self.channels else f"{self.down} heads ({self.up} on the way up)"
        )


@dataclass(frozen=True)
class Step:
    """One block of a way through the network, as diffusers names it.

    `width` is the number of channels that it gives. `attention` is the block that follows a residual block, if one
    does; `resamples` says that the block halves or doubles the side of an image.
    """

    name: str
    width: int
    on_way_up: bool = False
    attention: str | None = None
    resamples: bool = False


@dataclass(frozen=True)
class Architecture:
    """A U-Net of residual blocks with attention at whole levels and in the middle.

    `stem` is the number of channels that the first convolution gives, `widths` those of each level, `blocks` the
    residual blocks of a level on the way down, `attention` the levels that have it. `table_rows` is the length of the
    timestep's table, where it stands among the weights.
    """

    sample_size: int
    in_channels: int
    out_channels: int
    stem: int
    widths: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    time_channels: int
    time_width: int
    heads: Heads = Heads()
    table_rows: int | None = None
    classes: int | None = None
    scale_shift: bool = False
    residual_resampling: bool = False

    def why_impossible(self) -> str | None:
        """Return why there is no such network, if so."""
        for width in (self.stem, *self.widths):
            if width % GROUPS:
                return f"{width} channels cannot be normalised in {GROUPS} groups"
        for width, on_way_up in self._attended():
            heads = self.heads.count(width, on_way_up)
            if heads < 1 or width % (self.heads.channels or heads):
                return f"an attention block of {width} channels cannot be split into {self.heads}"
        if self.sample_size < 1 or self.sample_size % self.factor:
            return f"an image of side {self.sample_size} cannot be halved {len(self.widths) - 1} times"
        return None

    @property
    def factor(self) -> int:
        """What the side of an image must be a multiple of."""
        return int(2 ** (len(self.widths) - 1))

    @property
    def has_one_head(self) -> bool:
        """Whether no attention block is split."""
        return all(self.heads.count(*block) == 1 for block in self._attended())

    def network(self) -> Any:
        """Return the network without memory for its weights: diffusers' UNet2DModel where it is exactly that."""
        head_dims = (
            {None}
            if self.has_one_head
            else {one // self.heads.count(one, up) for one, up in self._attended()}
        )
        is_diffusers = len(head_dims) == 1 and {self.stem, self.time_channels} == {self.widths[0]}
        common = {
            "sample_size": self.sample_size,
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "time_embedding_dim": self.time_width,
            "block_out_channels": self.widths,
            "layers_per_block": self.blocks,
            "num_class_embeds": self.classes,
            "resnet_time_scale_shift": "scale_shift" if self.scale_shift else "default",
        }
        with torch.device("meta"):
            if is_diffusers:
                return diffusers.UNet2DModel(**common, **self._in_diffusers(*head_dims))
            return ConvertedUNet2DModel(**common, **self._in_ours())

    def down(self) -> Iterator[Step]:
        """Yield the blocks of the way down."""
        for level, width in enumerate(self.widths):
            yield from self._level(f"down_blocks.{level}", level, self.blocks, on_way_up=False)
            if level < len(self.widths) - 1:
                yield Step(f"down_blocks.{level}.downsamplers.0", width, resamples=True)

    def middle(self) -> Iterator[Step]:
        """Yield the two blocks in the middle."""
        yield Step("mid_block.resnets.0", self.widths[-1], attention="mid_block.attentions.0")
        yield Step("mid_block.resnets.1", self.widths[-1])

    def up(self) -> Iterator[Step]:
        """Yield the blocks of the way up."""
        for place, (level, width) in enumerate(reversed(list(enumerate(self.widths)))):
            yield from self._level(f"up_blocks.{place}", level, self.blocks + 1, on_way_up=True)
            if level:
                yield Step(f"up_blocks.{place}.upsamplers.0", width, on_way_up=True, resamples=True)

    def _level(self, name: str, level: int, blocks: int, on_way_up: bool) -> Iterator[Step]:
        for block in range(blocks):
            attention = f"{name}.attentions.{block}" if level in self.attention else None
            yield Step(f"{name}.resnets.{block}", self.widths[level], on_way_up, attention)

    def _attended(self) -> list[tuple[int, bool]]:
        """Return the width of every attention block, and whether it is on the way up."""
        levels = [(self.widths[level], on_way_up) for level in self.attention for on_way_up in (False, True)]
        return [*levels, (self.widths[-1], False)]

    def _in_diffusers(self, head_dim: int | None) -> dict[str, Any]:
        kinds = {True: "Resnet{}sampleBlock2D", False: "{}Block2D"}[self.residual_resampling]
        down, up = (
            tuple(f"Attn{way}Block2D" if level in self.attention else kinds.format(way) for level in levels)
            for way, levels in (("Down", range(len(self.widths))), ("Up", reversed(range(len(self.widths)))))
        )
        resampling = "resnet" if self.residual_resampling else "conv"
        return {
            "down_block_types": down,
            "up_block_types": up,
            "downsample_type": resampling,
            "upsample_type": resampling,
            "attention_head_dim": head_dim,
            "norm_num_groups": GROUPS,
            "attn_norm_num_groups": GROUPS,
            "time_embedding_type": "learned" if self.table_rows else "positional",
            "num_train_timesteps": self.table_rows,
        }

    def _in_ours(self) -> dict[str, Any]:
        by_number = not self.heads.channels
        return {
            "stem_channels": self.stem,
            "time_channels": self.time_channels,
            "attention_levels": self.attention,
            "num_heads": self.heads.down if by_number else None,
            "num_heads_up": self.heads.up if by_number else None,
            "attention_head_dim": self.heads.channels,
            "time_table_rows": self.table_rows,
            "residual_resampling": self.residual_resampling,
        }
