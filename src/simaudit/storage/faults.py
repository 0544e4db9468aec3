"""The one refusal of a file that cannot be written, or must not be read: a full disk, or no permission."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simaudit.vocabulary.errors import FileError, SimauditError, is_out_of_memory, printable

FULL = ("no space left on device", "disk quota exceeded", "disk is full", "iostream error", "unexpected pos")
"""What libraries write, in lower case, where a disk takes no more bytes. The last two are torch's."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)
LEAST_SPACE = 2**16  # bytes; where less is free, a writer that says nothing of it has failed for it


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write `path` within this context: where the system does not let it be written, one line says what to do.

    `path` is what the user knows it by; what is written may have a temporary name beside it.
    """
    try:
        yield
    except Exception as error:  # libraries raise many kinds when they cannot write
        if isinstance(error, SimauditError) or is_out_of_memory(error):
            raise
        line = fault(error, path)
        if line is None and _is_full(path):
            line = _no_space(path)
        if line is None and isinstance(error, OSError) and _is_of(error.filename, path):
            line = FileError(f"{path}: cannot be written ({error.strerror}); name another place")
        if line is None:
            raise
        raise line from None


def require_writable(paths: Iterable[Path]) -> None:
    """Raise SimauditError, naming the first path that must not be written where it is or would be."""
    for path in sorted(paths):
        if not os.access(_folder_of(path), os.W_OK):
            raise _no_permission(path)


def fault(error: BaseException, path: Path | None = None) -> FileError | None:
    """Return the line for an error that says that a disk is full, a permission is missing or a name is too long.

    It is None for others. `path` is what was being written, if that is known. Errors that led to this one are asked,
    too.
    """
    if isinstance(error, SimauditError):
        return None  # it has its line
    number, file = getattr(error, "errno", None), getattr(error, "filename", None)
    if number in NO_SPACE or any(words in str(error).lower() for words in FULL):
        return _no_space(path or file)
    if number == errno.ENAMETOOLONG:
        return FileError(f"{printable(str(file))}: the name is too long; name another")
    if number in NO_PERMISSION:
        elsewhere = path is None or (file and not Path(file).is_relative_to(path.parent))
        return _no_permission(file if elsewhere else path)
    return fault(error.__context__, path) if error.__context__ else None


def _no_space(path: Path | str | None) -> FileError:
    return FileError(
        f"{path or 'output'}: no space left on its disk, or in your quota; free some, and run the same again"
    )


def _no_permission(path: Path | str | None) -> FileError:
    return FileError(f"{path}: permission denied; change its permissions, or those of its folder")


def _is_full(path: Path) -> bool:
    disk = shutil.disk_usage(_folder_of(path))
    return disk.total > 0 and disk.free < LEAST_SPACE  # /proc and the like have no space at all


def _is_of(file: str | None, path: Path) -> bool:
    """Return whether a file is `path`, a folder above it, or what is written before it is renamed to `path`."""
    return file is not None and (
        Path(file) in (path, *path.parents) or Path(file).name.startswith(f".{path.name}.")
    )


def _folder_of(path: Path) -> Path:
    """Return the folder of a path, or the nearest one above it that can be reached."""
    return next(folder for folder in path.absolute().parents if os.access(folder, os.F_OK))
