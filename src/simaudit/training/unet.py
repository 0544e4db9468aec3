"""The denoiser of params.yaml, in diffusers' names."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simaudit.training.levels import Shape, require_groups, require_halving
from simaudit.vocabulary.bounds import Layers, Levels, Width
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    from diffusers import UNet2DModel


class UNet(Knobs):
    """The denoiser, in diffusers' names (UNet2DModel); one entry per level, from the finest to the coarsest."""

    block_out_channels: Levels[Width]
    down_block_types: Levels[Literal["DownBlock2D", "AttnDownBlock2D"]]
    up_block_types: Levels[Literal["UpBlock2D", "AttnUpBlock2D"]]
    layers_per_block: Layers = 2
    norm_num_groups: Width = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    add_attention: bool = True
    """Whether there is attention between the way down and the way up, too."""

    @model_validator(mode="after")
    def _levels_agree(self) -> "UNet":
        levels = len(self.block_out_channels)
        if not len(self.down_block_types) == len(self.up_block_types) == levels:
            raise PydanticCustomError(
                "levels", "down_block_types, up_block_types and block_out_channels must be equally long"
            )
        require_groups(self.block_out_channels, self.norm_num_groups)
        return self

    def require_sides(self, shape: Shape, of: str = "images") -> None:
        """Raise KnobError, calling them `of`, when images or latents of this shape cannot be halved once per level."""
        require_halving("unet", self.block_out_channels, shape, of)

    def build(self, shape: Shape, seed: int, of: str = "images") -> "UNet2DModel":
        """Build the network for images or latents of this shape, at its initialisation from `seed`.

        Raises KnobError as `require_sides` does.
        """
        import torch
        from diffusers import UNet2DModel

        self.require_sides(shape, of)
        torch.manual_seed(seed)
        channels, height, width = shape
        # LDMPipeline knows only squares, and wants a number for them.
        sides = height if height == width else (height, width)
        return UNet2DModel(
            sample_size=sides, in_channels=channels, out_channels=channels, **self.model_dump()
        )
