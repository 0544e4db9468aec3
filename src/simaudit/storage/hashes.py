"""SHA-256 of files, each computed once and remembered by path, size, time of change and inode."""

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

CACHE = Path(".simaudit/hashes.sqlite")
PATIENCE = 60.0  # seconds to wait while other jobs write to the cache


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_hashes(path: Path, cache: Path = CACHE) -> dict[str, str]:
    """SHA-256 by relative path of every file in a folder, or by its name of one file; nothing where there is none."""
    if path.is_file():
        return {path.name: sha256_file(path)}
    files = hashes([path], cache) if path.is_dir() else {}
    return {Path(file).relative_to(path).as_posix(): sha256 for file, sha256 in files.items()}


def hashes(paths: Iterable[Path], cache: Path = CACHE) -> dict[str, str]:
    """Return the SHA-256 of every file among `paths`, by path, sorted. A folder stands for all files in it.

    Raises FileNotFoundError when there is nothing at a path.
    """
    files = sorted({file for path in paths for file in _files(path)})
    cache.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(cache, timeout=PATIENCE) as database:
        database.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, state TEXT, sha256 TEXT)")
        digests = {file.as_posix(): _known(database, file) for file in files}
        new = {
            name: (_state(Path(name)), sha256_file(Path(name)))
            for name, digest in digests.items()
            if not digest
        }
        database.executemany(
            "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)",
            [(name, state, digest) for name, (state, digest) in new.items()],
        )
    database.close()
    return {name: digest or new[name][1] for name, digest in digests.items()}


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return (file for file in path.rglob("*") if file.is_file())
    if not path.exists():
        raise FileNotFoundError(path)
    return (path,)


def _known(cache: sqlite3.Connection, file: Path) -> str | None:
    row = cache.execute(
        "SELECT sha256 FROM hashes WHERE path = ? AND state = ?", (file.as_posix(), _state(file))
    ).fetchone()
    return row[0] if row else None


def _state(file: Path) -> str:
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
