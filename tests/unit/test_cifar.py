"""CIFAR in its original batches: the usual order, and pickles from which nothing is run."""

import io
import os
import pickle
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from formats import batch, packed, pickled, write_cifar10
from preparing import assert_prepare_refuses, peak_of, prepared, source
from pydantic import ValidationError

from simaudit.data.store import pixels_hash, read_class_names
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

pytestmark = pytest.mark.usefixtures("here")

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 3, 32, 32), dtype=np.uint8)
LABELS = np.arange(24) % 10
HASHES = list(map(pixels_hash, IMAGES))
KNOBS = {"path": "batches", "dataset": "cifar-10"}
TRAIN = [f"data_batch_{number}" for number in range(1, 6)]


def test_the_batches_are_as_python_2_wrote_them():
    whole = pickled(batch(IMAGES, LABELS))
    assert b"cnumpy.core.multiarray\n_reconstruct" in whole
    read = pickle.loads(whole, encoding="bytes")
    assert np.array_equal(read[b"data"], IMAGES.reshape(24, -1))
    assert read[b"filenames"][3] == b"image_s_000003.png"


@pytest.mark.parametrize("make", [lambda folder: folder, packed], ids=["folder", "archive"])
def test_cifar_10_is_in_the_usual_order(make):
    path = make(write_cifar10(Path("batches"), IMAGES, LABELS))
    images, items = prepared("cifar", **{**KNOBS, "path": str(path)})
    assert images.shape == (24, 3, 32, 32)
    assert np.load("data/prepared/d/images.npy").dtype == np.uint8
    assert items.sha256.tolist() == HASHES
    assert items.label.tolist() == LABELS.tolist()
    assert items.origin.tolist() == ["train"] * 20 + ["test"] * 4
    assert read_class_names(paths.items("d")) == {n: f"class {n}" for n in range(10)}
    batches = [name for name in [*TRAIN, "test_batch"] for _ in range(4)]
    assert items.file.tolist() == [f"{name}/image_s_{n % 4:06}.png" for n, name in enumerate(batches)]


def test_without_their_names_classes_have_numbers():
    write_cifar10(Path("batches"), IMAGES, LABELS)
    assert Path("batches/batches.meta") in source("cifar", **KNOBS).given
    Path("batches/batches.meta").unlink()
    assert Path("batches/batches.meta") not in source("cifar", **KNOBS).given
    assert prepared("cifar", **KNOBS)[1].label.tolist() == LABELS.tolist()
    assert read_class_names(paths.items("d")) == {}


@pytest.mark.parametrize(("part", "of"), [("train", slice(20)), ("test", slice(20, 24))])
def test_a_part_needs_no_other_files(part, of):
    write_cifar10(Path("batches"), IMAGES, LABELS)
    cifar = source("cifar", **KNOBS, part=part)
    for path in {*Path("batches").iterdir()} - {*cifar.given}:
        path.unlink()
    assert prepared("cifar", **KNOBS, part=part)[1].sha256.tolist() == HASHES[of]


def test_what_is_read_is_part_of_the_job():
    folder = [Path("batches") / name for name in (*TRAIN, "test_batch")]
    assert source("cifar", **KNOBS).given == tuple(folder)
    assert source("cifar", path="b.tar.gz", dataset="cifar-10").given == (Path("b.tar.gz"),)


@pytest.mark.parametrize("labels", ["fine", "coarse"])
def test_cifar_100_has_two_kinds_of_labels(labels):
    Path("batches").mkdir()
    for name, part in (("train", slice(16)), ("test", slice(16, 24))):
        known = {
            **batch(IMAGES[part], LABELS[part] + 80, key="fine_labels"),
            b"coarse_labels": LABELS[part].tolist(),
        }
        Path("batches", name).write_bytes(pickled(known))
    _, items = prepared("cifar", path="batches", dataset="cifar-100", labels=labels)
    assert items.label.tolist() == (LABELS + (80 if labels == "fine" else 0)).tolist()
    assert items.sha256.tolist() == HASHES
    assert items.file[16] == "test/image_s_000000.png"


def test_a_name_that_a_batch_has_again_is_made_different():
    Path("batches").mkdir()
    names = ["a.png", "b.png", "a.png", "a.png"]
    Path("batches/test_batch").write_bytes(pickled(batch(IMAGES[:4], LABELS[:4], names)))
    _, items = prepared("cifar", **KNOBS, part="test")
    assert items.file.tolist() == [f"test_batch/{name}" for name in ("a.png", "b.png", "a.png~2", "a.png~3")]


def test_a_pickle_of_today_is_read_too():
    Path("batches").mkdir()
    Path("batches/test_batch").write_bytes(pickle.dumps(batch(IMAGES, LABELS), protocol=4))
    assert prepared("cifar", **KNOBS, part="test")[1].sha256.tolist() == HASHES


class Payload:
    """What calls a function where it is unpickled."""

    def __init__(self, function, *arguments):
        self.called = function, arguments

    def __reduce__(self):
        return self.called


