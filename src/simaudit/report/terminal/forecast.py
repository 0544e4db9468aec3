"""How long the jobs of a run may take: as long as each of them took the last time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simaudit.provenance import runlog
from simaudit.vocabulary.errors import SimauditError

TRUSTED_SECONDS = 20.0
"""The pace is that of the last time until about so many seconds of work have shown another one."""


@dataclass(frozen=True)
class Planned:
    """A job of the run, and the `seconds` that it took the last time; None where it has never run in this folder."""

    seconds: float | None
    threads: int = 1

    @classmethod
    def of(cls, log: Path, threads: int) -> "Planned":
        """Return the job that writes `log`, with the seconds in the run log beside it."""
        try:
            last = runlog.read(log)
        except SimauditError:  # a damaged run log is no reason to stop a run
            last = None
        return cls(last["seconds"] if last else None, threads)


@dataclass
class Forecast:
    """Which jobs of a run have started and ended, and how long the rest may take.

    Jobs go by Snakemake's number. `cores` is None on a cluster, where nobody knows how long jobs wait. Times are in
    seconds, read from any one clock.
    """

    jobs: Mapping[int, Planned]
    cores: int | None
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)

    def start(self, job: int, now: float) -> None:
        """Take down that a job starts."""
        self.started[job] = now

    def end(self, job: int, now: float) -> float:
        """Take down that a job ends, and return how long it took."""
        self.ended[job] = now
        return now - self.started.get(job, now)

    def seconds(self, job: int) -> float | None:
        """Return how long a job may take at the pace of this run; None where nobody knows."""
        last = self.jobs[job].seconds
        return None if last is None else last * self._pace()

    def left(self, now: float) -> float | None:
        """Return the seconds until the last job may end; None where one that is left has never run.

        It is the work that is left, shared out among the cores, and at least what the longest job needs.
        """
        waiting = [job for job in self.jobs if job not in self.ended]
        remaining, work = [0.0], 0.0
        for job in waiting:
            seconds = self.seconds(job)
            if seconds is None or self.cores is None:
                return None
            remaining.append(max(seconds - (now - self.started.get(job, now)), 0.0))
            work += remaining[-1] * min(self.jobs[job].threads, self.cores) / self.cores
        return max(work, *remaining)

    def _pace(self) -> float:
        """Return this run's seconds for each second of the last time, from the jobs that have ended."""
        taken = last = TRUSTED_SECONDS
        for job, end in self.ended.items():
            if (seconds := self.jobs[job].seconds) is not None:
                taken += end - self.started.get(job, end)
                last += seconds
        return taken / last
