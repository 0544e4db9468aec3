"""How complex images are: features of each image by itself, from which much of a model's answer can be predicted."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image

from simaudit.data.store import Images
from simaudit.storage.parquet import CHECKED, write_table
from simaudit.storage.pictures import levels
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError

BANDS = 5  # of spatial frequency
SMALLEST = 1e-12  # added to a mean square before its logarithm: a flat image has none

CODECS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "lossless": True, "method": 2},
    "jpeg_75": {"format": "JPEG", "quality": 75},
    "jpeg_95": {"format": "JPEG", "quality": 95},
}
"""How an image is compressed, by the name of the feature. Lengths depend a little on the versions of the libraries."""


def complexity_features(images: np.ndarray) -> dict[str, np.ndarray]:
    """Return features (N,) float64 by name of images (N, C, H, W) in [-1, 1], each of one image by itself, all finite.

    They are logarithms of compressed lengths in bytes, by the codecs and by zlib; of the root mean square, the mean of
    absolute values and the fourth root of the mean fourth power; of the total variation, of the mean squared gradient
    and Laplacian, and of the mean power in bands of spatial frequency; mean, standard deviation, saturation (how far
    apart an image's channels lie, on average) and the share of clipped numbers.
    """
    x = images.astype(np.float64)
    axes = (1, 2, 3)
    down, across = np.diff(x, axis=2), np.diff(x, axis=3)
    edges = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    around = edges[:, :, 2:, 1:-1] + edges[:, :, :-2, 1:-1] + edges[:, :, 1:-1, 2:] + edges[:, :, 1:-1, :-2]
    size = x[0].size

    def log(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(values + SMALLEST))

    return {
        **_lengths(levels(images)),
        "log_l1": log(np.abs(x).mean(axes)),
        "log_l2": log(np.square(x).mean(axes)) / 2,
        "log_l4": log((x**4).mean(axes)) / 4,
        "mean": x.mean(axes),
        "sd": x.std(axes),
        "total_variation": log((np.abs(down).sum(axes) + np.abs(across).sum(axes)) / size),
        "gradient": log((np.square(down).sum(axes) + np.square(across).sum(axes)) / size),
        "laplacian": log(np.square(around - 4 * x).mean(axes)),
        **_power(x),
        "saturation": np.ptp(x, axis=1).mean((1, 2)),
        "clipped": (np.abs(x) >= 1).mean(axes),
    }


def features_of(images: Images, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features (n,) of images[ids] by name, computed a few images at a time."""
    features: dict[str, np.ndarray] = {}
    for place, block in images.blocks(ids):
        for name, values in complexity_features(block).items():
            features.setdefault(name, np.empty(len(ids)))[place] = values
    return features


def write_features(path: Path, images: Images, sample_id: np.ndarray) -> None:
    """Write sample_id and the features of images[sample_id] as Parquet, atomically."""
    columns = {"sample_id": sample_id, **features_of(images, sample_id)}
    write_table(path, pd.DataFrame(columns, copy=False))


def read_features(path: Path, sample_id: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features (N,) of the images of these samples by name, as `write_features` wrote them.

    Raises SimauditError when the file is missing, not whole, or of other samples.
    """
    with reading(path, "a whole table"), pq.ParquetFile(path, **CHECKED) as file:
        columns = {name: file.read([name])[name].to_numpy() for name in file.schema_arrow.names}
    if not np.array_equal(columns.pop("sample_id"), sample_id):
        raise SimauditError(f"{path}: is of other samples than the split; delete it and run again")
    return columns


def _power(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the log mean power of images (N, C, H, W) in each band of spatial frequency; of an empty one, 0."""
    power = np.abs(np.fft.fft2(x, norm="ortho")) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, x.shape[2:]), indexing="ij"))
    band = np.minimum((frequency / (frequency.max() or 1) * BANDS).astype(int), BANDS - 1)
    return {
        f"power_{number}": np.log(power[:, :, band == number].mean((1, 2)) + SMALLEST)
        if (band == number).any()
        else np.zeros(len(x))
        for number in range(BANDS)
    }


def _lengths(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the logarithms of the compressed lengths of images (N, C, H, W) uint8, by codec and by zlib."""
    lengths = {name: [_length(image, knobs) for image in pixels] for name, knobs in CODECS.items()}
    lengths["zlib"] = [len(zlib.compress(image.tobytes(), 9)) for image in pixels]
    return {name: np.log(np.array(values, dtype=np.float64)) for name, values in lengths.items()}


def _length(image: np.ndarray, knobs: dict[str, Any]) -> int:
    """Return the bytes of an image (C, H, W): three channels are colours, others stand one below the other as grey."""
    shown = image.transpose(1, 2, 0) if len(image) == 3 else image.reshape(-1, image.shape[2])
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(stream, **knobs)
    return stream.tell()
