"""One batch of CIFAR: a pickle, read by an unpickler that makes arrays and plain values and runs nothing else."""

import pickle
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from simaudit.vocabulary.errors import FileError, shown, some

ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # before NumPy 2
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}
"""What NumPy makes an array with, by the module and the name that a pickle gives."""
REMEDY = "take the original file"


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], named: str) -> None:
        super().__init__(stream, encoding="bytes")
        self._named = named

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may name. Raises FileError for everything else, before anything of it is run."""
        try:
            return ADMITTED[module, name]
        except KeyError:
            asked = shown(f"{module}.{name}")
            raise FileError(
                f"{self._named}: asks for {asked}, which no batch of CIFAR does; it was not run, {REMEDY}"
            ) from None


def read_batch(
    stream: IO[bytes], named: str, labels: str, classes: int
) -> tuple[np.ndarray, list[int], list[str]]:
    """Return the images (n, 3, 32, 32) uint8, their labels and their file names; `labels` is the key of the labels.

    `named` is the file in messages. Raises FileError when it is no batch, and what `pickle` raises when it is damaged.
    """
    by_key = _content(stream, named)
    lacking = [key for key in ("data", labels, "filenames") if key not in by_key]
    if lacking:
        raise FileError(
            f"{named}: has no {' and no '.join(lacking)}, and a batch of this dataset has; its keys: {some(by_key)}"
        )
    data, numbers, names = by_key["data"], by_key[labels], by_key["filenames"]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * 32 * 32,):
        found = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise FileError(f"{named}: data must be uint8 (n, 3072), found {found}; {REMEDY}")
    for key, values in ((labels, numbers), ("filenames", names)):
        if not isinstance(values, list) or len(values) != len(data):
            count = len(values) if isinstance(values, list) else f"a {type(values).__name__} of"
            raise FileError(f"{named}: has {count} {key} for {len(data)} images; {REMEDY}")
    for number, label in enumerate(numbers):
        if type(label) is not int or not 0 <= label < classes:
            raise FileError(
                f"{named}: label {number} is {label!r:.40}, not one of 0 to {classes - 1}; {REMEDY}"
            )
    return data.reshape(-1, 3, 32, 32), numbers, [_text(name) for name in names]


def read_names(stream: IO[bytes], named: str, key: str, classes: int) -> list[str]:
    """Return the names of so many classes, of the file beside the batches. Raises as `read_batch` does."""
    names = _content(stream, named).get(key)
    if not isinstance(names, list) or len(names) != classes:
        raise FileError(f"{named}: has no list {key} of {classes} names; {REMEDY}")
    return [_text(name) for name in names]


def _content(stream: IO[bytes], named: str) -> dict[str, Any]:
    content = _Unpickler(stream, named).load()
    if not isinstance(content, dict):
        raise FileError(f"{named}: is no batch of CIFAR, which is a dictionary; {REMEDY}")
    return {_text(key): value for key, value in content.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
