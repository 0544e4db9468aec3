"""Files in the original formats of data sets, of arrays that tests make."""

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np

NUMPY_1, NUMPY_2 = b"cnumpy.core.multiarray\n", b"cnumpy._core.multiarray\n"


class _AsPython2(pickle._Pickler):
    """Pickles as Python 2 did, whose texts become bytes in Python 3."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _text(self, value):
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = _text


def pickled(value) -> bytes:
    """A pickle as Python 2 and NumPy 1 wrote it."""
    stream = io.BytesIO()
    _AsPython2(stream, 2).dump(value)
    return stream.getvalue().replace(NUMPY_2, NUMPY_1)


def batch(images, labels, names=None, key="labels") -> dict:
    """What a batch of CIFAR holds, for images (n, 3, 32, 32)."""
    names = names or [f"image_s_{number:06}.png" for number in range(len(images))]
    data = np.ascontiguousarray(images).reshape(len(images), -1)
    known = {key: list(map(int, labels)), "data": data, "filenames": [name.encode() for name in names]}
    return {b"batch_label": b"a batch", **{name.encode(): value for name, value in known.items()}}


def write_cifar10(folder: Path, images, labels) -> Path:
    """Write images as five batches to train and one to test, six parts of one length."""
    folder.mkdir(parents=True, exist_ok=True)
    size = len(images) // 6
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        part = slice(number * size, (number + 1) * size)
        (folder / name).write_bytes(pickled(batch(images[part], labels[part])))
    (folder / "batches.meta").write_bytes(
        pickled({b"label_names": [f"class {n}".encode() for n in range(10)]})
    )
    return folder


def packed(folder: Path) -> Path:
    """The .tar.gz of a folder, its files in another order than that of the batches."""
    path = folder.with_name("batches.tar.gz")
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for file in sorted(folder.iterdir(), reverse=True):
            archive.add(file, f"cifar-10-batches-py/{file.name}")
    return path


def write_idx(path: Path, values) -> Path:
    """Write 8-bit images (N, H, W) or labels (N,), compressed where the name says so."""
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    content = header + np.ascontiguousarray(values, np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_stl10(folder: Path, part: str, images, labels=None) -> None:
    """Write images (n, 3, 96, 96), column by column, and their labels, from 0, from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}_X.bin").write_bytes(np.ascontiguousarray(images.swapaxes(2, 3)).tobytes())
    if labels is not None:
        (folder / f"{part}_y.bin").write_bytes(bytes(label + 1 for label in labels))
