"""Images in the IDX format of MNIST (LeCun & Cortes), Fashion-MNIST and EMNIST: grey, 8-bit, perhaps gzipped."""

import gzip
import struct
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import repeat
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np

from simaudit.data.source import Item, Source, given_files
from simaudit.data.sources._rows import REPLACE, exactly, require_as_many, rows
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError
from simaudit.vocabulary.knobs import GivenPath

GZIP = b"\x1f\x8b"  # how a gzip file begins
BYTES = b"\0\0\x08"  # how an IDX file of unsigned bytes begins; the number of its axes follows
AXES = {"images": 3, "labels": 1}


class Idx(Source):
    """The images (N, H, W) of one IDX file and the labels (N,) of another.

    `transposed` is for files whose images have their columns where others have rows, as those of EMNIST.
    """

    source: Literal["idx"]
    path: GivenPath
    labels: GivenPath | None = None
    transposed: bool = False

    @property
    def given(self) -> tuple[Path, ...]:
        return given_files(self.path, self.labels)

    def items(self) -> Iterator[Item]:
        """Yield the images in the order of the file. Raises FileError when a file is missing, damaged, or of others."""
        images, count = Path(self.path), _count(Path(self.path), "images")
        known: Iterator[int | None] = repeat(None, count)
        if self.labels is not None:
            labels = Path(self.labels)
            require_as_many(count, _count(labels, "labels"), labels)
            known = (int(label) for label in _rows(labels, "labels"))
        for values, label in zip(_rows(images, "images"), known, strict=True):
            yield Item((values.T if self.transposed else values)[np.newaxis], label=label)


def _count(path: Path, what: str) -> int:
    with _opened(path, what) as (shape, _):
        return shape[0]


def _rows(path: Path, what: str) -> Iterator[np.ndarray]:
    with _opened(path, what) as (shape, stream):
        yield from rows(stream, shape, np.dtype(np.uint8))


@contextmanager
def _opened(path: Path, what: str) -> Iterator[tuple[tuple[int, ...], IO[bytes]]]:
    """Open an IDX file behind its header. Raises FileError when it is missing, or is not one of images or of labels."""
    with reading(path, f"a whole IDX file of {what}", REPLACE), _decompressed(path) as stream:
        begins, axes = exactly(stream, 4), AXES[what]
        if begins != BYTES + bytes([axes]):
            needed = (BYTES + bytes([axes])).hex()
            raise FileError(
                f"{path}: begins with {begins.hex()}, and an IDX file of {what} with {needed}; {REPLACE}"
            )
        shape = struct.unpack(f">{axes}I", exactly(stream, 4 * axes))
        if 0 in shape:
            raise FileError(f"{path}: has shape {shape}, so it holds no {what}; {REPLACE}")
        yield shape, stream


@contextmanager
def _decompressed(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        is_compressed = stream.read(len(GZIP)) == GZIP
        stream.seek(0)
        with gzip.open(stream) if is_compressed else nullcontext(stream) as content:
            yield cast(IO[bytes], content)
