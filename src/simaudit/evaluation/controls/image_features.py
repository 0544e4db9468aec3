"""What blind classifiers see of images: tables of pixels and of statistics, made a block of images at a time."""

import bz2
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import kurtosis, skew

from simaudit.data.components import Components, thumbnails
from simaudit.data.store import Images
from simaudit.storage.pictures import levels

PIXELS = 192  # columns of the table of pixels; images with more numbers become as many principal components
BANDS = 4  # of spatial frequency


def feature_tables(images: Images, ids: np.ndarray, side: int) -> dict[str, Callable[[], np.ndarray]]:
    """Return functions that make two tables (N, d) float32 of images[ids], each column with mean 0 and variance 1.

    `pixels` are those of the images, averaged down to at most `side` pixels per side; where these are more than PIXELS
    numbers, their leading principal components. `statistics` are those of `image_statistics`. Beside a table, memory
    does not grow with the number of images.
    """

    def small(block: np.ndarray) -> np.ndarray:
        return thumbnails(block, side)

    def projected(block: np.ndarray) -> np.ndarray:
        return components.project(small(block))

    few = small(images[ids[:1]]).size <= PIXELS
    if not few:
        components = Components.of(lambda: (small(block) for _, block in images.blocks(ids)), PIXELS)
    seen = {"pixels": small if few else projected, "statistics": image_statistics}
    return {name: partial(_table, images, ids, of) for name, of in seen.items()}


def _table(images: Images, ids: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what `of` gives of images[ids], (N, d) float32, standardised."""
    table = np.empty((len(ids), of(images[ids[:1]]).shape[1]), dtype=np.float32)
    for place, block in images.blocks(ids):
        table[place] = of(block)
    return standardised(table)


def standardised(table: np.ndarray) -> np.ndarray:
    """Shift and scale the columns of a table in place, one at a time; a constant one stays constant."""
    for column in table.T:
        column -= column.mean(dtype=np.float64)
        column /= np.sqrt(np.square(column, dtype=np.float64).mean()) or 1
    return table


def image_statistics(images: np.ndarray) -> np.ndarray:
    """Return features (N, F) of images (N, C, H, W) that do not depend on what the images show.

    They are a channel's moments, extremes and median; how rough it is along rows and columns; how its power is spread
    over bands of spatial frequency, which compression, resizing and sensors change; and how far an image can be
    compressed, see `compressed_length`.
    """
    flat = images.reshape(*images.shape[:2], -1).astype(np.float64)
    power = np.abs(np.fft.fft2(images, norm="ortho")) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, images.shape[2:]), indexing="ij"))
    band = np.minimum((frequency / frequency.max() * BANDS).astype(int), BANDS - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a flat channel has no skewness, and no kurtosis
        moments = [np.nan_to_num(moment(flat, axis=2)) for moment in (skew, kurtosis)]
    features = [
        flat.mean(2),
        flat.std(2),
        *moments,
        flat.min(2),
        np.median(flat, axis=2),
        flat.max(2),
        *(np.abs(np.diff(images, axis=axis)).mean((2, 3)) for axis in (2, 3)),
        *(np.log(power[:, :, band == k].sum(2) + 1e-12) for k in range(BANDS)),
        compressed_length(images)[:, None],
    ]
    return np.concatenate(features, axis=1)


def compressed_length(images: np.ndarray) -> np.ndarray:
    """Return bytes per number (N,) of images (N, C, H, W) in [-1, 1], as 8-bit levels that bzip2 has compressed.

    Each level is replaced by what it has more than its left neighbour, as in a PNG. bzip2 is one program everywhere, so
    that all machines agree, which they do not on the length that zlib gives.
    """
    differences = np.diff(levels(images), axis=3, prepend=np.uint8(0))  # modulo 256
    lengths = [len(bz2.compress(image.tobytes(), 1)) for image in differences]
    return np.array([length / differences[0].size for length in lengths])
