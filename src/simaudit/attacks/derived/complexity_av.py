"""Complexity beside antithetic pairs of queries."""

from __future__ import annotations

from simaudit.attacks.derived.complexity import Complexity
from simaudit.vocabulary.knobs import AttackName


class ComplexityAV(Complexity):
    """`complexity` (arXiv:2603.13421 divides by a compressed length) of `sima_av`: an antithetic pair of queries.

    The noise that one query has of the image's own details cancels in a pair, and what is left is complexity, which is
    taken out.
    """

    of: AttackName = "sima_av"
