"""Progress for people: a bar with rate and time left, or plain lines at intervals where a bar could be overwritten."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import ClassVar, Self

from tqdm import tqdm

log = logging.getLogger("simaudit")
FIRST_LINE, RAREST_LINE, SHARE = 10.0, 60.0, 0.2
"""Seconds until the first line and, at most, between two; lines become rarer as a share of the time that has passed."""
SHARED_TERMINAL = "SIMAUDIT_SHARED_TERMINAL"
"""The environment variable that Snakemake sets for its jobs where several of them write to one terminal at a time."""
VERDICT_FOLLOWS = "SIMAUDIT_VERDICT_FOLLOWS"
"""The environment variable that is set where whoever runs Snakemake says what the run has found."""


class Progress:
    """Counts steps towards a total, if that is known. A context manager.

    `advance` may carry facts to show, such as the loss.
    Where it shows a bar, its lines are for the log file alone (level DEBUG).
    """

    job: ClassVar[str] = ""
    """The name of the job that this process runs, for the title of its progress; the command line sets it."""

    def __init__(self, title: str, total: int | None, done: int = 0, unit: str = "step") -> None:
        self._title = ", ".join(part for part in (self.job, title) if part) or f"{unit}s"
        self._total, self._done, self._unit = total, done, unit
        self._started, self._start = time.monotonic(), done
        self._line_due = self._started + FIRST_LINE
        has_bar = sys.stderr.isatty() and SHARED_TERMINAL not in os.environ
        self._level = logging.DEBUG if has_bar else logging.INFO
        self._bar = tqdm(
            total=total, initial=done, desc=self._title, unit=unit, file=sys.stderr, disable=not has_bar
        )

    def __enter__(self) -> Self:
        return self

    def advance(self, steps: int = 1, facts: Mapping[str, float] = MappingProxyType({})) -> None:
        """Count `steps` more as done."""
        self._done += steps
        if facts:
            self._bar.set_postfix(dict(facts), refresh=False)
        self._bar.update(steps)
        if (now := time.monotonic()) >= self._line_due:
            elapsed = now - self._started
            self._line_due = now + min(max(FIRST_LINE, SHARE * elapsed), RAREST_LINE)
            self._write_line(elapsed, facts)

    def _write_line(self, elapsed: float, facts: Mapping[str, float]) -> None:
        rate = (self._done - self._start) / elapsed
        left = f", {spoken((self._total - self._done) / rate)} left" if rate and self._total else ""
        of = f"/{self._total}" if self._total is not None else ""
        shown = "".join(f", {name} {value:.4g}" for name, value in facts.items())
        log.log(
            self._level,
            "%s: %d%s %ss%s, %.1f per second%s",
            *(self._title, self._done, of, self._unit, shown, rate, left),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if error is None:
            log.debug("%s: %d %ss done", self._title, self._done, self._unit)


def spoken(seconds: float) -> str:
    """Return a duration of at least 1 s in the unit that a person would use: 58 s, 11 min, 2 h 10 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
