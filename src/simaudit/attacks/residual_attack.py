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
    """A residual map of a batch, shaped as z (B, …), before an attack takes its norm.

    `variant` holds the knobs that tell the residual apart from the attack's others at that timestep, `queries` is what
    it costs per sample when it is computed alone. Where it is one of several maps whose norms are averaged, `mean` is
    that of those before it, which the attack gives to all of them.
    """

    timestep: int
    variant: Variant
    queries: int
    map: torch.Tensor
    mean: MeanOfNorms | None = None

    def statistic(self, variant: Variant, values: torch.Tensor) -> Statistic:
        """Return the statistic that has these `values` (B,); `variant` tells it apart, too."""
        return Statistic(self.timestep, {**self.variant, **variant}, self.queries, values)


class MeanOfNorms:
    """The mean of the norms of the first n of maps that come one after another, for each n of `counts`.

    Of the maps before it keeps one sum (B,) for each kind of norm.
    """

    def __init__(self, counts: Container[int]) -> None:
        self._counts, self._maps = counts, 0
        self._sums: list[torch.Tensor] = []

    def with_next(self, norms: Iterable[Statistic]) -> list[Statistic]:
        """Add the next map by its statistics, the same kinds for every map; return their means if n is a count."""
        norms = list(norms)
        values = [norm.values for norm in norms]
        self._sums = [a + b for a, b in zip(self._sums, values, strict=True)] if self._maps else values
        self._maps += 1
        if self._maps not in self._counts:
            return []
        return [
            norm._replace(values=total / self._maps) for norm, total in zip(norms, self._sums, strict=True)
        ]


def running_means(maps: Iterable[torch.Tensor]) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Yield n, the n-th map and the mean of the first n, for n from 1; one sum is all that is kept of them."""
    total: torch.Tensor | None = None
    for n, one in enumerate(maps, start=1):
        total = one if total is None else total + one
        yield n, one, total / n


class ResidualAttack(TimestepAttack):
    """An attack whose statistics are norms of maps, low for members, so that another can change the maps before that.

    It needs no more of a target than a denoiser: what wraps it then needs no more than it needs itself.
    """

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        for residual in self.residuals(target, target.encode(images), noise):
            yield from self.averaged(residual)

    def averaged(self, residual: Residual) -> Iterable[Statistic]:
        """Return the statistics that a residual completes: its own, or those of the mean that it is the last of."""
        own = self.reduce(residual)
        return residual.mean.with_next(own) if residual.mean else own

    @abstractmethod
    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        """Yield every residual of this attack for one batch of encoded images z (B, …).

        The same (timestep, variant) pairs in the same order for every batch; no query is made twice.
        """

    @abstractmethod
    def reduce(self, residual: Residual) -> Iterator[Statistic]:
        """Yield every statistic of the map of a residual, taken alone."""
