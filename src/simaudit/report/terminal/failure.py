"""What ended a job that failed: the signal that killed it, or the error in its log."""

import re
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, valid_signals

from simaudit.provenance.stamps import read_jobs
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import FEWER
from simaudit.vocabulary.paths import job_of, title_of

BY_SIGNAL = re.compile(r"died with <Signals\.\w+: (\d+)>|returned non-zero exit status (\d+)")
"""How Snakemake's message about a command ends; a shell whose command a signal ended returns 128 more than it."""


@dataclass(frozen=True)
class Failure:
    """A job that failed: its log, and what Snakemake said of its command, if anything."""

    log: Path
    message: str = ""

    @property
    def line(self) -> str:
        """The job, and what ended it."""
        return f"FAILED {title_of(self.log)}: {self._reason()}\n    its log: {self.log}"

    def _reason(self) -> str:
        signal = self._signal()
        if signal == SIGKILL:
            return f"was killed (signal 9), most often because the memory was full; {_less_memory(self.log)}"
        return _last_line(self.log) if signal is None else f"was ended by signal {signal}"

    def _signal(self) -> int | None:
        end = BY_SIGNAL.search(self.message)
        signal, status = end.groups() if end else (None, 0)
        number = int(signal or int(status) - 128)
        return number if number in valid_signals() else None


def _less_memory(log: Path) -> str:
    try:
        return max(read_jobs(job_of(log)), key=lambda job: job.memory_mb).less_memory
    except SimauditError:  # the stamp is damaged, which is another line's matter
        return FEWER


def _last_line(log: Path) -> str:
    """Return the last line of a job's log, which is its error."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line for line in reversed(lines) if line.strip()), "it wrote nothing into its log")
