"""The discriminator that an autoencoder can be trained against, and when and how much it counts."""

from typing import TYPE_CHECKING

from simaudit.training.levels import Shape
from simaudit.vocabulary.bounds import Factor, Layers, Steps, Width
from simaudit.vocabulary.errors import KnobError
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    import torch


class Adversarial(Knobs):
    """The adversarial arm of an autoencoder: a PatchGAN discriminator, and when and how much it counts."""

    start: Steps
    """First training step at which the discriminator is used."""
    weight: Factor = 0.8
    """Multiplies the adaptive weight of Esser et al., Eq. 7."""
    channels: Width = 64
    layers: Layers = 3
    """Each layer halves the sides of the images."""

    def require_sides(self, shape: Shape) -> None:
        """Raise KnobError when images of this shape cannot be halved once per layer."""
        if min(shape[1:]) < 2**self.layers:
            raise KnobError(
                "autoencoder.adversarial.layers",
                f"{self.layers} layers need sides of at least {2**self.layers}, and the images are "
                f"{shape[1]}×{shape[2]}; use fewer layers",
            )

    def build(self, image_channels: int, seed: int) -> "torch.nn.Sequential":
        """Build the discriminator at its initialisation from `seed`.

        It maps images (B, C, H, W) to one logit per patch, high for real images. This is PatchGAN (Isola et al.,
        arXiv:1611.07004, App. 6.1.2), normalised by instance-wise groups instead of batches, so that an image's logits
        depend on no other image.
        """
        import torch

        torch.manual_seed(seed)
        blocks: list[torch.nn.Module] = []
        width = image_channels
        for level in range(self.layers):
            wider = self.channels * 2 ** min(level, 3)
            blocks.append(torch.nn.Conv2d(width, wider, 4, stride=2, padding=1))
            if level:
                blocks.append(torch.nn.GroupNorm(1, wider))
            blocks.append(torch.nn.LeakyReLU(0.2))
            width = wider
        return torch.nn.Sequential(*blocks, torch.nn.Conv2d(width, 1, 3, padding=1))
