"""What a residual attack is: maps of what a model predicts, or by how much it misses, and a norm of theirs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.vocabulary.variant import Variant

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets.target import Target


class Residual(NamedTuple):
    """K residual maps of a batch, (K, B, …) with the shape of z: an attack averages over K after its norm.

    `variant` holds the knobs that tell the residual apart from the attack's others at that timestep, `queries` is what
    it costs per sample when it is computed alone.
    """

    timestep: int
    variant: Variant
    queries: int
    maps: torch.Tensor

    def statistic(self, variant: Variant, values: torch.Tensor) -> Statistic:
        """Return the statistic that has these `values` (K, B) for each map; `variant` tells it apart, too."""
        return Statistic(self.timestep, {**self.variant, **variant}, self.queries, values.mean(0))


def running_means(maps: Iterable[torch.Tensor], counts: Container[int]) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield n and the mean of the first n maps for each n of these `counts`; one sum is all that is kept of them."""
    total: torch.Tensor | None = None
    for n, one in enumerate(maps, start=1):
        total = one if total is None else total + one
        if n in counts:
            yield n, total / n


class ResidualAttack(TimestepAttack):
    """An attack whose statistics are norms of maps, low for members, so that another can change the maps before that.

    It needs no more of a target than a denoiser: what wraps it then needs no more than it needs itself.
    """

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        for residual in self.residuals(target, target.encode(images), noise):
            yield from self.reduce(residual)

    @abstractmethod
    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        """Yield every residual of this attack for one batch of encoded images z (B, …).

        The same (timestep, variant) pairs in the same order for every batch; no query is made twice.
        """

    @abstractmethod
    def reduce(self, residual: Residual) -> Iterator[Statistic]:
        """Yield every statistic of a residual."""
