"""The two ways in which residual attacks make numbers of maps."""

from __future__ import annotations

from collections.abc import Iterator

from simaudit.attacks.attack import Statistic
from simaudit.attacks.residual_attack import Residual, ResidualAttack
from simaudit.diffusion.norms import sample_norms
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Order


class NormAttack(ResidualAttack):
    """An attack that takes ‖map‖_p, for each p of `norms`."""

    norms: Several[Order] = (4,)

    def reduce(self, residual: Residual) -> Iterator[Statistic]:
        for order, values in sample_norms(residual.map, self.norms):
            yield residual.statistic({"norm": order}, values)


class SquareAttack(ResidualAttack):
    """An attack that takes ‖map‖₂²."""

    def reduce(self, residual: Residual) -> Iterator[Statistic]:
        yield residual.statistic({}, residual.map.flatten(1).square().sum(1))
