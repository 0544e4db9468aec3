"""Images in NumPy arrays: the same as elsewhere where they are the same, refused where they are not what is stated."""

import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from formats import write_cifar10, write_idx
from hypothesis import given, settings
from hypothesis import strategies as st
from preparing import assert_prepare_refuses, hashes, peak_of, prepared, source
from pydantic import ValidationError

from simaudit.data.source import Item
from simaudit.data.store import pixels_hash
from simaudit.vocabulary.errors import SimauditError

pytestmark = pytest.mark.usefixtures("here")

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (12, 3, 4, 5), dtype=np.uint8)
NHWC = np.ascontiguousarray(BYTES.transpose(0, 2, 3, 1))
FLOATS = RNG.uniform(0, 1, (12, 4, 5, 3))
LABELS = np.arange(12) % 3
NPZ = {"path": "a.npz", "images": "x", "layout": "NHWC"}
NPY = {"path": "x.npy", "layout": "NHWC"}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_has_images_labels_and_captions_under_their_names(save):
    save("a.npz", x=NHWC, y=LABELS, z=[f"picture {number}" for number in range(12)])
    images, items = prepared("array", **NPZ, labels="y", captions="z")
    np.testing.assert_allclose(images[:], BYTES / 127.5 - 1, atol=1e-6)
    assert np.load("data/prepared/d/images.npy").dtype == np.uint8
    assert items.label.tolist() == LABELS.tolist()
    assert items.caption[11] == "picture 11"
    assert items[["file", "origin"]].isna().all(axis=None)


def test_npy_files_stand_beside_each_other_and_labels_may_be_a_column():
    np.save("x.npy", BYTES)
    np.save("y.npy", LABELS.astype(np.uint8)[:, np.newaxis])
    knobs = {"path": "x.npy", "layout": "NCHW", "labels": "y.npy"}
    assert prepared("array", **knobs)[1].label.tolist() == LABELS.tolist()
    assert source("array", **knobs).given == (Path("x.npy"), Path("y.npy"))


def test_what_is_read_is_part_of_the_job_and_a_folder_of_that_name_is_not():
    Path("a.npz").mkdir()
    assert source("array", **NPZ, labels="y").given == ()
    Path("a.npz").rmdir()
    assert source("array", **NPZ, labels="y").given == (Path("a.npz"),)


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (FLOATS, [0, 1]),
        (FLOATS.astype(np.float16), [0, 1]),
        (FLOATS.astype(">f4") * 2 - 1, [-1, 1]),
        ((FLOATS * 65535).astype(np.uint16), [0, 65535]),
        ((FLOATS * 16).astype(np.uint8), [0, 16]),
    ],
    ids=["float64", "float16", "big-endian", "uint16", "uint8 of a smaller range"],
)
def test_other_values_become_float32_in_the_models_range(values, limits):
    np.savez("a.npz", x=values)
    images, _ = prepared("array", **NPZ, range=limits)
    low, high = limits
    wanted = (values.transpose(0, 3, 1, 2).astype(float) - low) / (high - low) * 2 - 1
    np.testing.assert_allclose(images[:], wanted, atol=1e-6)
    assert np.load("data/prepared/d/images.npy").dtype == np.float32


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), each=st.integers(1, 3))
def test_the_same_images_have_the_same_hashes_in_every_format(tmp_path_factory, seed, each):
    folder = tmp_path_factory.mktemp("formats")
    images = np.random.default_rng(seed).integers(0, 256, (6 * each, 3, 32, 32), dtype=np.uint8)
    wanted = [pixels_hash(item.pixels) for item in map(Item, images)]
    np.savez(folder / "a.npz", nhwc=images.transpose(0, 2, 3, 1), nchw=images)
    for layout in ("NHWC", "NCHW"):
        assert hashes("array", path=str(folder / "a.npz"), images=layout.lower(), layout=layout) == wanted
    write_cifar10(folder / "batches", images, [0] * len(images))
    assert hashes("cifar", path=str(folder / "batches"), dataset="cifar-10") == wanted
    grey = images[:, 0]
    path = write_idx(folder / "images", grey)
    np.save(folder / "grey.npy", grey)
    wanted = [pixels_hash(pixels[np.newaxis]) for pixels in grey]
    assert hashes("array", path=str(folder / "grey.npy"), layout="NHW") == wanted
    assert hashes("idx", path=str(path)) == wanted


