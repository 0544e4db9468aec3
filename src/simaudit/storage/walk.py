"""The files below a folder, as all that reads or hashes a folder sees them."""

import os
from collections.abc import Iterator
from pathlib import Path

MADE_BY_SYSTEMS = ("__MACOSX", "@eaDir")
"""Folders that operating systems and storage devices put beside files, with previews that nobody has asked for."""


def name_of(path: Path) -> str:
    """Return the POSIX path of a file, which is UTF-8 on disk whatever the locale says."""
    return os.fsencode(path.as_posix()).decode("utf-8", "surrogateescape")


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, in any order, but for what is hidden or inside something hidden.

    Links to files and folders are followed, but not where they lead back to a folder that they lie in. Raises OSError
    when a folder cannot be read.
    """
    folders = [(folder, frozenset[tuple[int, int]]())]
    while folders:
        inside, above = folders.pop()
        status = inside.stat()
        if (here := (status.st_dev, status.st_ino)) in above:
            continue
        for path in inside.iterdir():
            if path.name.startswith(".") or path.name in MADE_BY_SYSTEMS:
                continue
            if path.is_dir():
                folders.append((path, above | {here}))
            else:
                yield path
