"""The default datasets, and what the image store promises."""

import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from storing import store

from simaudit.data.classes import class_names
from simaudit.data.prepare import write_store
from simaudit.data.source import Item, Source, Unusable, scaled, source_types
from simaudit.data.sources.digits import Digits
from simaudit.data.sources.photos import Photos
from simaudit.data.store import Images, pixels_hash, read_items
from simaudit.storage.array import save_array
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

pytestmark = pytest.mark.usefixtures("here")


def prepared(source):
    write_store(source.items(), paths.images("d"), paths.items("d"))
    return Images.open(paths.images("d")), read_items(paths.items("d"))


def test_digits_are_real_whole_and_free_of_copies():
    images, items = prepared(Digits(source="digits"))
    assert images.shape == (1797, 1, 8, 8)
    assert images[:].dtype == np.float32
    assert (images[:].min(), images[:].max()) == (-1, 1)
    assert np.array_equal(images[:][:, 0], sklearn.datasets.load_digits().images.astype(np.float32) / 8 - 1)
    assert items.label.value_counts().min() > 150  # ten classes, all present
    assert items.sha256.nunique() == 1797  # no split of digits can have an image on both sides


def test_photos_are_two_photographs_cut_into_patches_without_copies():
    images, items = prepared(Photos(source="photos"))
    assert images.shape == (2080, 3, 8, 8)
    assert items.label.tolist() == [0] * 1040 + [1] * 1040
    assert items.origin.tolist() == ["china.jpg"] * 1040 + ["flower.jpg"] * 1040
    assert (images[:].min(), images[:].max()) == (-1, 1)  # black and white are both there
    assert items.sha256.nunique() == 2080  # no split of them can have an image on both sides


