"""STL-10 in its binary files."""

import re
from pathlib import Path

import numpy as np
import pytest
from formats import write_stl10
from preparing import assert_prepare_refuses, peak_of, prepared, source

from simaudit.vocabulary.errors import SimauditError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 3, 96, 96), dtype=np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_stl10(Path("stl10_binary"), "train", IMAGES[:3], [0, 9, 4])
    write_stl10(Path("stl10_binary"), "test", IMAGES[3:5], [1, 2])
    write_stl10(Path("stl10_binary"), "unlabeled", IMAGES[5:])
    return Path("stl10_binary")


def test_images_lie_column_by_column_and_labels_count_from_1_in_the_files(folder):
    whole = (folder / "train_X.bin").read_bytes()
    assert whole[1] == IMAGES[0, 0, 1, 0]  # the second byte is below the first
    assert whole[96 * 96 + 96] == IMAGES[0, 1, 0, 1]
    assert (folder / "train_y.bin").read_bytes() == b"\x01\x0a\x05"


def test_classes_have_the_names_that_stand_beside_the_images(folder):
    names = [f"class{number}" for number in range(10)]
    Path("stl10_binary/class_names.txt").write_text("\n".join(names) + "\n")
    stl10 = source("stl10", path="stl10_binary", part="train")
    assert Path("stl10_binary/class_names.txt") in stl10.given
    assert [item.class_name for item in stl10.items()] == [names[0], names[9], names[4]]
    Path("stl10_binary/class_names.txt").write_text("cat dog")
    with pytest.raises(SimauditError, match=r"class_names\.txt: has 2 names, not 10"):
        list(stl10.items())


def test_all_parts_stand_in_one_order_and_say_where_they_are_from():
    _, items = prepared("stl10", path="stl10_binary", part="all")
    assert np.array_equal(np.load("data/prepared/d/images.npy"), IMAGES)
    assert items.label[:5].tolist() == [0, 9, 4, 1, 2]
    assert items.label.isna().tolist() == [False] * 5 + [True]
    assert items.origin.tolist() == ["train"] * 3 + ["test"] * 2 + ["unlabeled"]
    assert items.file.tolist() == ["train/0", "train/1", "train/2", "test/0", "test/1", "unlabeled/0"]


@pytest.mark.parametrize(
    ("part", "of", "files"),
    [
        ("train", slice(3), ["train_X.bin", "train_y.bin"]),
        ("test", slice(3, 5), ["test_X.bin", "test_y.bin"]),
        ("unlabeled", slice(5, 6), ["unlabeled_X.bin"]),
    ],
)
def test_a_part_needs_no_other_files(folder, part, of, files):
    assert source("stl10", path="stl10_binary", part=part).given == tuple(folder / file for file in files)
    for path in {*folder.iterdir()} - {folder / file for file in files}:
        path.unlink()
    prepared("stl10", path="stl10_binary", part=part)
    assert np.array_equal(np.load("data/prepared/d/images.npy"), IMAGES[of])


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("train_X.bin", None, "missing; take the original file, and name its folder"),
        ("train_y.bin", None, "missing; take the original file, and name its folder"),
        ("train_X.bin", b"", "has 0 bytes, no whole number of images of 27648 bytes"),
        (
            "train_X.bin",
            IMAGES[:3].tobytes()[:-1],
            "has 82943 bytes, no whole number of images of 27648 bytes",
        ),
        ("train_y.bin", b"\1\2", "has 2 labels for 3 images"),
        ("train_y.bin", b"\1\2\0", "label 2 is 0, not one of 1 to 10"),
        ("train_y.bin", b"\1\2\x0b", "label 2 is 11, not one of 1 to 10"),
    ],
)
def test_a_damaged_file_is_one_line(folder, file, content, words):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(SimauditError, match=f"^stl10_binary/{file}: {re.escape(words)}"):
        prepared("stl10", path="stl10_binary", part="train")


def test_the_job_refuses_in_one_line_with_exit_code_2_and_leaves_nothing(folder):
    (folder / "train_y.bin").write_bytes(b"\1")
    assert_prepare_refuses("stl10", {"path": "stl10_binary", "part": "all"}, "has 1 labels for 3 images")


def test_reading_ten_times_as_many_images_needs_no_more_memory(folder):
    peaks = []
    for count in (100, 1000):
        (folder / "unlabeled_X.bin").write_bytes(bytes(27648 * count))
        peaks.append(peak_of(source("stl10", path="stl10_binary", part="unlabeled").items()))
    assert peaks[1] < 1.2 * peaks[0]
