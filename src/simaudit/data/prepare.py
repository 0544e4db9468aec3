"""Conversion of a source's images to the one form that every target sees."""

import hashlib
from pathlib import Path

import numpy as np

from simaudit.data.source import RawImages
from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError

BATCH = 1024  # images that are held in double precision at a time


def to_model_range(raw: RawImages) -> np.ndarray:
    """Return images as float32 (N, C, H, W) in [-1, 1]: the source's value range mapped linearly.

    Raises SimauditError when a value lies outside the range that the source declares.
    """
    low, high = raw.value_range
    if raw.images.min() < low or raw.images.max() > high:
        raise SimauditError(
            f"dataset: values from {raw.images.min()} to {raw.images.max()} lie outside the declared "
            f"range {low} to {high}; correct the source's value_range"
        )
    scaled = np.empty(raw.images.shape, dtype=np.float32)
    for first in range(0, len(scaled), BATCH):
        rows = slice(first, first + BATCH)
        scaled[rows] = (raw.images[rows].astype(np.float64) - low) * (2 / (high - low)) - 1
    return scaled


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def open_images(path: Path) -> np.ndarray:
    """Open prepared images, memory-mapped: (N, C, H, W) float32, read only where they are indexed.

    Raises SimauditError when the file is missing or is not such an array.
    """
    with reading(path, "a whole .npy file"):
        images: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    if images.ndim != 4 or images.dtype != np.float32:
        raise SimauditError(
            f"{path}: must hold float32 images (N, C, H, W), found {images.dtype} {images.shape}; "
            "delete it and run again"
        )
    return images


def image_hashes(images: np.ndarray) -> list[str]:
    """Return the SHA-256 of each prepared image's bytes (C order), in hexadecimal."""
    return [hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest() for image in images]