@pytest.mark.parametrize(("name", "first"), [("china.jpg", 0), ("flower.jpg", 1040)])
@pytest.mark.parametrize("number", [0, 39, 40, 500, 1039])  # 26 rows of 40 patches
def test_a_patch_is_the_mean_of_its_place_in_the_photograph(name, first, number):
    photograph = sklearn.datasets.load_sample_image(name).astype(float)
    top, left = 16 * (number // 40), 16 * (number % 40)
    place = photograph[top : top + 16, left : left + 16]
    mean = (place[::2, ::2] + place[1::2, ::2] + place[::2, 1::2] + place[1::2, 1::2]) / 4
    patch = list(Photos(source="photos").items())[first + number].pixels
    np.testing.assert_allclose(patch.transpose(1, 2, 0), mean / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("side", "reduction", "count"), [(4, 1, 2 * 106 * 160), (32, 1, 2 * 13 * 20), (32, 8, 2 * 1 * 2)]
)
def test_patches_can_be_larger_and_of_photographs_at_another_size(side, reduction, count):
    photos = Photos(source="photos", side=side, reduction=reduction)
    items = list(photos.items())
    assert (len(items), *items[0].pixels.shape) == photos.shape == (count, 3, side, side)
    assert np.bincount([item.label for item in items]).tolist() == [count // 2, count // 2]


@pytest.mark.parametrize("kind", [kind for kind in source_types().values() if kind.shape is not Source.shape])
def test_a_source_has_the_shape_that_it_says(kind):
    source = kind(source=kind.__module__.rsplit(".", 1)[-1])
    items = list(source.items())
    assert source.shape == (len(items), *items[0].pixels.shape)


def test_a_range_of_values_is_mapped_linearly_onto_minus_one_to_one():
    assert scaled(np.array([0, 51, 255], np.uint8), 0, 255).tolist() == pytest.approx([-1, -0.6, 1])


@pytest.mark.parametrize("values", [[0.0, 300.0], [-1.0, 2.0], [0.0, np.nan]])
def test_values_outside_the_stated_range_are_refused(values):
    with pytest.raises(SimauditError, match=r"range 0 to 255"):
        scaled(np.array(values), 0, 255)


RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (9, 3, 4, 5), dtype=np.uint8)


def test_eight_bits_stay_eight_bits_on_disk_and_are_in_the_models_range_where_they_are_read():
    store("d", BYTES)
    assert np.array_equal(np.load(paths.images("d")), BYTES)
    images = Images.open(paths.images("d"))
    for ids in (slice(2, 5), [7, 0], np.array([3])):
        assert images[ids].dtype == np.float32
        np.testing.assert_allclose(images[ids], BYTES[ids] / 127.5 - 1, atol=1e-7)


def test_a_file_that_was_written_image_by_image_is_the_one_that_numpy_writes():
    store("d", BYTES)
    np.save("whole.npy", BYTES)
    assert paths.images("d").read_bytes() == Path("whole.npy").read_bytes()


def test_items_are_known_by_number_file_label_caption_origin_and_hash():
    origins = ["a"] * 5 + ["b"] * 4
    store("d", BYTES, range(9), file=[f"{n}.png" for n in range(9)], caption=["a dog"] * 9, origin=origins)
    items = read_items(paths.items("d"))
    assert items.sample_id.tolist() == items.label.tolist() == list(range(9))
    assert items.file[3] == "3.png"
    assert items.origin.tolist() == origins
    assert items.sha256[8] == pixels_hash(BYTES[8]) == hashlib.sha256(BYTES[8].tobytes()).hexdigest()


def test_what_is_not_known_of_an_image_is_null():
    store("d", BYTES)
    items = read_items(paths.items("d"))
    assert items[["file", "label", "caption", "origin"]].isna().all(axis=None)


def test_classes_are_called_by_their_name_or_else_by_their_number():
    names = ["crane", "crane", "dog", None, None]
    labels = [134, 517, 2, 3, None]
    rows = zip(BYTES, labels, names, strict=False)
    write_store(
        [Item(p, label=n, class_name=name) for p, n, name in rows], paths.images("d"), paths.items("d")
    )
    label = read_items(paths.items("d"), "label").label
    assert class_names(paths.items("d"), label[1:]).tolist() == ["crane (517)", "dog", "3", None]


def test_where_classes_have_no_names_the_table_says_nothing_of_them():
    store("d", BYTES, range(9))
    assert b"class_names" not in paths.items("d").read_bytes()


def test_one_label_for_two_classes_is_refused():
    entries = [Item(BYTES[n], f"{n}", n % 2, class_name=name) for n, name in enumerate(["cat", "dog", "fox"])]
    words = (
        "^1 image cannot be used: 2 has the label 0 for fox, which is cat before; number classes in a table"
    )
    with pytest.raises(SimauditError, match=words):
        write_store(entries, paths.images("d"), paths.items("d"))


def test_of_very_many_images_that_cannot_be_used_a_few_are_named_so_that_the_remedy_is_read():
    entries = [Unusable(f"{number:03}.png", "is empty; replace or remove it") for number in range(41)]
    why = r"^41 images cannot be used: 000.png, 001.png, 002.png and 38 more: each is empty; replace or remove it$"
    with pytest.raises(SimauditError, match=why):
        write_store(entries, paths.images("d"), paths.items("d"))


def test_every_image_that_cannot_be_used_is_named_in_one_message_and_nothing_is_kept():
    other, nan, wide = BYTES[0, :, :2], np.full((3, 4, 5), np.nan, np.float32), BYTES[0].astype(np.int64)
    entries = [
        Item(BYTES[0], "a"),
        Unusable("b", "is truncated"),
        *(Item(p, f) for f, p in zip("cde", (other, nan, wide), strict=True)),
    ]
    words = [
        "^4 images cannot be used: b is truncated",
        r"c has 3 channels of 2×5 pixels in uint8, and the first image 3 channels of 4×5 pixels in uint8; "
        r"make them alike \(pictures by size and colour\)",
        "d has values that are not numbers from -1 to 1",
        r"e is int64 \(3, 4, 5\), and must be uint8 or float32 \(C, H, W\)$",
    ]
    with pytest.raises(SimauditError, match="; ".join(words)):
        write_store(entries, paths.images("d"), paths.items("d"))
    assert list(paths.images("d").parent.iterdir()) == []


def test_a_source_without_images_is_refused():
    with pytest.raises(SimauditError, match="has no images"):
        write_store([], paths.images("d"), paths.items("d"))


def peak(images):
    tracemalloc.start()
    write_store(images, paths.images("d"), paths.items("d"))
    try:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_preparing_ten_times_as_many_images_needs_no_more_memory():
    def images(count):
        return (Item(np.full((1, 16, 16), n % 256, np.uint8), f"{n}.png") for n in range(count))

    assert peak(images(60_000)) < 1.2 * peak(images(6_000))


def test_images_are_read_where_they_are_indexed_and_may_be_changed_then():
    store("d", BYTES)
    images = Images.open(paths.images("d"))
    images[[0]][:] = 0
    np.testing.assert_allclose(images[[0]], BYTES[[0]] / 127.5 - 1, atol=1e-7)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "missing; make it with"),
        (b"not numpy", "not a whole .npy file"),
        (np.zeros((2, 2)), "must hold images"),
    ],
)
def test_a_wrong_image_file_is_one_line(tmp_path, content, words):
    path = tmp_path / "images.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(SimauditError, match=rf"images\.npy: {words}"):
        Images.open(path)


def test_a_truncated_image_file_is_refused(tmp_path, images):
    path = tmp_path / "images.npy"
    save_array(path, images)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SimauditError, match="not a whole"):
        Images.open(path)


def test_images_that_differ_in_shape_are_named_beside_a_first_one_that_is_broken():
    entries = [Unusable("a", "is empty"), Item(BYTES[0], "b"), Item(BYTES[0, :, :2], "c")]
    with pytest.raises(SimauditError, match=r"^2 images cannot be used: a is empty; c has 3 channels of 2×5"):
        write_store(entries, paths.images("d"), paths.items("d"))


def test_a_file_that_is_cut_off_after_it_was_opened_is_one_line_and_no_picture():
    store("d", BYTES)
    images = Images.open(paths.images("d"))
    paths.images("d").write_bytes(paths.images("d").read_bytes()[:-1])
    with pytest.raises(SimauditError, match=r"images\.npy: ends before image 8; delete it and run again"):
        images[[0, 8]]
