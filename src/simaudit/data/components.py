"""Principal components of images: what most of their variation is along, found without any label, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

WIDEST = 32
"""Most pixels per side of images whose components are computed: their covariance takes 75 MB in colour."""


@dataclass(frozen=True)
class Components:
    """The leading principal components of rows with d numbers: their mean (d,) and k axes (d, k), float64."""

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, blocks: Callable[[], Iterable[np.ndarray]], count: int) -> Components:
        """Return the leading `count` components, all where rows have fewer numbers, the one with most variance first.

        `blocks` is called twice, and each time gives the same rows, (n, d) at a time: for their mean, and for their
        covariance, so that nothing grows with their number. The sign of an axis makes its largest number positive.
        """
        sums, rows = zip(
            *((block.sum(axis=0, dtype=np.float64), len(block)) for block in blocks()), strict=True
        )
        mean = np.sum(sums, axis=0) / sum(rows)
        covariance = np.zeros((len(mean), len(mean)))
        for block in blocks():
            centred = block - mean
            covariance += centred.T @ centred
        axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
        largest = np.abs(axes).argmax(axis=0)
        return cls(mean, axes * np.sign(axes[largest, np.arange(axes.shape[1])]))

    def project(self, rows: np.ndarray) -> np.ndarray:
        """Return the coordinates (n, k) of rows (n, d) along the axes."""
        coordinates: np.ndarray = (rows - self.mean) @ self.axes
        return coordinates


def thumbnails(images: np.ndarray, side: int) -> np.ndarray:
    """Return pixels (N, C·h·w) of images (N, C, H, W), averaged over equal blocks so that no side exceeds `side`."""
    n, channels, height, width = images.shape
    rows, columns = (-(-size // side) for size in (height, width))
    padded = np.pad(images, ((0, 0), (0, 0), (0, -height % rows), (0, -width % columns)), mode="edge")
    blocks = padded.reshape(n, channels, padded.shape[2] // rows, rows, -1, columns)
    averaged: np.ndarray = blocks.mean(axis=(3, 5))
    return averaged.reshape(n, -1)
