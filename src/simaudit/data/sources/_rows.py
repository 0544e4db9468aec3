"""The rows of an array that a stream holds, such as a file or a member of a zip file: a block at a time."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from simaudit.vocabulary.errors import FileError

BLOCK = 2**20  # bytes that are read at once
REPLACE = "put a whole one there, or name another"
"""What to do with a file of rows that is missing or damaged."""


def rows(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> Iterator[np.ndarray]:
    """Yield the rows of an array of this shape (N, …), which follow from here in C order and end with the stream.

    Raises EOFError when the stream ends before the last row, and ValueError when it goes on after it.
    """
    size = math.prod(shape[1:]) * dtype.itemsize
    at_once = max(1, BLOCK // size)
    for start in range(0, shape[0], at_once):
        count = min(at_once, shape[0] - start)
        yield from np.frombuffer(exactly(stream, count * size), dtype).reshape(count, *shape[1:])
    if stream.read(1):
        raise ValueError(f"it goes on after its {shape[0]} rows")


def exactly(stream: IO[bytes], size: int) -> bytes:
    """Return the next `size` bytes; a stream that claims to be longer than it is takes no memory for what it lacks.

    Raises EOFError when there are fewer.
    """
    parts, missing = [], size
    while missing and (part := stream.read(min(missing, BLOCK))):
        parts.append(part)
        missing -= len(part)
    if missing:
        raise EOFError(f"it is truncated: {missing} bytes or more are missing")
    return b"".join(parts)


def require_as_many(images: int, labels: int, named: Path | str, what: str = "labels") -> None:
    """Raise FileError, with both counts, unless there is one label for each image."""
    if labels != images:
        raise FileError(f"{named}: has {labels} {what} for {images} images; give one for each image")
