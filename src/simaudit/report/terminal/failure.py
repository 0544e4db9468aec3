"""What ended a job that failed: the signal that killed it, or the error in its log."""

import re
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, valid_signals

from simaudit.provenance.doing import IS_DONE, STARTS
from simaudit.provenance.stamps import read_jobs
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import FEWER
from simaudit.vocabulary.paths import job_of, title

ENDED = re.compile(r"died with <Signals\.\w+: (\d+)>|returned non-zero exit status (\d+)")
"""How Snakemake's message about a command that failed ends: with the number of a signal, or with an exit code."""
SIGNALLED = 128
"""What a shell adds to the signal that ended its command, to return it as an exit code."""


def exit_codes(text: str) -> list[int]:
    """Return the exit code of each failed command that Snakemake's messages tell of, SIGNALLED + n of a signal n."""
    return [SIGNALLED + int(signal) if signal else int(code) for signal, code in ENDED.findall(text)]


@dataclass(frozen=True)
class Failure:
    """A process that failed: its log, and what Snakemake said of its command, if anything."""

    log: Path
    message: str = ""

    @property
    def name(self) -> str:
        """The job that failed, for people; the process where several jobs were done at once, or none had started."""
        at_work = _at_work(self.log)
        return title(at_work[0] if len(at_work) == 1 else job_of(self.log))

    @property
    def line(self) -> str:
        """The job, and what ended it."""
        return f"FAILED {self.name}: {self._reason()}\n    its log: {self.log}"

    def _reason(self) -> str:
        signal = self._signal()
        if signal == SIGKILL:
            return f"was killed (signal 9), most often because the memory was full; {_less_memory(self.log)}"
        return _last_line(self.log) if signal is None else f"was ended by signal {signal}"

    def _signal(self) -> int | None:
        number = next(iter(exit_codes(self.message)), 0) - SIGNALLED
        return number if number in valid_signals() else None


def _at_work(log: Path) -> list[str]:
    """Return the jobs that had started and were not done when a process ended."""
    at_work = dict[str, None]()
    for line in _lines(log):
        name, _, state = line.partition(": ")
        if state == STARTS:
            at_work[name] = None
        elif state == IS_DONE:
            at_work.pop(name, None)
    return list(at_work)


def _less_memory(log: Path) -> str:
    process = job_of(log)
    try:
        jobs = read_jobs(process)
    except SimauditError:  # a stamp is damaged, which is another line's matter
        return FEWER
    at_work = _at_work(log)
    return max(jobs, key=lambda job: (job.name in at_work, job.memory_mb)).less_memory


def _last_line(log: Path) -> str:
    """Return the last line of a process' log, which is its error."""
    return next((line for line in reversed(_lines(log)) if line.strip()), "it wrote nothing into its log")


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
