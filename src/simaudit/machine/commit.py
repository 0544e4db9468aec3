"""The commit that is checked out in this folder, and the occasion on which something is measured."""

import datetime
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def commit() -> dict[str, Any]:
    """Return the commit checked out in this folder, and whether tracked files differ from it; None without git."""
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": None if head is None else bool(_git("status", "--porcelain", "-uno"))}


def commit_date() -> str | None:
    """Return when the commit was made that is checked out in this folder, ISO 8601; None without git."""
    date = _git("log", "-1", "--format=%cI")
    # Git says Z or +00:00, as it is old or new.
    return date and datetime.datetime.fromisoformat(date).isoformat()


def occasion() -> dict[str, Any]:
    """Return `when` it is (ISO 8601, UTC), the version of `simaudit` that is installed, and `commit` and `dirty`."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        installed = version("simaudit")
    except PackageNotFoundError:
        installed = "not installed"
    return {"when": when, "simaudit": installed, **commit()}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