PAYLOADS = [
    pickle.dumps(Payload(os.mkdir, "ran"), protocol=0),
    pickle.dumps(Payload(os.mkdir, "ran"), protocol=2),
    pickle.dumps({b"data": Payload(os.mkdir, "ran")}, protocol=5),
    pickle.dumps(Payload(eval, "__import__('os').mkdir('ran')"), protocol=4),
    b"(S'mkdir ran'\nios\nsystem\n.",
    b"\x80\x04\x8c\x05numpy\x8c\x15ndarray.__reduce_ex__\x93.",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_pickle_with_a_payload_is_refused_before_anything_runs(payload, is_packed):
    folder = write_cifar10(Path("batches"), IMAGES, LABELS)
    Path("batches/data_batch_1").write_bytes(payload)
    path = packed(folder) if is_packed else folder
    with pytest.raises(
        SimauditError, match=r"data_batch_1: asks for \S+, which no batch of CIFAR does; it was not"
    ):
        prepared("cifar", **{**KNOBS, "path": str(path)})
    assert not Path("ran").exists()


def test_a_name_inside_a_pickle_cannot_write_to_the_terminal():
    Path("batches").mkdir()
    Path("batches/test_batch").write_bytes(b"c\x1b[31mposix\rok\n" + b"x" * 1000 + b"\n.")
    with pytest.raises(SimauditError) as caught:
        prepared("cifar", **KNOBS, part="test")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def changed(**values):
    return pickled(batch(IMAGES, LABELS) | {key.encode(): value for key, value in values.items()})


def without(*keys):
    return pickled({key: value for key, value in batch(IMAGES, LABELS).items() if key.decode() not in keys})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "missing; name the folder of the original batches, or their .tar.gz"),
        (b"", "not a whole batch of CIFAR"),
        (b"not a pickle", "not a whole batch of CIFAR"),
        (pickled(batch(IMAGES, LABELS))[:-50], "not a whole batch of CIFAR"),
        (pickled([1, 2]), "is no batch of CIFAR, which is a dictionary"),
        (
            without("data"),
            "has no data, and a batch of this dataset has; its keys: batch_label, labels, filenames",
        ),
        (without("labels", "filenames"), "has no labels and no filenames"),
        (pickled(batch(IMAGES, LABELS, key="fine_labels")), "has no labels, and a batch of this dataset has"),
        (changed(data=IMAGES.reshape(24, -1).astype(float)), "uint8 (n, 3072), found float64 (24, 3072)"),
        (changed(data=IMAGES), "data must be uint8 (n, 3072), found uint8 (24, 3, 32, 32)"),
        (changed(data=[1, 2]), "data must be uint8 (n, 3072), found list"),
        (changed(data=np.zeros((), np.uint8)), "data must be uint8 (n, 3072), found uint8 ()"),
        (changed(labels=[1] * 23), "has 23 labels for 24 images"),
        (changed(filenames=[b"a"] * 25), "has 25 filenames for 24 images"),
        (changed(labels=[1] * 23 + [10]), "label 23 is 10, not one of 0 to 9"),
        (changed(labels=[b"a"] * 24), "label 0 is b'a', not one of 0 to 9"),
    ],
)
def test_a_batch_that_is_none_is_one_line(content, words):
    Path("batches").mkdir()
    if content is not None:
        Path("batches/test_batch").write_bytes(content)
    with pytest.raises(SimauditError, match=rf"^batches/test_batch: .*{re.escape(words)}"):
        prepared("cifar", **KNOBS, part="test")


def test_an_archive_without_a_batch_or_that_is_cut_is_one_line():
    folder = write_cifar10(Path("batches"), IMAGES, LABELS)
    (folder / "data_batch_2").unlink()
    path = packed(folder)
    knobs = {**KNOBS, "path": str(path)}
    with pytest.raises(SimauditError, match=r"^batches\.tar\.gz: has no data_batch_2; name the folder"):
        prepared("cifar", **knobs)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SimauditError, match=r"^batches\.tar\.gz: not a whole archive of batches"):
        prepared("cifar", **knobs)
    path.unlink()
    with pytest.raises(SimauditError, match=r"^batches\.tar\.gz: missing; name the folder"):
        prepared("cifar", **knobs)


def test_a_link_in_an_archive_is_not_followed():
    with tarfile.open("b.tar", "w") as archive:
        link = tarfile.TarInfo("test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link, io.BytesIO())
    with pytest.raises(SimauditError, match=r"b\.tar: has no test_batch"):
        prepared("cifar", **{**KNOBS, "path": "b.tar"}, part="test")


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"labels": "coarse"}, "has no coarse labels in cifar-10"),
        ({"dataset": "cifar-11"}, "dataset"),
        ({"part": "valid"}, "part"),
        ({"path": "a\nb"}, "path"),
    ],
)
def test_knobs_that_no_cifar_has_are_refused(knobs, words):
    with pytest.raises(ValidationError, match=words):
        source("cifar", **{**KNOBS, **knobs})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PAYLOADS[1], "data_batch_3: asks for 'posix.mkdir', which no batch of CIFAR does; it was not run"),
        (changed(labels=[1]), "data_batch_3: has 1 labels for 24 images"),
    ],
)
def test_the_job_refuses_in_one_line_with_exit_code_2_and_leaves_nothing(content, words):
    write_cifar10(Path("batches"), IMAGES, LABELS)
    Path("batches/data_batch_3").write_bytes(content)
    assert_prepare_refuses("cifar", KNOBS, words)
    assert not Path("ran").exists()


def test_all_batches_need_no_more_memory_than_one():
    images = np.broadcast_to(IMAGES[0], (3000, 3, 32, 32))
    write_cifar10(Path("batches"), images, [1] * 3000)
    parts = (source("cifar", **KNOBS, part=part) for part in ("test", "all"))
    one, six = (peak_of(part.items()) for part in parts)
    assert six < 2.2 * one  # a batch is read while the last images of the one before are there
