"""STL-10 (Coates, Ng & Lee 2011) in its binary files: 96×96 in colour, 13 000 with a label and 100 000 without."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Literal

import numpy as np

from simaudit.data.source import Item, Source, given_files
from simaudit.data.sources._rows import require_as_many, rows
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError
from simaudit.vocabulary.knobs import GivenPath

SHAPE = (3, 96, 96)
SIZE = 3 * 96 * 96  # bytes of an image
CLASSES = 10
NAMES = "class_names.txt"
PARTS = {"train": True, "test": True, "unlabeled": False}
"""Whether each part has labels, in the order of `part: all`."""
BYTE = np.dtype(np.uint8)
REMEDY = "take the original file, and name its folder"


class Stl10(Source):
    """The images of the files `train_X.bin`, `test_X.bin` and `unlabeled_X.bin` of a folder, with their labels.

    A label is the place of the class in `class_names.txt`, from 0; the files `…_y.bin` have it from 1. Where that file
    is there, classes have the names in it. `origin` is the part, and `file` is <part>/<number of the image in the part,
    from 0>.
    """

    source: Literal["stl10"]
    path: GivenPath
    part: Literal["train", "test", "unlabeled", "all"]

    @property
    def given(self) -> tuple[Path, ...]:
        files = (file for part in self._parts for file in self._files(part))
        return given_files(*files, self._names if self._names.is_file() else None)

    def items(self) -> Iterator[Item]:
        """Yield the images in the order of the files. Raises FileError when one is missing or damaged."""
        names = _class_names(self._names) if self._names.is_file() else [None] * CLASSES
        for part in self._parts:
            images, labels = self._files(part)
            count = _count(images, SIZE)
            known = _labels(labels, count) if labels else repeat(None, count)
            for number, (values, label) in enumerate(zip(_rows(images, (count, *SHAPE)), known, strict=True)):
                pixels = values.swapaxes(1, 2)  # column by column in the file
                name = None if label is None else names[label]
                yield Item(pixels, f"{part}/{number}", label, origin=part, class_name=name)

    @property
    def _names(self) -> Path:
        return Path(self.path) / NAMES

    @property
    def _parts(self) -> tuple[str, ...]:
        return tuple(PARTS) if self.part == "all" else (self.part,)

    def _files(self, part: str) -> tuple[Path, Path | None]:
        folder = Path(self.path)
        return folder / f"{part}_X.bin", folder / f"{part}_y.bin" if PARTS[part] else None


def _class_names(path: Path) -> list[str]:
    with reading(path, "a list of classes in UTF-8", REMEDY):
        names = path.read_text(encoding="utf-8").split()
    if len(names) != CLASSES:
        raise FileError(f"{path}: has {len(names)} names, not {CLASSES}; {REMEDY}")
    return names


def _labels(path: Path, images: int) -> Iterator[int]:
    require_as_many(images, count := _count(path, 1), path)
    for number, label in enumerate(_rows(path, (count,))):
        if not 1 <= label <= CLASSES:
            raise FileError(f"{path}: label {number} is {label}, not one of 1 to {CLASSES}; {REMEDY}")
        yield int(label) - 1


def _count(path: Path, each: int) -> int:
    """Return how many entries of `each` bytes a file has. Raises FileError when there is no whole number of them."""
    with reading(path, "a file of STL-10", REMEDY):
        size = path.stat().st_size
    if size == 0 or size % each:
        raise FileError(f"{path}: has {size} bytes, no whole number of images of {each} bytes; {REMEDY}")
    return size // each


def _rows(path: Path, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    with reading(path, "a file of STL-10", REMEDY), path.open("rb") as stream:
        yield from rows(stream, shape, BYTE)
