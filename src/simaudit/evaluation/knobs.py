"""The knobs of the evaluation, and what a job that has them says of resampling and of what is assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from simaudit.data.components import WIDEST
from simaudit.data.jobs import NearDuplicateKnobs
from simaudit.evaluation.sets.jobs import SetKnobs
from simaudit.vocabulary.bounds import MOST_RESAMPLES, Most, Several, Share
from simaudit.vocabulary.job import Job
from simaudit.vocabulary.knobs import Knobs, Seed, Threads

PRIORS, DELTA = (0.5, 0.1, 0.01, 0.001), 1e-5


@dataclass(frozen=True)
class Assumptions:
    """What no measurement of a model gives: the shares of members among all images asked about, and δ of (ε, δ)."""

    priors: Sequence[float] = PRIORS
    delta: float = DELTA


class BlindKnobs(Knobs):
    """How the classifiers are fitted that never see a model."""

    folds: Annotated[int, Field(ge=2), Most(20, "a fold of a split may have no more of a side")] = 5
    side: Annotated[int, Field(gt=0), Most(WIDEST, "the covariance of more pixels takes too much memory")] = (
        16
    )


class EvaluationKnobs(Knobs):
    """Resampling settings of the evaluation, what counts as a near duplicate, the blind baseline, and sets of samples.

    `priors` are shares of members among all images asked about, `delta` is that of (ε, δ)-differential privacy.
    """

    seed: Seed = 0
    bootstrap: Annotated[int, Field(ge=100), MOST_RESAMPLES] = 1000
    permutations: Annotated[int, Field(ge=20), MOST_RESAMPLES] = 200
    threads: Threads = 1
    near_duplicates: NearDuplicateKnobs = NearDuplicateKnobs()
    blind: BlindKnobs = BlindKnobs()
    priors: Several[Share] = PRIORS
    delta: Annotated[float, Field(ge=0), Most(0.5, "a larger one allows nearly everything")] = DELTA
    sets: SetKnobs = SetKnobs()


def resampling_of(job: Job) -> Any:
    """Return the `Resampling` that a job says."""
    from simaudit.evaluation.protocol.evaluate import Resampling

    knobs = job.params
    return Resampling(knobs["bootstrap"], knobs["permutations"], knobs["seed"], job.speed["threads"])


def assumptions_of(job: Job) -> Assumptions:
    """Return the `Assumptions` that a job says."""
    return Assumptions(job.params["priors"], job.params["delta"])
