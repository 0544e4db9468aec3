"""Images in IDX files, as of MNIST."""

import re
from pathlib import Path

import numpy as np
import pytest
from formats import write_idx
from preparing import assert_prepare_refuses, peak_of, prepared, source

from simaudit.vocabulary.errors import SimauditError

pytestmark = pytest.mark.usefixtures("here")

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 5, 4), dtype=np.uint8)
LABELS = np.arange(7)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_and_labels_are_those_of_the_files(suffix):
    images, labels = Path(f"train-images-idx3-ubyte{suffix}"), Path(f"train-labels-idx1-ubyte{suffix}")
    knobs = {"path": str(write_idx(images, IMAGES)), "labels": str(write_idx(labels, LABELS))}
    stored, items = prepared("idx", **knobs)
    assert np.array_equal(np.load("data/prepared/d/images.npy"), IMAGES[:, np.newaxis])
    assert stored.shape == (7, 1, 5, 4)
    assert items.label.tolist() == list(range(7))
    assert source("idx", **knobs).given == (images, labels)


def test_whether_a_file_is_compressed_is_seen_from_its_content():
    write_idx(Path("images.gz"), IMAGES).rename("images")
    prepared("idx", path="images")
    assert np.array_equal(np.load("data/prepared/d/images.npy")[:, 0], IMAGES)


def test_labels_need_not_be_there_and_images_may_be_transposed():
    write_idx(Path("images"), IMAGES)
    _, items = prepared("idx", path="images", transposed=True)
    assert np.array_equal(np.load("data/prepared/d/images.npy")[:, 0], IMAGES.transpose(0, 2, 1))
    assert items.label.isna().all()


WHOLE = bytes([0, 0, 8, 3, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 4]) + IMAGES.tobytes()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (None, "images: missing; put a whole one there"),
        (b"", "images: not a whole IDX file of images (it is truncated"),
        (WHOLE[:10], "images: not a whole IDX file of images (it is truncated"),
        (WHOLE[:-1], "images: not a whole IDX file of images (it is truncated: 1 bytes or more are missing)"),
        (WHOLE + b"more", "images: not a whole IDX file of images (it goes on after its 7 rows)"),
        (
            WHOLE[:3] + b"\1" + WHOLE[4:],
            "images: begins with 00000801, and an IDX file of images with 00000803",
        ),
        (b"\0\0\x0d\3" + WHOLE[4:], "images: begins with 00000d03, and an IDX file of images with 00000803"),
        (b"\3\x08\0\0" + WHOLE[4:], "images: begins with 03080000"),
        (WHOLE[:4] + bytes(4) + WHOLE[8:16], "images: has shape (0, 5, 4), so it holds no images"),
        (WHOLE[:8] + b"\xff\xff\xff\xff" * 2, "images: not a whole IDX file of images (it is truncated"),
        (b"\x1f\x8bnot gzip", "images: not a whole IDX file of images"),
    ],
)
def test_a_damaged_file_of_images_is_one_line(images, words):
    if images is not None:
        Path("images").write_bytes(images)
    with pytest.raises(SimauditError, match=f"^{re.escape(words)}"):
        prepared("idx", path="images")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: whole[:-5], "not a whole IDX file of images"),
        (lambda whole: whole[:-8] + b"\0" * 8, "CRC"),
    ],
)
def test_a_damaged_gzip_file_is_one_line(change, words):
    path = write_idx(Path("images.gz"), IMAGES)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(SimauditError, match=rf"^images\.gz: .*{words}"):
        prepared("idx", path="images.gz")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (bytes([0, 0, 8, 1, 0, 0, 0, 6]) + bytes(6), "labels: has 6 labels for 7 images; give one for each"),
        (
            bytes([0, 0, 8, 1, 0, 0, 0, 7]) + bytes(6),
            "labels: not a whole IDX file of labels (it is truncated",
        ),
        (
            bytes([0, 0, 8, 1, 0, 0, 0, 7]) + bytes(8),
            "labels: not a whole IDX file of labels (it goes on after",
        ),
        (WHOLE, "labels: begins with 00000803, and an IDX file of labels with 00000801"),
    ],
)
def test_labels_that_do_not_belong_to_the_images_are_one_line(labels, words):
    Path("images").write_bytes(WHOLE)
    Path("labels").write_bytes(labels)
    with pytest.raises(SimauditError, match=f"^{re.escape(words)}"):
        prepared("idx", path="images", labels="labels")


def test_the_job_refuses_in_one_line_with_exit_code_2_and_leaves_nothing():
    Path("images").write_bytes(WHOLE[:-1])
    assert_prepare_refuses("idx", {"path": "images"}, "images: not a whole IDX file", "put a whole one there")


def test_reading_ten_times_as_many_images_needs_no_more_memory():
    peaks = []
    for count in (6000, 60_000):
        write_idx(Path("images"), np.zeros((count, 28, 28), np.uint8))
        peaks.append(peak_of(source("idx", path="images").items()))
    assert peaks[1] < 1.2 * peaks[0]
