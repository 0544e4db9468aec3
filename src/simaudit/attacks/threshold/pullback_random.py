"""Pullback's own control: as many latent dimensions dropped, but at random."""

from typing import TYPE_CHECKING

from simaudit.attacks.threshold.pullback import Pullback

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets import Target


class PullbackRandom(Pullback):
    """`Pullback` with a random mask a sample: what pullback has above it is due to the choice of dimensions.

    The control that arXiv:2511.20592 holds its mask against.
    """

    def importance(self, target: "Target", z: "torch.Tensor", noise: "SampleNoise") -> "torch.Tensor":
        return noise.draw(self.probes, z)
