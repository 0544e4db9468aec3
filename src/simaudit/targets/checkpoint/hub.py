"""Models that come from the Hugging Face Hub: nothing is fetched here, and which revision it was is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

NAME = re.compile(r"[\w.-]+/[\w.-]+")
REVISION = re.compile(r"[0-9a-f]{40}")
FETCHED = Path(".cache/huggingface/download")
"""Where `hf download` writes down, beside a folder that it fills, what it has fetched."""


def fetching(name: str) -> str:
    """Return what to do where a path is a name of the Hub and no folder; nothing where it is none."""
    if not NAME.fullmatch(name):
        return ""
    return f", or fetch it from the Hub with: hf download {name} --revision COMMIT --local-dir DIR"


def revision_of(folder: Path, files: Iterable[Path]) -> str | None:
    """Return the commit of the Hub that files in a folder are of; None where it is not known, or not the same of all.

    It is in the path of the Hub's own cache, and in what was written down when the files were fetched.
    """
    parts = folder.resolve().parts
    cached = {after for before, after in pairwise(parts) if before == "snapshots"}
    noted = {_noted(folder, file) for file in files if file.is_relative_to(folder)}
    found = {name for name in cached if REVISION.fullmatch(name)} or noted
    return found.pop() if len(found) == 1 else None


def _noted(folder: Path, file: Path) -> str | None:
    note = folder / FETCHED / f"{file.relative_to(folder).as_posix()}.metadata"
    try:
        first = note.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, ValueError):
        return None
    return first if REVISION.fullmatch(first) else None
