"""Writing files and folders so that they are either whole or absent."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it is renamed to `path` on success and removed on failure.

    What is written there may be a file or a directory. If the process is killed in between, `path` stays as it was, and
    the next call removes the temporary path. Its name contains the process id, so that a job that outlived its killed
    Snakemake and the job that replaces it do not write to the same file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        if not _is_running(int(leftover.name.split(".")[-2])):
            remove(leftover)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_dir():
            remove(path)
        temporary.replace(path)
    finally:
        remove(temporary)


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
