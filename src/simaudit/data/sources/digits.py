"""scikit-learn's digits: 1797 handwritten digits, 8×8, 17 grey levels; bundled, so nothing is downloaded."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import sklearn.datasets

from simaudit.data.source import Item, Source, scaled


class Digits(Source):
    """The test part of the UCI Optical Recognition of Handwritten Digits data (Alpaydin & Kaynak 1998)."""

    source: Literal["digits"]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return 1797, 1, 8, 8

    def items(self) -> Iterator[Item]:
        digits = sklearn.datasets.load_digits()
        images = scaled(digits.images[:, np.newaxis], 0, 16)
        for pixels, label in zip(images, digits.target.tolist(), strict=True):
            yield Item(pixels, label=label)
