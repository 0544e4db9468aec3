"""The nearest member of a sample is another one, and a statistic that only follows its distance is seen to."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from simaudit.data.neighbours import nearest_members
from simaudit.data.split import Split, make_split
from simaudit.evaluation.protocol.resemblance import distance_correlations, spearman
from simaudit.evaluation.protocol.selected import Selected, SelectedScores


def split_of(path, hashes, members):
    frame = make_split(hashes, members, calibration=0.5, seed=2)
    return Split(path, *(frame[name].to_numpy() for name in frame.columns))


def test_every_samples_nearest_member_is_found_and_is_not_itself(tmp_path):
    images = np.random.default_rng(0).normal(size=(50, 1, 4, 4)).astype(np.float32)
    split = split_of(tmp_path / "s", [str(i) for i in range(50)], 20)
    found = nearest_members(images, split)
    flat = images.reshape(50, -1)
    distances = cdist(flat, flat[split.member_ids])
    distances[split.member_ids, np.arange(20)] = np.inf
    assert found.sample_id.tolist() == list(range(50))
    assert found.member_id.tolist() == split.member_ids[distances.argmin(axis=1)].tolist()
    np.testing.assert_allclose(found.distance, distances.min(axis=1), rtol=1e-5)


def test_a_member_that_is_there_twice_is_its_copys_neighbour(tmp_path):
    images = np.random.default_rng(0).normal(size=(50, 1, 4, 4)).astype(np.float32)
    split = split_of(tmp_path / "s", [str(i) for i in range(50)], 20)
    one, other = split.member_ids[:2]
    images[other] = images[one]
    found = nearest_members(images, split).set_index("sample_id")
    assert (found.member_id[one], found.member_id[other]) == (other, one)
    assert found.distance[one] == pytest.approx(0, abs=1e-3)


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
