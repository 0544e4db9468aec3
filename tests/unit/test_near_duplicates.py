"""A held-out sample that is a member's image, a little changed, is found, and other images are not."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sklearn.datasets
from PIL import Image

from simaudit.data import near_duplicates as module
from simaudit.data.jobs import NearDuplicateKnobs, nearest_job
from simaudit.data.near_duplicates import (
    edge_correlation,
    mark_near_duplicates,
    near_duplicates,
    pictured_pairs,
)
from simaudit.data.neighbours import nearest_members
from simaudit.data.split import SCHEMA, Split, make_split, write_split
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER

DIGITS = np.round(sklearn.datasets.load_digits().images * (255 / 16)).astype(np.uint8)[:, np.newaxis]
PHOTOGRAPHS = np.stack([sklearn.datasets.load_sample_image(name) for name in ("china.jpg", "flower.jpg")])
PATCHES = (
    PHOTOGRAPHS[:, :416, :640]
    .reshape(2, 13, 32, 20, 32, 3)
    .transpose(0, 1, 3, 5, 2, 4)
    .reshape(-1, 3, 32, 32)
)


def model_range(images):
    """Images of 256 levels as the store gives them."""
    return (images / np.float32(127.5) - 1).astype(np.float32)


def split_of(members, heldout):
    """A split of these numbers of samples, members first."""
    n = members + heldout
    role = np.where(np.arange(n) < members, MEMBER, HELDOUT).astype(object)
    fold = np.where(np.arange(n) % 2 == 0, CALIBRATION, EVALUATION).astype(object)
    columns = {"sample_id": np.arange(n), "role": role, "fold": fold, "group": np.full(n, None, dtype=object)}
    return Split(None, **columns, sha256=np.array([f"{i:064x}" for i in range(n)], dtype=object))


def found(members, heldout):
    """What is marked of held-out images against members, both in 256 levels, by the default knobs."""
    images, knobs = model_range(np.concatenate([members, heldout])), NearDuplicateKnobs()
    split = split_of(len(members), len(heldout))
    marked = mark_near_duplicates(nearest_members(images, split), images, knobs.rms, knobs.correlation)
    return marked[len(members) :], near_duplicates(marked, split)


def one_level(images):
    changed = images.copy()
    place = changed[:, 0, 3, 4]
    changed[:, 0, 3, 4] = np.where(place > 0, place - 1, 1)
    return changed


def compressed(quality):
    def of(images):
        def once(image):
            file = io.BytesIO()
            Image.fromarray(image.transpose(1, 2, 0).squeeze()).save(file, "JPEG", quality=quality)
            again = np.asarray(Image.open(file))
            return again[np.newaxis] if again.ndim == 2 else again.transpose(2, 0, 1)

        return np.stack([once(image) for image in images])

    return of


def brighter(factor):
    return lambda images: np.clip(np.round(images * factor), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "change",
    [one_level, compressed(90), compressed(75), brighter(1.05), brighter(0.95)],
    ids=["one level", "JPEG 90", "JPEG 75", "brighter", "darker"],
)
def test_a_changed_copy_of_a_digit_is_found(change):
    members = DIGITS[:200]
    pairs, summary = found(members, change(members))
    assert pairs.near_duplicate.all()
    assert pairs.member_id.tolist() == list(range(200))
    assert (summary["found"], summary["heldout"]) == (200, 200)


def test_digits_are_not_near_duplicates_of_one_another():
    """But for one pair of all 1797, which is nearer than a copy in JPEG is to its original."""
    marked, summary = found(DIGITS[:900], DIGITS[900:])
    assert summary["found"] <= 1
    assert (marked.correlation[~marked.near_duplicate] > 0.8).sum() > 100  # so the RMS decides here


def test_patches_of_the_same_sky_are_not_near_duplicates():
    """Many are as near as copies, so that the edges must decide; copies are found by both."""
    order = np.random.default_rng(0).permutation(len(PATCHES))
    members, others = PATCHES[order[:260]], PATCHES[order[260:]]
    marked, summary = found(members, others)
    assert (marked.rms < 0.1).sum() > 50
    assert summary["found"] == 0
    copies, summary = found(members, one_level(members))
    assert copies.near_duplicate.all()


def test_exact_copies_count_and_are_the_nearest_pairs(monkeypatch):
    monkeypatch.setattr(module, "SHOWN", 3)
    flat = np.full((1, 1, 8, 8), 7, dtype=np.uint8)  # without any edge
    members = np.concatenate([DIGITS[:50], flat])
    marked, summary = found(members, np.concatenate([one_level(DIGITS[:10]), flat, DIGITS[20:21], flat + 1]))
    assert marked.near_duplicate.tolist() == [True] * 12 + [
        False
    ]  # nothing says that two even greys are one image
    assert summary["found"] == 12
    assert list(summary["pairs"]) == ["01", "02", "03"]
    copies = [summary["pairs"][number] for number in ("01", "02")]
    assert copies == [
        {"sample_id": 61, "member_id": 50, "rms": 0.0, "correlation": 1.0},
        {"sample_id": 62, "member_id": 20, "rms": 0.0, "correlation": 1.0},
    ]
    assert summary["pairs"]["03"]["rms"] > 0


def test_members_that_resemble_members_are_not_counted():
    members = np.concatenate([DIGITS[:50], one_level(DIGITS[:50])])
    assert found(members, DIGITS[100:150])[1] == {"found": 0, "heldout": 50, "pairs": {}}


def test_edges_are_compared_by_the_cosine_of_their_angle(monkeypatch):
    monkeypatch.setattr("simaudit.data.near_duplicates.COMPARED", 2)
    images = np.random.default_rng(1).normal(size=(6, 3, 5, 4)).astype(np.float32)

    def edges(image):
        across, down = image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]
        return np.concatenate([across.ravel(), down.ravel()])

    first, second = np.array([0, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 4])
    expected = [
        edges(images[a])
        @ edges(images[b])
        / np.linalg.norm(edges(images[a]))
        / np.linalg.norm(edges(images[b]))
        for a, b in zip(first, second, strict=True)
    ]
    assert edge_correlation(images, first, second) == pytest.approx(expected, abs=1e-6)


def test_the_job_writes_the_member_of_every_sample_and_the_pairs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.concatenate([DIGITS[:60], one_level(DIGITS[:3]), DIGITS[100:157]])
    split = split_of(60, 60)
    paths.images("d").parent.mkdir(parents=True)
    np.save(paths.images("d"), images)
    frame = pd.DataFrame({name: getattr(split, name) for name in SCHEMA.names})
    write_split(paths.split("s"), frame)
    nearest_job("s", "d", NearDuplicateKnobs(rms=0.05), threads=1).do()
    marked = pq.read_table(paths.nearest("s")).to_pandas()
    assert marked.sample_id[marked.near_duplicate].tolist() == [60, 61, 62]
    assert marked.member_id[60:63].tolist() == [0, 1, 2]
    assert marked.distance[60:63].tolist() == pytest.approx([1 / 127.5] * 3, rel=1e-4)
    assert marked.rms[60:63].tolist() == pytest.approx([1 / 127.5 / 8] * 3, rel=1e-4)
    summary = read_json(paths.nearest("s", "json"))
    assert summary["split"] == "s"
    found = summary["near_duplicates"]
    assert (found["found"], found["heldout"], found["largest_rms"], found["smallest_correlation"]) == (
        *(3, 60),
        *(0.05, 0.8),
    )
    assert [(pair["sample_id"], pair["member_id"]) for pair in found["pairs"].values()] == [
        (60, 0),
        (61, 1),
        (62, 2),
    ]


def test_near_duplicates_are_pictured_before_pairs_that_are_nearer_and_members_are_not(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(24)], 10, 0.4, 3)
    split = Split(tmp_path, *(frame[name].to_numpy() for name in frame.columns))
    heldout = split.sample_id[~split.is_member]
    marked = pd.DataFrame({"sample_id": split.sample_id, "member_id": split.member_ids[0]})
    marked["distance"] = marked["rms"] = np.linspace(0.1, 0.9, 24)
    marked = marked.assign(correlation=0.5, near_duplicate=marked.sample_id.isin(heldout[[3, 9]]))
    images = np.arange(24, dtype=np.float32)[:, None, None, None] / 24
    pairs = pictured_pairs(marked, images, split)
    others = [number for number in heldout if number not in heldout[[3, 9]]]
    assert pairs["sample_id"].tolist() == [*heldout[[3, 9]], *others[:6]]
    assert (pairs["heldout"].ravel() * 24).round().tolist() == pairs["sample_id"].tolist()
    assert (pairs["members"].ravel() * 24).round().tolist() == [split.member_ids[0]] * 8
