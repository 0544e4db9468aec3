"""The autoencoder of params.yaml, in diffusers' names, and the shape of its latents."""

from typing import TYPE_CHECKING

from pydantic import model_validator

from simaudit.training.levels import Shape, require_groups, require_halving
from simaudit.vocabulary.bounds import Layers, Levels, Width
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    from diffusers import AutoencoderKL


class VAE(Knobs):
    """The autoencoder, in diffusers' names (AutoencoderKL); one entry per level, from the finest to the coarsest."""

    latent_channels: Width
    block_out_channels: Levels[Width]
    layers_per_block: Layers = 1
    norm_num_groups: Width = 32
    mid_block_add_attention: bool = True

    @model_validator(mode="after")
    def _groups_divide(self) -> "VAE":
        require_groups(self.block_out_channels, self.norm_num_groups)
        return self

    def build(self, shape: Shape, seed: int) -> "AutoencoderKL":
        """Build the network for images of this shape, at its initialisation from `seed`."""
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
    """Return the shape of the latents of images of this shape, for so many latent channels and one width per level.

    Raises KnobError when the images' sides cannot be halved once per level.
    """
    factor = require_halving("autoencoder.network", widths, shape, "images")
    return channels, shape[1] // factor, shape[2] // factor
