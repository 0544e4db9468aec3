"""Combined: one statistic of all that several attacks say of a sample, learned by logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np

from simaudit.attacks.derived._logistic import fit_logistic
from simaudit.attacks.derived_attack import DerivedAttack, Known, Statistics, crossfits
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Name, Refers
from simaudit.vocabulary.variant import Column

LEAST_A_SIDE = 10
"""Fewest calibration samples of a side: with fewer, the penalty cannot be chosen on parts of them."""
SHARED = {"average", "draws", "norm"}
"""The keys of a variant whose values are all computed of the same queries, those of the most draws."""


class Combined(DerivedAttack):
    """The log-odds of being a member by logistic regression on the statistics of other attacks, high for members.

    Its inputs are the statistics of all attacks in `of`, at all of their timesteps and variants, as logarithms where
    all of them are positive and as they are elsewhere, standardised. The variant `scores+complexity` has the features
    of the image (`simaudit.data.complexity`) as inputs, too, so that what is common among complex images can be taken
    out. The ridge penalty is chosen by cross-validation. All this sees the calibration fold alone, where a sample is
    judged by fits to the parts of the fold that it is not in. A learned head, as the combination of CDI's features
    is one (arXiv:2411.12858).

    Its queries are those of its inputs, where inputs that differ only in norm, draws or kind of average share theirs.
    This is an upper limit, since an attack may share queries between timesteps, too.
    """

    learned: ClassVar[bool] = True

    of: Annotated[Several[Name], Refers("attacks")] = ("sima",)
    features: Several[Literal["scores", "scores+complexity"]] = ("scores", "scores+complexity")

    @property
    def bases(self) -> tuple[str, ...]:
        return self.of

    def derive(self, known: Known) -> Statistics:
        if (smaller := int(min(known.members.sum(), known.heldout.sum()))) < LEAST_A_SIDE:
            raise SimauditError(
                f"the calibration fold must have {LEAST_A_SIDE} samples or more of each side to learn from "
                f"(found {smaller}); set splits.<split>.calibration higher"
            )
        bases = [known.statistics[base] for base in sorted(self.of)]
        scores = np.concatenate([_inputs(base.values) for base in bases])
        tables = {
            "scores": scores.T,
            "scores+complexity": np.concatenate([scores, np.stack(list(known.features.values()))]).T,
        }
        values = np.stack([_log_odds(tables[features], known) for features in self.features])
        queries = sum(_queries(base.columns) for base in bases)
        return Statistics(
            [Column(None, {"features": features}, queries) for features in self.features], values, "high"
        )


def _inputs(values: np.ndarray) -> np.ndarray:
    """Return statistics (K, N) in float64: the logarithms of each that is always positive, the others as they are."""
    inputs = values.astype(np.float64)
    positive = (inputs > 0).all(axis=1)
    inputs[positive] = np.log(inputs[positive])
    return inputs


def _log_odds(table: np.ndarray, known: Known) -> np.ndarray:
    """Return the log-odds of being a member of each sample (N,), from inputs (N, F)."""
    odds = np.empty(len(table))
    for rows, fitted in crossfits(known, known.members | known.heldout):
        odds[rows] = fit_logistic(table[fitted], known.members[fitted])(table[rows])
    return odds


def _queries(columns: Sequence[Column]) -> int:
    """Return how many queries per sample the statistics of one attack cost together, at most."""
    most: dict[tuple[object, ...], int] = {}
    for column in columns:
        apart = sorted(item for item in column.variant.items() if item[0] not in SHARED)
        key = (column.timestep, *apart)
        most[key] = max(most.get(key, 0), column.queries or 0)
    return sum(most.values())
