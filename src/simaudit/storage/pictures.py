"""Sheets of pictures: rows of images in one PNG, which a person can open, and where each of them lies in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading

BOX = ("x", "y", "width", "height")
"""Where a picture is in its sheet, in pixels: its top left corner, and its size."""


def levels(images: np.ndarray) -> np.ndarray:
    """Return images of any shape in [-1, 1] as uint8, each number as the nearest of 256 levels."""
    return ((images.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def save_sheet(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write those of some arrays that are images, (n, C, H, W) in [-1, 1], as one PNG: each is a row, from the top.

    All have one C, H and W. Three channels are red, green and blue; of any other number, the mean is shown as grey.
    """
    rows = _rows(arrays).values()
    shown = [levels(row if row.shape[1] == 3 else row.mean(axis=1, keepdims=True)) for row in rows]
    _, channels, height, width = shown[0].shape
    sheet = np.full((len(shown) * height, max(map(len, shown)) * width, channels), 255, dtype=np.uint8)
    for line, row in enumerate(shown):
        beside = row.transpose(2, 0, 3, 1).reshape(height, -1, channels)
        sheet[line * height : (line + 1) * height, : beside.shape[1]] = beside
    with atomic_path(path) as temporary:
        Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(temporary, format="PNG")


def places(path: Path, arrays: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return where each picture of a sheet is that was saved of these arrays: row, column, file (`picture`) and BOX."""
    found = []
    for line, (name, row) in enumerate(_rows(arrays).items()):
        height, width = row.shape[2:]
        for column in range(len(row)):
            box = dict(zip(BOX, (column * width, line * height, width, height), strict=True))
            found.append({"row": name, "column": column, "picture": path.as_posix(), **box})
    return found


def _rows(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in arrays.items() if array.ndim == 4}


def read_sheet(path: Path) -> np.ndarray:
    """Return a sheet, uint8 (h, w), or (h, w, 3) where it has colours.

    Raises SimauditError when the file is missing or not whole.
    """
    with reading(path, "a whole picture"), Image.open(path) as sheet:
        return np.asarray(sheet)


def cut(sheet: np.ndarray, place: Mapping[Any, Any]) -> np.ndarray:
    """Return one picture of a sheet by its BOX."""
    x, y, width, height = (place[name] for name in BOX)
    return sheet[y : y + height, x : x + width]
