"""SHA-256 of files, each computed once and remembered by path, size, time of change and inode."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from simaudit.storage.walk import files_below, name_of
from simaudit.vocabulary.errors import printable

CACHE = Path(".simaudit/hashes.sqlite")
PATIENCE = 60.0  # seconds to wait while other jobs write to the cache


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes_of_each(paths: Iterable[Path], cache: Path = CACHE) -> dict[Path, dict[str, str]]:
    """Return the SHA-256 of files by path: by relative path of every file in a folder, or by its name of one file.

    Where there is nothing at a path, there are no hashes. A name that is no text, as some systems allow, is quoted.
    """
    files = {path: sorted(_files(path)) if path.is_file() or path.is_dir() else [] for path in paths}
    known = hashes((file for of_path in files.values() for file in of_path), cache)
    return {
        path: {_name_in(path, file): known[file.as_posix()] for file in of_path}
        for path, of_path in files.items()
    }


def _name_in(path: Path, file: Path) -> str:
    return path.name if file == path else printable(name_of(file.relative_to(path)))


def hashes(paths: Iterable[Path], cache: Path = CACHE) -> dict[str, str]:
    """Return the SHA-256 of every file among `paths`, by path, sorted. A folder stands for all files in it.

    Hidden files and folders in it do not count: systems and tools leave them behind. Where the cache cannot be read
    or written, every file is read instead.
    Raises FileNotFoundError when there is nothing at a path.
    """
    files = {file.as_posix(): file for file in sorted({file for path in paths for file in _files(path)})}
    known = _known(cache, files)
    new = {name: (_state(file), sha256_file(file)) for name, file in files.items() if name not in known}
    _remember(cache, new)
    return {name: known.get(name) or new[name][1] for name in files}


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return (file for file in files_below(path) if file.is_file())
    if not path.exists():
        raise FileNotFoundError(path)
    return (path,)


def _known(cache: Path, files: Mapping[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of the files that the cache knows as they are now, by name."""
    question, known = "SELECT sha256 FROM hashes WHERE path = ? AND state = ?", {}
    with suppress(sqlite3.Error, UnicodeError), closing(sqlite3.connect(cache, PATIENCE)) as database:
        for name, file in files.items():
            if row := database.execute(question, (name, _state(file))).fetchone():
                known[name] = row[0]
    return known


def _remember(cache: Path, new: Mapping[str, tuple[str, str]]) -> None:
    """Write the state and the SHA-256 of files, by name, to the cache, unless it cannot be written."""
    with suppress(sqlite3.Error, OSError, UnicodeError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(cache, PATIENCE)) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, state TEXT, sha256 TEXT)"
            )
            rows = [(name, state, digest) for name, (state, digest) in new.items()]
            database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)


def _state(file: Path) -> str:
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
