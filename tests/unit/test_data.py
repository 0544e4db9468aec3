"""The default dataset, and what preparation promises."""

import tracemalloc

import numpy as np
import pytest

from simaudit.data.prepare import image_hashes, open_images, save_array, to_model_range
from simaudit.data.source import RawImages, Source, source_types
from simaudit.data.sources.digits import Digits
from simaudit.vocabulary.errors import SimauditError


def test_digits_are_real_whole_and_free_of_copies():
    raw = Digits(source="digits").load()
    images = to_model_range(raw)
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (-1, 1)
    assert np.bincount(raw.labels).min() > 150  # ten classes, all present
    assert len(set(image_hashes(images))) == 1797  # no split of digits can have an image on both sides


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
