"""scikit-learn's digits: 1797 handwritten digits, 8×8, 17 grey levels; bundled, so nothing is downloaded."""

from typing import Literal

import numpy as np
import sklearn.datasets

from simaudit.data.source import RawImages, Source


class Digits(Source):
    """The test part of the UCI Optical Recognition of Handwritten Digits data (Alpaydin & Kaynak 1998)."""

    source: Literal["digits"]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return 1797, 1, 8, 8

    def load(self) -> RawImages:
        digits = sklearn.datasets.load_digits()
        return RawImages(
            images=digits.images[:, np.newaxis],
            labels=digits.target.astype(np.int64),
            value_range=(0.0, 16.0),
        )
