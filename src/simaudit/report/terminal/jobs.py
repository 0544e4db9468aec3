"""One line for each job of a running workflow, in the place of all that Snakemake says about it."""

import logging
import shutil
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from simaudit.machine.progress import spoken
from simaudit.report.terminal.failure import Failure
from simaudit.report.terminal.forecast import Forecast
from simaudit.vocabulary.paths import job_of, title

INDENT = "    "
"""What the rest of a line begins with that is wrapped, besides the spaces that the line begins with."""
LONG_JOB = 10.0
"""Seconds. The end of a job that took longer is told, too."""
UNSAID = (
    *("Select jobs to execute", "Using shell: ", "Assuming unrestricted shared filesystem", "host: "),
    *("Restored previous version of ", "Removing output files of failed job "),
)
"""How the messages begin that mean nothing to the person who waits, or less than the line of the failed job."""
CTRL_C = "Terminating processes on user request"
STAMP_CHANGED = "Params have changed since last execution"
"""Snakemake knows of parameters and code the hash of the stamp alone."""
OF_A_FAILED_COMMAND = "CalledProcessError in file"
"""Snakemake's message repeats the whole command; the line of the failed job says what a person needs."""


class JobLines(logging.StreamHandler[TextIO]):
    """A logging handler that writes Snakemake's messages for people.

    `forecast` returns the jobs of the run; it is called once, as soon as Snakemake knows them. A dry run has one line
    for each job as well, with the reason why it would run.
    """

    def __init__(self, stream: TextIO, forecast: Callable[[], Forecast], dry_run: bool = False) -> None:
        super().__init__(stream)
        self._make_forecast, self._dry_run = forecast, dry_run
        self._forecast: Forecast | None = None
        self._names: dict[int, str] = {}
        self._failed: list[Failure] = []
        self._commands: list[str] = []
        """Snakemake's messages about commands that failed: each comes before the failure of its job."""
        self._stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a person wants to know of a message."""
        try:
            lines = self._text(record).splitlines()
        except Exception:  # as every handler of logging does: telling must not stop the run
            self.handleError(record)
            return
        if lines:
            super().emit(logging.makeLogRecord({"msg": "\n".join(map(self._fitted, lines))}))

    def failures(self) -> str:
        """Return each failed job with what ended it, or how to go on after Ctrl-C."""
        if self._stopped:
            return "Stopped. The same command goes on from here."
        return "\n".join(failure.line for failure in self._failed)

    def _text(self, record: logging.LogRecord) -> str:
        match getattr(record, "event", None):
            case None | "error":
                return self._message(str(record.msg or ""))
            case "run_info":
                return self._plan(record)
            case "job_info":
                return self._start(record)
            case "job_finished":
                return self._end(record.job_id)  # type: ignore[attr-defined]
            case "job_error":
                return self._failure([Path(log) for log in record.log], f"{record.shellcmd}'")  # type: ignore[attr-defined]
        return ""

    def _message(self, text: str) -> str:
        self._stopped |= text.startswith(CTRL_C)
        if OF_A_FAILED_COMMAND in text:
            self._commands.append(text)
            return ""
        return "" if text.startswith(UNSAID) else text

    def _plan(self, record: logging.LogRecord) -> str:
        """Return a line of how much there is to do. A dry run ends with Snakemake's own table of it."""
        if self._dry_run:
            return str(record.msg) if self._names else ""
        jobs = self._jobs()
        time_left = jobs.left(0)
        where = f"; cores: {jobs.cores}" if jobs.cores else ""
        about = f"; about {spoken(time_left)} if each takes as long as the last time" if time_left else ""
        return f"Jobs to run: {len(jobs.jobs)}{where}{about}"

    def _start(self, record: logging.LogRecord) -> str:
        job, log = record.jobid, record.log  # type: ignore[attr-defined]
        if not log:  # a rule that only names files
            return ""
        self._names[job] = name = title(job_of(Path(log[0])))
        if self._dry_run:
            return f"{name}: {_shortened(record.reason)}"  # type: ignore[attr-defined]
        jobs, now = self._jobs(), time.monotonic()
        jobs.start(job, now)
        total, seconds = len(jobs.jobs), jobs.seconds(job)
        time_left = None if self._failed else jobs.left(now)  # what needs the failed one does not run
        rest = "" if time_left is None else f", {spoken(time_left)} left"
        about = "" if seconds is None else f", about {spoken(seconds)}"
        return f"[{len(self._names):{len(str(total))}}/{total}{rest}] {name}{about}"

    def _end(self, job: int) -> str:
        if job not in self._names:
            return ""
        jobs = self._jobs()
        seconds = jobs.end(job, time.monotonic())
        done = f"{len(jobs.ended)} of {len(jobs.jobs)} jobs done"
        return f"{self._names[job]}: ended after {spoken(seconds)}; {done}" if seconds >= LONG_JOB else ""

    def _failure(self, logs: list[Path], command: str) -> str:
        if not logs or self._stopped:
            return ""
        message = next((message for message in self._commands if command in message), "")
        self._failed.append(failure := Failure(logs[0], message))
        return "\n".join([f"FAILED {failure.name}", *(f"    its log: {log}" for log in logs)])

    def _fitted(self, line: str) -> str:
        """Return a line such that it fits a terminal; elsewhere it stays whole, so that it can be searched for."""
        if not self.stream.isatty():
            return line
        width = shutil.get_terminal_size().columns
        indent = " " * (len(line) - len(line.lstrip()) + len(INDENT))
        return textwrap.fill(
            line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )

    def _jobs(self) -> Forecast:
        self._forecast = self._forecast or self._make_forecast()
        return self._forecast


def take_the_place_of_snakemake(
    logger: logging.Logger, forecast: Callable[[], Forecast], dry_run: bool
) -> JobLines | None:
    """Have `JobLines` write to the terminal in the place of Snakemake; None where a logger plugin does already."""
    for theirs in logger.handlers:
        if theirs.name == "DefaultStreamHandler" and isinstance(theirs, logging.StreamHandler):
            ours = JobLines(theirs.stream, forecast, dry_run)
            for quiet in theirs.filters:
                ours.addFilter(quiet)
            logger.removeHandler(theirs)
            logger.addHandler(ours)
            return ours
    return None


def _shortened(reason: str) -> str:
    """Return Snakemake's reason for running a job with the first file of each of its lists of files."""
    clauses = []
    for clause in reason.split("; "):
        kind, _, names = clause.partition(": ")
        if kind == STAMP_CHANGED:
            clause = "Its parameters or its code have changed"
        files = sorted(names.split(", "))
        if len(files) > 1 and not any(" " in file for file in files):
            clause = f"{kind}: {files[0]} and {len(files) - 1} more"
        clauses.append(clause)
    return "; ".join(clauses)
