"""The networks of params.yaml, in diffusers' names."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DModel

Shape = tuple[int, int, int]
"""Channels, height and width."""


class UNet(Knobs):
    """The denoiser, in diffusers' names (UNet2DModel); one entry a level, from the finest to the coarsest."""

    block_out_channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    down_block_types: tuple[Literal["DownBlock2D", "AttnDownBlock2D"], ...]
    up_block_types: tuple[Literal["UpBlock2D", "AttnUpBlock2D"], ...]
    layers_per_block: PositiveInt = 2
    norm_num_groups: PositiveInt = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _levels_agree(self) -> "UNet":
        levels = len(self.block_out_channels)
        if not len(self.down_block_types) == len(self.up_block_types) == levels:
            raise PydanticCustomError(
                "levels", "down_block_types, up_block_types and block_out_channels must be equally long"
            )
        _require_groups(self.block_out_channels, self.norm_num_groups)
        return self

    def build(self, shape: Shape, seed: int, of: str = "images") -> "UNet2DModel":
        """The network for what is shaped so, at its initialisation from `seed`.

        Raises SimauditError, calling it `of`, when its sides cannot be halved once a level.
        """
        import torch
        from diffusers import UNet2DModel

        _require_halving("unet", self.block_out_channels, shape, of)
        torch.manual_seed(seed)
        channels, height, width = shape
        # LDMPipeline knows squares alone, and wants a number.
        sides = height if height == width else (height, width)
        return UNet2DModel(
            sample_size=sides, in_channels=channels, out_channels=channels, **self.model_dump()
        )


class VAE(Knobs):
    """The autoencoder, in diffusers' names (AutoencoderKL); one entry a level, each but the first halves the sides."""

    latent_channels: PositiveInt
    block_out_channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    layers_per_block: PositiveInt = 1
    norm_num_groups: PositiveInt = 32
    mid_block_add_attention: bool = True

    @model_validator(mode="after")
    def _groups_divide(self) -> "VAE":
        _require_groups(self.block_out_channels, self.norm_num_groups)
        return self

    def build(self, shape: Shape, seed: int) -> "AutoencoderKL":
        """The network for images of this shape, at its initialisation from `seed`."""
        import torch
        from diffusers import AutoencoderKL

        levels = len(self.block_out_channels)
        torch.manual_seed(seed)
        return AutoencoderKL(
            in_channels=shape[0],
            out_channels=shape[0],
            sample_size=shape[1],
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            **self.model_dump(),
        )


def latent_shape(channels: int, widths: tuple[int, ...], shape: Shape) -> Shape:
    """What an autoencoder of these latent channels and widths a level encodes images of this shape to.

    Raises SimauditError when their sides cannot be halved once a level.
    """
    factor = _require_halving("autoencoder.network", widths, shape, "images")
    return channels, shape[1] // factor, shape[2] // factor


class Adversarial(Knobs):
    """The adversarial arm of an autoencoder: a PatchGAN discriminator, and when and how much it counts."""

    start: NonNegativeInt
    """The step from which on it plays."""
    weight: Annotated[float, Field(gt=0)] = 0.8
    """Times the adaptive weight, which makes both losses pull equally hard."""
    channels: PositiveInt = 64
    layers: PositiveInt = 3
    """Each halves the sides of what it judges."""

    def require_sides(self, shape: Shape) -> None:
        """Raises SimauditError when images of this shape cannot be halved once a layer."""
        if min(shape[1:]) < 2**self.layers:
            raise SimauditError(
                f"autoencoder.adversarial.layers: {self.layers} layers need sides of at least {2**self.layers}, and "
                f"the images are {shape[1]}×{shape[2]}; use fewer layers"
            )


def _require_groups(widths: tuple[int, ...], groups: int) -> None:
    for channels in widths:
        if channels % groups:
            raise PydanticCustomError(
                "groups",
                "block_out_channels must be multiples of norm_num_groups ({groups})",
                {"groups": groups},
            )


def _require_halving(key: str, widths: tuple[int, ...], shape: Shape, of: str) -> int:
    """By how much the levels divide the sides."""
    factor: int = 2 ** (len(widths) - 1)
    _, height, width = shape
    if height % factor or width % factor:
        raise SimauditError(
            f"{key}.block_out_channels: {len(widths)} levels need sides divisible by {factor}, and the {of} are "
            f"{height}×{width}; use fewer levels"
        )
    return factor