def with_value(value):
    wrong = FLOATS.copy()
    wrong[7, 3, 0, 2] = value
    return wrong


@pytest.mark.parametrize(
    ("arrays", "more", "words"),
    [
        ({"x": BYTES}, {}, "a.npz: x: has shape (12, 3, 4, 5), and NHWC has 4 axes, the last 1 or 3 long; "),
        ({"x": BYTES}, {}, "state layout: NCHW"),
        ({"x": NHWC}, {"layout": "NCHW"}, "state layout: NHWC"),
        ({"x": NHWC[..., 0]}, {}, "has shape (12, 4, 5), and NHWC has 4 axes, the last 1 or 3 long; state layout: NHW"),
        ({"x": NHWC.reshape(12, -1)}, {}, "has shape (12, 60), and NHWC has 4 axes"),
        ({"x": FLOATS}, {}, "holds float64; state the range of its values, such as range: [0, 1]"),
        ({"x": NHWC.astype(np.uint16)}, {}, "holds uint16; state the range of its values"),
        ({"x": FLOATS * 2}, {"range": [0, 1]}, "outside the range 0 to 1; state the range that the values have"),
        ({"x": with_value(-3)}, {"range": [0, 1]}, "image 7 has the value -3 at [3, 0, 2], outside the range"),
        ({"x": with_value(np.nan)}, {"range": [0, 1]}, "image 7 has the value nan at [3, 0, 2]"),
        ({"x": with_value(-np.inf)}, {"range": [0, 1]}, "image 7 has the value -inf at [3, 0, 2]"),
        ({"x": FLOATS}, {"range": [0, 255]}, "hardly different in the range 0 to 255; state the range that they"),
        ({"x": NHWC % 2}, {}, "all values lie from 0 to 1, hardly different in the range 0 to 255"),
        ({"x": NHWC, "y": LABELS[:11]}, {"labels": "y"}, "a.npz: y: has 11 labels for 12 images"),
        ({"x": NHWC, "y": LABELS / 2}, {"labels": "y"}, "must hold labels (N,) as whole numbers, found float64"),
        ({"x": NHWC, "y": np.eye(12, dtype=int)}, {"labels": "y"}, "as whole numbers, found int64 (12, 12)"),
        ({"x": NHWC, "z": LABELS}, {"captions": "z"}, "must hold captions (N,) as texts, found int64"),
        ({"x": NHWC, "y": LABELS}, {"images": "images"}, "a.npz: has no array images; it has: x, y"),
        ({"x": NHWC, "z": ["\ud800"] * 12}, {"captions": "z"}, "a.npz: not an array of texts"),
        ({"x": NHWC[:0]}, {}, "a.npz: x: has shape (0, 4, 5, 3), so it holds no images"),
        ({"x": NHWC.astype(str)}, {}, "holds <U3; save its images as uint8 or as float32"),
        ({"x": FLOATS + 1j}, {"range": [0, 1]}, "holds complex128; save its images"),
        ({"x": FLOATS > 0.5}, {"range": [0, 1]}, "holds bool; save its images as uint8"),
        ({"x": np.ascontiguousarray(BYTES.T)}, {}, "3 long; give images of such a shape"),
        ({"x": np.asfortranarray(NHWC)}, {}, "a.npz: x: is in Fortran order; save np.ascontiguousarray of it"),
        ({"x": np.zeros(3, [("a", int)])}, {}, "not numbers or texts"),
    ],
)  # fmt: skip
def test_arrays_that_are_not_what_is_stated_are_refused(arrays, more, words):
    np.savez("a.npz", **arrays)
    with pytest.raises(SimauditError, match=re.escape(words)):
        prepared("array", **{**NPZ, **more})


def test_every_image_with_values_that_are_not_finite_is_named_in_one_message():
    wrong = with_value(np.nan)
    wrong[9, 0, 0, 0] = np.inf
    np.save("x.npy", wrong)
    with pytest.raises(
        SimauditError, match=r"2 images cannot be used: image 7 has .* nan .*; image 9 has .* inf"
    ):
        prepared("array", **NPY, range=[0, 1])


