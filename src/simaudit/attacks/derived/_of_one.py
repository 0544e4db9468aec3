"""What is derived of the statistics of one attack, of some of its norms or of all."""

from __future__ import annotations

from simaudit.attacks.derived_attack import DerivedAttack
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import AttackName, Order


class OfOneAttack(DerivedAttack):
    """An attack that reads the scores of one other."""

    of: AttackName = "sima"
    norms: Several[Order] | None = None
    """Which norms of `of` are taken; all if not said."""

    @property
    def bases(self) -> tuple[str, ...]:
        return (self.of,)
