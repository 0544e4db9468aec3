"""What changes from run to run: when and where a job ran, on which commit and for how long. Nothing depends on it."""

import datetime
import platform
import sys
import time
from pathlib import Path
from typing import Any

from simaudit.machine.commit import commit
from simaudit.machine.memory import peak_memory
from simaudit.storage.json import read_json, write_json
from simaudit.vocabulary import paths


class RunLog:
    """Measures one job from when it is made, and is written to <log>.run.json when it is done."""

    def __init__(self) -> None:
        self._started, self._clock = datetime.datetime.now(datetime.UTC), time.perf_counter()

    def write(self, log: Path) -> None:
        """Write what was measured beside the job's own log."""
        write_json(
            beside(log),
            {
                "started": self._started.isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - self._clock, 3),
                "peak_memory_kb": peak_memory() // 1024,
                "host": platform.node(),
                "platform": platform.platform(),
                "python": platform.python_version(),
                "argv": sys.argv,
                **commit(),
            },
        )


def beside(log: Path) -> Path:
    """Return the path of the run log that belongs to a job's log."""
    return log.with_suffix(".run.json")


def read(log: Path) -> dict[str, Any] | None:
    """Read the run log that belongs to a job's log, where there is one."""
    path = beside(log)
    return read_json(path) if path.exists() else None


def seconds_of(job: str) -> float | None:
    """Return the seconds that a job took when it last ran here, where that is known."""
    known = read(paths.log(job))
    return float(known["seconds"]) if known else None
