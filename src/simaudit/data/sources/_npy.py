"""One array of a NumPy file, .npy or .npz: its header is read when it is opened, its rows a block at a time."""

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from simaudit.data.sources._rows import REPLACE, rows
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError, SimauditError, some

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""How a header is read, by its version; version 3 is of structured arrays alone."""


@dataclass(frozen=True)
class Stored:
    """An array in a file: `named` is its file and, in an .npz, its name, as messages give them."""

    path: Path
    named: str
    shape: tuple[int, ...]
    dtype: np.dtype
    stream: IO[bytes]

    def rows(self) -> Iterator[np.ndarray]:
        """Yield its rows, once, in order. Raises FileError when the file is damaged."""
        with reading(self.path, "a whole array", REPLACE):
            yield from rows(self.stream, self.shape, self.dtype)


@contextmanager
def opened(path: Path, name: str | None = None) -> Iterator[Stored]:
    """Open the array of an .npy file, or the one of this name of an .npz file.

    Nothing is unpickled. Raises SimauditError when the file has no array of the name, and FileError when it is missing
    or damaged, or when the array is empty, holds Python objects, or lies column by column.
    """
    named = f"{path}: {name}" if name else str(path)
    with ExitStack() as stack:
        with reading(path, "a NumPy file", REPLACE):
            stream = stack.enter_context(_member(path, name) if name else path.open("rb"))
            shape, by_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
        if dtype.hasobject or dtype.names:
            raise FileError(
                f"{named}: holds {dtype}, not numbers or texts; it is not unpickled, save one of these"
            )
        if by_columns and len(shape) > 1:
            raise FileError(f"{named}: is in Fortran order; save np.ascontiguousarray of it")
        if 0 in shape or not shape:
            raise FileError(f"{named}: has shape {shape}, so it holds no images; name an array that does")
        yield Stored(path, named, shape, dtype, stream)


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        known = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
        if name not in known:
            raise SimauditError(f"{path}: has no array {name}; it has: {some(known)}")
        with archive.open(f"{name}.npy") as stream:
            yield stream
