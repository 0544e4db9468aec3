"""Arrays in files that are whole or absent: written at once, or row by row while their number is not yet known."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name as a compressed .npz, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_arrays(path: Path, remedy: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of an .npz by name. Raises SimauditError when the file is missing or not whole.

    `remedy` is what to do with one that no job makes.
    """
    with reading(path, "a whole file", remedy), np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def shape_of(path: Path) -> tuple[int, ...]:
    """Return the shape of the array of an .npy file, from its header; (0,) where there is no such file yet."""
    try:
        shape: tuple[int, ...] = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError):
        return (0,)
    return shape


class ArrayWriter:
    """Writes rows of one shape and type to a .npy file, one in memory at a time; `close` states how many there are.

    numpy leaves room in a header for a longer first axis, so that the file is to the byte the one that np.save writes.
    """

    def __init__(self, stream: BinaryIO, row: np.ndarray) -> None:
        self._stream, self.row_shape, self.dtype, self.rows = stream, row.shape, row.dtype, 0
        self._write_header()

    def append(self, row: np.ndarray) -> None:
        """Write one more row, of the shape and type of the first."""
        assert (row.shape, row.dtype) == (self.row_shape, self.dtype)
        self._stream.write(np.ascontiguousarray(row).tobytes())
        self.rows += 1

    def close(self) -> None:
        """Write the header again, with the number of rows."""
        self._stream.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        header = {"shape": (self.rows, *self.row_shape), "fortran_order": False}
        described = header | {"descr": np.lib.format.dtype_to_descr(self.dtype)}
        np.lib.format.write_array_header_1_0(self._stream, described)
