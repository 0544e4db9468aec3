"""The same images are the same samples, whichever source they come from."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats import packed, write_cifar10
from PIL import Image
from preparing import hashes

COLOURS = np.random.default_rng(5).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)


def png(pixels):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """The images as files of every kind, in one order."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for number, pixels in enumerate(COLOURS):
        Path(f"pictures/{number:02}.png").write_bytes(png(pixels))
    np.savez_compressed("images.npz", x=COLOURS)
    np.save("images.npy", COLOURS.transpose(0, 3, 1, 2))
    packed(write_cifar10(Path("cifar"), COLOURS.transpose(0, 3, 1, 2), np.zeros(12, int)))
    pq.write_table(pa.table({"image": [png(pixels) for pixels in COLOURS]}), "images.parquet")


SOURCES = {
    "npz": {"source": "array", "path": "images.npz", "images": "x", "layout": "NHWC"},
    "npy": {"source": "array", "path": "images.npy", "layout": "NCHW"},
    "batches of CIFAR-10": {"source": "cifar", "path": "cifar", "dataset": "cifar-10"},
    "their archive": {"source": "cifar", "path": "batches.tar.gz", "dataset": "cifar-10"},
    "parquet": {"source": "huggingface", "path": "images.parquet", "format": "parquet", "image": "image"},
    "one of several": {"source": "concatenated", "of": {"a": {"source": "folder", "path": "pictures"}}},
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_format_gives_the_hashes_of_the_pictures_in_a_folder(kind):
    knobs = dict(SOURCES[kind])
    expected = hashes("folder", path="pictures")
    assert len(set(expected)) == 12
    assert hashes(knobs.pop("source"), **knobs) == expected
