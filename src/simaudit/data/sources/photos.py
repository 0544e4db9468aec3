"""Patches of the two photographs that scikit-learn ships: 2080 at 8×8 in colour; bundled, so nothing is downloaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import sklearn.datasets
from pydantic import Field

from simaudit.data.source import Item, Source, scaled

PHOTOGRAPHS = ("china.jpg", "flower.jpg")  # the label of a patch is the place of its photograph here
HEIGHT, WIDTH = 427, 640  # of either


class Photos(Source):
    """Small squares of real photographs, which differ in complexity far more than digits do: sky, leaves, walls.

    `load_sample_image` has each photograph at 427×640. A photograph is made smaller by averaging each square of
    `reduction` × `reduction` pixels, unrounded, and then cut into squares of `side` pixels without overlap, row by row
    from the top left corner; what is left at the right and at the bottom is dropped. All patches of china.jpg come
    first, then those of flower.jpg.
    """

    source: Literal["photos"]
    side: Annotated[int, Field(ge=4, le=32)] = 8  # below 4 a patch has no structure; 32 is CIFAR's
    reduction: Annotated[int, Field(ge=1, le=8)] = 2  # at 8, a photograph still has a patch of any side

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The patches that are cut, before any is."""
        rows, columns = (length // self.reduction // self.side for length in (HEIGHT, WIDTH))
        return len(PHOTOGRAPHS) * rows * columns, 3, self.side, self.side

    def items(self) -> Iterator[Item]:
        for label, name in enumerate(PHOTOGRAPHS):
            photograph = reduced(sklearn.datasets.load_sample_image(name), self.reduction)
            for pixels in patches(scaled(photograph, 0, 255), self.side):
                yield Item(pixels, label=label, origin=name, class_name=Path(name).stem)


def reduced(photograph: np.ndarray, by: int) -> np.ndarray:
    """Return the mean of each square of `by` × `by` pixels of a photograph (H, W, C): (H // by, W // by, C) float64."""
    height, width, channels = photograph.shape
    rows, columns = height // by, width // by
    whole = photograph[: rows * by, : columns * by].astype(np.float64)
    averaged: np.ndarray = whole.reshape(rows, by, columns, by, channels).mean(axis=(1, 3))
    return averaged


def patches(photograph: np.ndarray, side: int) -> np.ndarray:
    """Return the patches (N, C, side, side) of a photograph (H, W, C), row by row from the top left corner."""
    height, width, channels = photograph.shape
    rows, columns = height // side, width // side
    whole = photograph[: rows * side, : columns * side]
    cut = whole.reshape(rows, side, columns, side, channels)
    return cut.transpose(0, 2, 4, 1, 3).reshape(-1, channels, side, side)
