"""Pullback: SimA on those latent dimensions alone that move the image."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, PositiveInt

from simaudit.attacks import Statistic, TimestepAttack

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets import Target


class Pullback(TimestepAttack):
    """Σ_k m_k |ε̂(z, t)_k|⁴, low for members (arXiv:2511.20592).

    m drops, sample by sample, the share `dropped` of latent dimensions with the least `log_distortion`, estimated with
    `probes` random signs. One query of the denoiser; the decoder is asked as well, and not counted.
    """

    latent_only: ClassVar[bool] = True

    dropped: Annotated[float, Field(gt=0, lt=1)] = 0.4
    probes: PositiveInt = 16

    def statistics(
        self, target: "Target", images: "torch.Tensor", noise: "SampleNoise"
    ) -> Iterator[Statistic]:
        z = target.encode(images)
        kept = keep_largest(self.importance(target, z, noise), 1 - self.dropped)
        for t in self.timesteps:
            powers = target.predict_noise(z, t).flatten(1) ** 4
            yield Statistic(t, f"dropped={self.dropped}", 1, (kept * powers).sum(1))

    def importance(self, target: "Target", z: "torch.Tensor", noise: "SampleNoise") -> "torch.Tensor":
        """What decides which dimensions of z (B, …) are kept, shaped as z: the larger the better."""
        from simaudit.diffusion.pullback_metric import log_distortion

        return log_distortion(target.decode, z, (noise.draw(k, z).sign() for k in range(self.probes)))


def keep_largest(importance: "torch.Tensor", share: float) -> "torch.Tensor":
    """(B, d): 1 at that share of each sample's dimensions, at least one, with most `importance` (B, …); else 0."""
    import torch

    flat = importance.flatten(1)
    largest = flat.topk(max(round(share * flat.shape[1]), 1), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, largest, 1.0)