class Payload:
    """What writes a file where it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_objects_are_refused_and_never_unpickled(suffix):
    objects = np.array([Payload()], dtype=object)
    np.savez("a.npz", x=objects)
    np.save("x.npy", objects, allow_pickle=True)
    with pytest.raises(SimauditError, match="holds object, not numbers or texts; it is not unpickled"):
        prepared("array", **(NPY if suffix == ".npy" else NPZ))
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda whole: whole[:-1], "x.npy: not a whole array (it is truncated"),
        (lambda whole: whole + b"more", "x.npy: not a whole array (it goes on after its 12 rows)"),
        (lambda whole: whole[:40], "x.npy: not a NumPy file"),
        (lambda whole: b"", "x.npy: not a NumPy file"),
        (lambda whole: b"not numpy", "x.npy: not a NumPy file"),
        (lambda whole: pickle.dumps(Payload()), "x.npy: not a NumPy file"),
        (lambda whole: whole.replace(b"(12, 4, 5, 3)", b"(12, 9**9, 5)"), "x.npy: not a NumPy file"),
        (lambda whole: whole.replace(b"(12, 4, 5, 3), }  ", b"(1, 900000000, 3)}"), "x.npy: has shape"),
        (lambda whole: whole.replace(b"(12, 4, 5, 3), }         ", b"(1, 90000, 900000, 3), } "), "is truncated"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_one_line(content, words):
    np.save("x.npy", NHWC)
    Path("x.npy").write_bytes(content(Path("x.npy").read_bytes()))
    with pytest.raises(SimauditError, match=re.escape(words)):
        prepared("array", **NPY)
    assert not Path("ran").exists()


def test_a_missing_file_and_a_folder_are_one_line():
    with pytest.raises(SimauditError, match=r"x\.npy: missing; put a whole one there"):
        prepared("array", **NPY)
    Path("x.npy").mkdir()
    with pytest.raises(SimauditError, match=r"x\.npy: not a NumPy file"):
        prepared("array", **NPY)


def test_a_flipped_byte_in_an_npz_is_refused():
    np.savez("a.npz", x=NHWC)
    whole = bytearray(Path("a.npz").read_bytes())
    whole[300] ^= 1
    Path("a.npz").write_bytes(whole)
    with pytest.raises(SimauditError, match=r"a\.npz: not a .* \(Bad CRC"):
        prepared("array", **NPZ)


def test_an_npz_without_arrays_is_one_line():
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(SimauditError, match=r"a\.npz: has no array x; it has: none"):
        prepared("array", **NPZ)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"path": "a.npz", "layout": "NHWC"}, "must say by images which array"),
        ({"path": "x.npy", "layout": "NHWC", "images": "x"}, "must not say images"),
        (
            {"path": "x.npy", "layout": "NHWC", "labels": "y"},
            r"must give labels as the path of an \.npy file",
        ),
        ({"path": "x.npy"}, "layout"),
        ({"path": "x.npy", "layout": "HWC"}, "layout"),
        ({"path": "x.mat", "layout": "NHWC"}, "path"),
        ({**NPZ, "range": [1, 0]}, "must be the lowest value and then the highest"),
        ({**NPZ, "range": [0]}, "range"),
        ({**NPZ, "range": [0, 2e9]}, "must be at most"),
    ],
)
def test_knobs_that_say_too_little_or_too_much_are_refused(knobs, words):
    with pytest.raises(ValidationError, match=words):
        source("array", **knobs)


@pytest.mark.parametrize(
    ("labels", "content", "words"),
    [
        ("y.npy", BYTES, ["params.yaml: datasets.d: x.npy: has shape (12, 3, 4, 5)", "state layout: NCHW"]),
        ("y.npy", NHWC, ["y.npy: has 3 labels for 12 images; give one for each image"]),
        (None, np.full((2, 4, 4, 3), 300.0), ["holds float64; state the range"]),
    ],
)
def test_the_job_refuses_in_one_line_with_exit_code_2_and_leaves_nothing(labels, content, words):
    np.save("x.npy", content)
    np.save("y.npy", LABELS[:3])
    assert_prepare_refuses("array", {**NPY, "labels": labels}, *words)


@pytest.mark.parametrize("knobs", [NPY, NPZ], ids=["npy", "npz"])
def test_reading_ten_times_as_many_images_needs_no_more_memory(knobs):
    peaks = []
    for count in (6000, 60_000):
        images = np.broadcast_to(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8), (count, 16, 16, 3))
        np.save("x.npy", images)
        np.savez_compressed("a.npz", x=images)
        peaks.append(peak_of(source("array", **knobs).items()))
    assert peaks[1] < 1.2 * peaks[0]
