"""Which process is to start first where there are fewer cores than processes: the one that most work waits for."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from simaudit.provenance.runlog import seconds_of
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

GUESSED = {"score": 20, "sample": 10, "own_statistics": 10, "quality": 5, "evaluate": 5}
"""Seconds that a job may take that has never run here, by its phase; of others, and of an epoch of training, 1 s."""


def urgency(processes: Mapping[str, Sequence[Job]]) -> dict[str, int]:
    """Return the seconds from the start of each process to the end of all that waits for it, were there enough cores.

    A process takes as long as the last time in this folder. The seconds of one that has never run are a guess, which is
    good enough to start long ones first.
    """
    made_by = {path: name for name, jobs in processes.items() for job in jobs for path in job.outputs}
    after = dict[str, set[str]]()
    for name, jobs in processes.items():
        for path in {path for job in jobs for path in job.inputs} & made_by.keys():
            after.setdefault(made_by[path], set()).add(name)

    @cache
    def until_the_end(name: str) -> float:
        waiting = after.get(name, set()) - {name}
        return _seconds(name, processes[name]) + max(map(until_the_end, waiting), default=0.0)

    return {name: round(until_the_end(name)) for name in processes}


def _seconds(name: str, jobs: Sequence[Job]) -> float:
    try:
        known = seconds_of(name)
    except SimauditError:  # a damaged run log is no reason to stop a run
        known = None
    return sum(map(_guessed, jobs)) if known is None else known


def _guessed(job: Job) -> float:
    return _epochs(job.params) if job.phase == "train" else GUESSED.get(job.phase, 1)


def _epochs(params: Any) -> int:
    """Return the epochs of all trainings in the parameters of a target, and one for what else there is to do."""
    trainings = [params, *(part for part in params.values() if isinstance(part, Mapping))]
    return 1 + sum(int(part["training"]["epochs"]) for part in trainings if "training" in part)
