"""Progress for people: a bar with rate and time left on a terminal, plain lines at intervals in a log."""

import logging
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from tqdm import tqdm

log = logging.getLogger("simaudit")
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts steps towards a total. A context manager; `advance` may carry facts to show, such as the loss."""

    def __init__(self, title: str, total: int, done: int = 0, unit: str = "step") -> None:
        self._title, self._total, self._done, self._unit = title, total, done, unit
        self._started, self._start = time.monotonic(), done
        self._line_due = self._started + SECONDS_BETWEEN_LINES
        self._bar = tqdm(
            total=total, initial=done, desc=title, unit=unit, file=sys.stderr, disable=not sys.stderr.isatty()
        )

    def __enter__(self) -> Self:
        return self

    def advance(self, steps: int = 1, facts: Mapping[str, float] = MappingProxyType({})) -> None:
        """`steps` more are done."""
        self._done += steps
        if facts:
            self._bar.set_postfix(dict(facts), refresh=False)
        self._bar.update(steps)
        if time.monotonic() >= self._line_due:
            self._line_due = time.monotonic() + SECONDS_BETWEEN_LINES
            self._write_line(facts)

    def _write_line(self, facts: Mapping[str, float]) -> None:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        rate = (self._done - self._start) / elapsed
        left = (self._total - self._done) / rate if rate else float("inf")
        shown = "".join(f", {name} {value:.4g}" for name, value in facts.items())
        log.info(
            "%s: %d/%d %ss%s, %.1f a second, %.0f s left",
            *(self._title, self._done, self._total, self._unit, shown, rate, left),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if error is None:
            log.info("%s: %d %ss done", self._title, self._done, self._unit)
