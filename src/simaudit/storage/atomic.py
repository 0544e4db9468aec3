"""Writing files and folders so that they are either whole or absent."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simaudit.storage.faults import require_writable, writing


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it is renamed to `path` on success and removed on failure.

    What is written there may be a file or a directory. If the process is killed in between, `path` stays as it was, and
    the next call removes the temporary path. Its name contains the process id, so that a job that outlived its killed
    Snakemake and the job that replaces it do not write to the same file.
    Raises SimauditError, naming `path`, when its folder must not be written or its disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with writing(path):
            require_writable([path])  # not every library says why it could not write
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(path)
            remove(temporary)
            yield temporary
            if temporary.is_dir():
                remove(path)
            temporary.replace(path)
    finally:
        with suppress(OSError):  # what went wrong before is what the user must know
            remove(temporary)


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed have left beside `path`."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        if not _is_running(int(leftover.name.split(".")[-2])):
            remove(leftover)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # the process belongs to another user, so it is running
    return True


def remove(path: Path) -> None:
    """Remove a file or a whole directory, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
