"""The default datasets, and what preparation promises."""

import tracemalloc

import numpy as np
import pytest
import sklearn.datasets

from simaudit.data.prepare import image_hashes, open_images, save_array, to_model_range
from simaudit.data.source import RawImages, Source, source_types
from simaudit.data.sources.digits import Digits
from simaudit.data.sources.photos import Photos
from simaudit.vocabulary.errors import SimauditError


def test_digits_are_real_whole_and_free_of_copies():
    raw = Digits(source="digits").load()
    images = to_model_range(raw)
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (-1, 1)
    assert np.bincount(raw.labels).min() > 150  # ten classes, all present
    assert len(set(image_hashes(images))) == 1797  # no split of digits can have an image on both sides


def test_photos_are_two_photographs_cut_into_patches_without_copies():
    raw = Photos(source="photos").load()
    images = to_model_range(raw)
    assert images.shape == (2080, 3, 8, 8)
    assert raw.labels.dtype == np.int64
    assert raw.labels.tolist() == [0] * 1040 + [1] * 1040
    assert raw.images.min() >= 0
    assert raw.images.max() <= 255
    assert (images.min(), images.max()) == (-1, 1)  # black and white are both there
    assert len(set(image_hashes(images))) == 2080  # no split of them can have an image on both sides


@pytest.mark.parametrize(("name", "first"), [("china.jpg", 0), ("flower.jpg", 1040)])
@pytest.mark.parametrize("number", [0, 39, 40, 500, 1039])  # 26 rows of 40 patches
def test_a_patch_is_the_mean_of_its_place_in_the_photograph(name, first, number):
    photograph = sklearn.datasets.load_sample_image(name).astype(float)
    top, left = 16 * (number // 40), 16 * (number % 40)
    place = photograph[top : top + 16, left : left + 16]
    mean = (place[::2, ::2] + place[1::2, ::2] + place[::2, 1::2] + place[1::2, 1::2]) / 4
    patch = Photos(source="photos").load().images[first + number]
    assert np.array_equal(patch.transpose(1, 2, 0), mean)


@pytest.mark.parametrize(
    ("side", "reduction", "count"), [(4, 1, 2 * 106 * 160), (32, 1, 2 * 13 * 20), (32, 8, 2 * 1 * 2)]
)
def test_patches_can_be_larger_and_of_photographs_at_another_size(side, reduction, count):
    photos = Photos(source="photos", side=side, reduction=reduction)
    raw = photos.load()
    assert raw.images.shape == photos.shape == (count, 3, side, side)
    assert np.bincount(raw.labels).tolist() == [count // 2, count // 2]


def test_the_value_range_is_mapped_linearly_onto_minus_one_to_one():
    raw = RawImages(np.array([0, 51, 255], dtype=np.uint8).reshape(3, 1, 1, 1), np.zeros(3, int), (0, 255))
    assert to_model_range(raw).ravel().tolist() == pytest.approx([-1, -0.6, 1])


def test_values_outside_the_declared_range_are_refused():
    raw = RawImages(np.full((1, 1, 1, 1), 300.0), np.zeros(1, int), (0, 255))
    with pytest.raises(SimauditError, match=r"300.*range 0 to 255"):
        to_model_range(raw)


def test_preparing_needs_little_more_memory_than_the_prepared_images():
    raw = RawImages(np.zeros((20_000, 1, 8, 8), dtype=np.uint8), np.zeros(20_000, int), (0, 255))
    tracemalloc.start()
    images = to_model_range(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * images.nbytes


def test_images_are_mapped_not_loaded(tmp_path, images):
    save_array(tmp_path / "images.npy", images)
    opened = open_images(tmp_path / "images.npy")
    assert isinstance(opened, np.memmap)
    assert np.array_equal(opened, images)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "missing; make it with"),
        (b"not numpy", "not a whole .npy file"),
        (np.zeros((2, 2)), "must hold float32 images"),
    ],
)
def test_a_wrong_image_file_is_one_line(tmp_path, content, words):
    path = tmp_path / "images.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(SimauditError, match=rf"images\.npy: {words}"):
        open_images(path)


def test_a_truncated_image_file_is_refused(tmp_path, images):
    path = tmp_path / "images.npy"
    save_array(path, images)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SimauditError, match="not a whole"):
        open_images(path)


@pytest.mark.parametrize("kind", [kind for kind in source_types().values() if kind.shape is not Source.shape])
def test_a_source_has_the_shape_that_it_says(kind):
    source = kind(source=kind.__module__.rsplit(".", 1)[-1])
    assert source.load().images.shape == source.shape
