"""The nearest member of a sample is another one, and a statistic that only follows its distance is seen to."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from simaudit.data import neighbours
from simaudit.data.neighbours import Chosen, nearest, nearest_members
from simaudit.data.split import Split, make_split
from simaudit.evaluation.protocol.resemblance import distance_correlations, spearman
from simaudit.evaluation.protocol.selected import Selected, SelectedScores


def split_of(path, hashes, members):
    frame = make_split(hashes, members, calibration=0.5, seed=2)
    return Split(path, *(frame[name].to_numpy() for name in frame.columns))


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(50, 1, 4, 4)).astype(np.float32)


@pytest.fixture
def split(tmp_path):
    return split_of(tmp_path / "s", [str(i) for i in range(50)], 20)


@pytest.fixture(params=[1, 7, 2048])
def block_rows(request, monkeypatch):
    """Blocks of so few images that the 20 members and the 50 samples are in several."""
    for name in ("BLOCK_ROWS", "COMPARED"):
        monkeypatch.setattr(neighbours, name, request.param)


LEVELS = arrays(np.int8, st.tuples(st.integers(2, 9), st.just(1), st.integers(1, 3), st.integers(1, 2)))


@given(LEVELS, st.data())
def test_the_nearest_are_those_of_scipy_and_of_equals_the_first(among, data):
    """Of whole numbers, whose distances are exact: many are equal."""
    points = data.draw(arrays(np.int8, st.tuples(st.integers(1, 9), *map(st.just, among.shape[1:]))))
    count, rows = data.draw(st.integers(1, len(among))), data.draw(st.integers(1, 9))
    all_distances = cdist(*(x.reshape(len(x), -1).astype(float) for x in (points, among)))
    expected = all_distances.argsort(axis=1, kind="stable")[:, :count]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BLOCK_ROWS", "COMPARED"):
            patch.setattr(neighbours, name, rows)
        distances, indices = nearest(points, among, count)
    assert indices.tolist() == expected.tolist()
    np.testing.assert_allclose(distances, np.take_along_axis(all_distances, expected, 1), rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1.0, 100.0])
def test_images_that_differ_by_less_than_the_rounding_of_their_products_are_told_apart(offset):
    """‖a‖² + ‖b‖² − 2ab in float32 is off by more than these distances, and may even be negative."""
    rng = np.random.default_rng(4)
    among = (offset + 1e-5 * rng.normal(size=(300, 1, 16, 16))).astype(np.float32)
    points = among[rng.permutation(300)[:40]] + np.float32(1e-6) * rng.normal(size=(40, 1, 16, 16))
    points = points.astype(np.float32)
    expected = cdist(points.reshape(40, -1).astype(float), among.reshape(300, -1).astype(float))
    distances, indices = nearest(points, among)
    assert indices[:, 0].tolist() == expected.argmin(axis=1).tolist()
    np.testing.assert_allclose(distances[:, 0], expected.min(axis=1), rtol=1e-12)


@pytest.mark.usefixtures("block_rows")
def test_every_samples_nearest_member_is_found_and_is_not_itself(noise, split):
    found = nearest_members(noise, split)
    flat = noise.reshape(50, -1).astype(float)
    distances = cdist(flat, flat[split.member_ids])
    distances[split.member_ids, np.arange(20)] = np.inf
    assert found.sample_id.tolist() == list(range(50))
    assert found.member_id.tolist() == split.member_ids[distances.argmin(axis=1)].tolist()
    np.testing.assert_allclose(found.distance, distances.min(axis=1), rtol=1e-12)


@pytest.mark.usefixtures("block_rows")
def test_members_that_are_there_three_times_are_their_copies_neighbours(noise, split):
    one, other, third = split.member_ids[:3]
    noise[[other, third]] = noise[one]
    found = nearest_members(noise, split).set_index("sample_id")
    assert found.member_id[[one, other, third]].tolist() == [other, one, one]
    assert found.distance[[one, other, third]].tolist() == [0, 0, 0]


def test_ids_need_not_be_all_numbers_from_zero(noise, split):
    """Samples that are neither member nor held out have no row, and are nobody's neighbour."""
    used = np.flatnonzero(np.arange(50) % 3 > 0)
    columns = ("sample_id", "role", "fold", "group", "sha256")
    part = replace(split, **{name: getattr(split, name)[used] for name in columns})
    found = nearest_members(noise, part)
    assert found.sample_id.tolist() == used.tolist()
    assert set(found.member_id) <= set(part.member_ids)
    expected = nearest_members(noise[used], replace(part, sample_id=np.arange(len(used))))
    assert found.member_id.tolist() == used[expected.member_id].tolist()


class Drawn:
    """Images that are nowhere in memory: each is drawn from its number when it is read."""

    def __init__(self, count):
        self.shape = count, 3, 16, 16

    def __getitem__(self, rows):
        noise = np.random.default_rng(int(rows[0])).normal(size=(len(rows), *self.shape[1:]))
        return noise.astype(np.float32)


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch):
    for name in ("BLOCK_ROWS", "COMPARED"):
        monkeypatch.setattr(neighbours, name, 256)
    peaks = []
    for count in (1000, 4000):
        images = Chosen(Drawn(count), np.arange(count))
        tracemalloc.start()
        nearest(images, images, count=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_statistic_that_follows_the_distance_of_held_out_samples_is_seen_to():
    rng = np.random.default_rng(1)
    is_member = np.arange(400) % 2 == 0
    distance = rng.uniform(size=400)
    statistic = np.where(is_member, rng.normal(size=400), distance + 0.01 * rng.normal(size=400))
    knobs = Selected("v", 10, 1, "low")
    selected = SelectedScores(
        np.arange(400), is_member, np.arange(400) < 200, {"a": knobs}, {"a": statistic}, distance
    )
    found = distance_correlations(selected)["a"]
    assert found["of_heldout"]["low"] > 0.95
    assert found["of_members"]["low"] < 0 < found["of_members"]["high"]


def test_the_limits_of_a_rank_correlation_cover_it():
    """In 95 of 100 samples of a bivariate normal, whose ρ is (6/π) asin(r/2)."""
    rng, r, covered = np.random.default_rng(2), 0.6, 0
    truth = 6 / np.pi * np.arcsin(r / 2)
    for _ in range(400):
        x, y = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], size=60).T
        covered += spearman(x, y).contains(truth)
    assert 0.92 < covered / 400 < 0.98


def test_many_copies_of_one_image_are_found_among_few_candidates(monkeypatch):
    """Datasets may hold thousands of blank images: the pairs of them must not all be computed."""
    images = np.zeros((3000, 1, 4, 4), dtype=np.float32)
    images[1500:] = np.random.default_rng(1).normal(size=(1500, 1, 4, 4))
    pairs = []
    exact = neighbours._distances
    monkeypatch.setattr(neighbours, "_distances", lambda *of: pairs.append(len(of[2])) or exact(*of))
    distances, indices = neighbours.nearest(images, images, count=2)
    assert (distances[:1500] == 0).all()
    assert (indices[:1500] == [0, 1]).all()
    assert (indices[1500:, 0] == np.arange(1500, 3000)).all()
    assert sum(pairs) < 100 * len(images)  # of 2 250 000 pairs of blank images alone
