"""The image store: the images of a dataset in one file, read only where it is indexed, and a table of what they are."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.source import Item
from simaudit.storage.array import ArrayWriter
from simaudit.storage.hashes import sha256_bytes
from simaudit.storage.parquet import CHECKED, CHECKSUMS, read_columns
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError, SimauditError

ITEMS = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("file", pa.string()),
        ("label", pa.int64()),
        ("caption", pa.string()),
        ("origin", pa.string()),
        ("sha256", pa.string()),
    ]
)
"""What is known of each image; all but its number and the SHA-256 of its stored pixels may be null."""
CLASS_NAMES = "class_names"
"""Key of a table's metadata: the names of classes by label, as JSON; it is there where classes have names."""
ROW_GROUP = 4096  # items that are held before they are written
BLOCK = 2**20  # numbers of the images that `blocks` holds at once: 4 MiB
LEVELS = (np.arange(256) * (2 / 255) - 1).astype(np.float32)
"""What each level of 8 bits is in [-1, 1]."""


class Images:
    """Stored images (N, C, H, W), uint8 or float32, which are read where they are indexed: float32 in [-1, 1].

    A file is read and not mapped: the pages around every image that a map brings along count as memory of the process.
    """

    def __init__(self, stored: np.ndarray) -> None:
        self._stored = stored
        self.shape: tuple[int, int, int, int] = stored.shape

    @classmethod
    def open(cls, path: Path) -> Images:
        """Open a file of images. Raises SimauditError when it is missing or is no such file."""
        with reading(path, "a whole .npy file"):
            stored: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        if stored.ndim != 4 or stored.dtype not in (np.uint8, np.float32):
            raise SimauditError(
                f"{path}: must hold images (N, C, H, W) as uint8 or float32, found {stored.dtype} {stored.shape}; "
                "delete it and run again"
            )
        return cls(stored)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, ids: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the images of these numbers, (n, C, H, W) float32 in [-1, 1], as a copy."""
        stored = self._stored
        chosen = (
            _read(stored, np.arange(len(self))[ids])
            if isinstance(stored, np.memmap)
            else np.array(stored[ids])
        )
        return LEVELS[chosen] if chosen.dtype == np.uint8 else chosen

    def blocks(self, ids: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield images[ids] a few at a time, each block with its place in `ids`, so that few are in memory."""
        size = max(1, BLOCK // int(np.prod(self.shape[1:])))
        for first in range(0, len(ids), size):
            place = slice(first, min(first + size, len(ids)))
            yield place, self[ids[place]]


def _read(stored: np.memmap, ids: np.ndarray) -> np.ndarray:
    """Return the rows of these numbers (n,), from the file that an array is in. Raises FileError when it is cut off."""
    rows = np.empty((len(ids), *stored.shape[1:]), dtype=stored.dtype)
    size = stored.itemsize * math.prod(stored.shape[1:])
    with Path(str(stored.filename)).open("rb", buffering=0) as stream:
        for row, number in zip(rows, ids.tolist(), strict=True):
            stream.seek(stored.offset + number * size)
            if stream.readinto(row) != size:
                raise FileError(f"{stored.filename}: ends before image {number}; delete it and run again")
    return rows


class StoreWriter:
    """Writes a store image by image: memory does not grow with their number. A context manager.

    It writes to the files that it is given, which the caller makes whole or absent.
    """

    def __init__(self, images: BinaryIO, items: Path) -> None:
        self._stream, self._rows = images, list[dict[str, Any]]()
        self._images: ArrayWriter | None = None
        self.class_names: dict[int, str] = {}
        self._items = pq.ParquetWriter(items, ITEMS, compression="zstd", **CHECKSUMS)

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write_rows()
            self._items.add_key_value_metadata(named_classes(self.class_names))
            if self._images:
                self._images.close()
        self._items.close()

    def __len__(self) -> int:
        return self._images.rows if self._images else 0

    def add(self, item: Item) -> None:
        """Store one image, of the shape and type of the first."""
        if self._images is None:
            self._images = ArrayWriter(self._stream, item.pixels)
        known = {name: getattr(item, name) for name in ("file", "label", "caption", "origin")}
        self._rows.append({"sample_id": len(self), **known, "sha256": pixels_hash(item.pixels)})
        self._images.append(item.pixels)
        if item.label is not None and item.class_name is not None:
            self.class_names.setdefault(item.label, item.class_name)
        if len(self._rows) == ROW_GROUP:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._rows:
            self._items.write_table(pa.Table.from_pylist(self._rows, schema=ITEMS))
            self._rows.clear()


def pixels_hash(pixels: np.ndarray) -> str:
    """Return the SHA-256 of an image's stored bytes in C order, in hexadecimal."""
    return sha256_bytes(pixels.tobytes())


def named_classes(names: Mapping[int, str]) -> dict[str, str]:
    """Return what the metadata of a table of items say of the names of classes by label; nothing of no names."""
    return {CLASS_NAMES: json.dumps(dict(sorted(names.items())))} if names else {}


def read_class_names(path: Path) -> dict[int, str]:
    """Return the names of classes by label, of a table of items; there are none where nobody has given any.

    A name that several labels have is followed by the label of each, such as crane (134). Raises SimauditError when the
    file is missing or not whole.
    """
    with reading(path, "a whole table of items"), pq.ParquetFile(path, **CHECKED) as file:
        known = json.loads((file.metadata.metadata or {}).get(CLASS_NAMES.encode(), b"{}"))
    count = Counter(known.values())
    return {int(label): name if count[name] == 1 else f"{name} ({label})" for label, name in known.items()}


def read_items(path: Path, *columns: str) -> pd.DataFrame:
    """Return columns of ITEMS, all if none is named, in sample_id order; numbers and texts that are unknown are NA.

    Raises SimauditError when the file is missing or not whole.
    """
    with reading(path, "a whole table of items"), pq.ParquetFile(path, **CHECKED) as file:
        table = read_columns(file, columns or ITEMS.names)
        types = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}
        frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
    return frame
