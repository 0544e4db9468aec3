"""The control that sees no model: it finds a shift where there is one, and none where there is none."""

import numpy as np
import pytest

from simaudit.data.split import Split, make_split
from simaudit.evaluation.controls.blind import blind_scores, image_statistics, thumbnails
from simaudit.evaluation.protocol.evaluate import BLIND, Resampling, evaluate_blind
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.errors import SimauditError

N = 400


@pytest.fixture
def split(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(N)], members=160, calibration=0.4, seed=1)
    return Split(tmp_path / "split.parquet", *(frame[name].to_numpy() for name in frame.columns))


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(N, 1, 8, 8)).astype(np.float32)


def seen_blindly(images, split):
    columns, values = blind_scores(images, split, side=8, folds=3, seed=0)
    return Scores(BLIND, "high", columns, split.sample_id, split.is_member, split.is_calibration, values)


def verdict(images, split):
    return evaluate_blind(seen_blindly(images, split), Resampling(100, 20, 0))


def test_a_split_drawn_at_random_is_not_shifted(images, split):
    """Boosting fits noise perfectly: only cross-fitting keeps it from finding all members here."""
    found = verdict(images, split)
    assert found["shifted"] is False
    auc = found["attacks"][BLIND]["selected"]["auc"]
    assert auc["low"] < 0.5 < auc["high"]


@pytest.mark.parametrize(
    "shift",
    [
        lambda members: members + 0.3,  # brighter
        lambda members: np.round(members * 2) / 2,  # fewer grey levels
        lambda members: (members + np.roll(members, 1, axis=-1)) / np.sqrt(2),  # resampled
    ],
    ids=["brighter", "quantised", "blurred"],
)
def test_a_split_whose_members_were_processed_otherwise_is_shifted(images, split, shift):
    images[split.is_member] = shift(images[split.is_member])
    assert verdict(images, split)["shifted"] is True


def test_four_classifiers_are_asked_and_no_model(images, split):
    scores = seen_blindly(images, split)
    assert [column.variant for column in scores.columns] == [
        {"classifier": name, "features": seen}
        for seen in ("pixels", "statistics")
        for name in ("logistic", "boosting")
    ]
    assert {column.queries for column in scores.columns} == {0}
    assert {column.timestep for column in scores.columns} == {None}
    assert ((scores.statistic >= 0) & (scores.statistic <= 1)).all()


def test_the_same_seed_gives_the_same_scores(images, split):
    np.testing.assert_array_equal(
        seen_blindly(images, split).statistic, seen_blindly(images, split).statistic
    )


def test_a_thumbnail_is_the_mean_of_equal_blocks_also_at_a_ragged_edge():
    image = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    np.testing.assert_array_equal(thumbnails(image, 4), image.reshape(1, -1))
    # Blocks of 2 × 2; the third row is its own neighbour.
    np.testing.assert_allclose(thumbnails(image, 2), [[2.5, 4.5, 8.5, 10.5]])


def test_image_statistics_are_finite_on_flat_images_and_ignore_where_things_are():
    images = np.random.default_rng(1).normal(size=(3, 2, 8, 8))
    images[0] = 0.1
    found = image_statistics(images)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(image_statistics(images[:, :, ::-1]), found, atol=1e-12)


def test_more_parts_than_samples_of_a_kind_are_refused(images, split):
    with pytest.raises(SimauditError, match=r"evaluation\.blind\.folds: 65 parts .*split\.parquet has 64"):
        blind_scores(images, split, side=8, folds=65, seed=0)
