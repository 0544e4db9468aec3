"""The control that sees no model: it finds a shift where there is one, and none where there is none."""

import gc
import weakref

import numpy as np
import pytest

from simaudit.data.complexity import complexity_features
from simaudit.data.split import Split, make_split
from simaudit.data.store import Images
from simaudit.evaluation.controls import blind, image_features
from simaudit.evaluation.controls.blind import blind_scores
from simaudit.evaluation.controls.image_features import compressed_length, feature_tables, image_statistics
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


def complexity(images):
    return np.stack(list(complexity_features(images).values()), axis=1)


def seen_blindly(images, split, labels=None):
    columns, values = blind_scores(
        Images(images), split, complexity(images), side=8, folds=3, seed=0, labels=labels
    )
    return Scores(BLIND, "high", columns, split.sample_id, split.is_member, split.is_calibration, values)


def verdict(images, split, labels=None):
    return evaluate_blind(seen_blindly(images, split, labels), Resampling(100, 20, 0))


def test_sides_of_other_classes_are_shifted_where_a_model_is_asked_for_classes(images, split):
    """Images alone tell nothing here; a model that is asked for the class of each tells its side all the same."""
    rng = np.random.default_rng(5)
    alike, apart = rng.integers(0, 4, N), rng.integers(0, 4, N) + 2 * split.is_member
    assert verdict(images, split, alike)["shifted"] is False
    found = verdict(images, split, apart)
    assert found["shifted"] is True
    # Half of each side is in classes of its own, and between the others nothing is known: 1/2 + 1/4 + 1/8.
    assert found["attacks"][BLIND]["selected"]["auc"]["value"] == pytest.approx(0.875, abs=0.06)


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


def test_six_classifiers_are_asked_and_no_model(images, split):
    scores = seen_blindly(images, split)
    assert [column.variant for column in scores.columns] == [
        {"classifier": name, "features": seen}
        for seen in ("pixels", "statistics", "complexity")
        for name in ("logistic", "boosting")
    ]
    assert {column.queries for column in scores.columns} == {0}
    assert {column.timestep for column in scores.columns} == {None}
    assert ((scores.statistic >= 0) & (scores.statistic <= 1)).all()


def test_the_same_seed_gives_the_same_scores(images, split):
    np.testing.assert_array_equal(
        seen_blindly(images, split).statistic, seen_blindly(images, split).statistic
    )


def test_image_statistics_are_finite_on_flat_images_and_ignore_where_things_are():
    images = np.random.default_rng(1).normal(size=(3, 2, 8, 8))
    images[0] = 0.1
    found = image_statistics(images)
    assert np.isfinite(found).all()
    upside_down = image_statistics(images[:, :, ::-1])
    np.testing.assert_allclose(upside_down[:, :-1], found[:, :-1], atol=1e-12)


def test_what_is_predicted_by_its_neighbours_is_short_when_it_is_compressed():
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, size=(1, 1, 32, 32))
    ramp = np.broadcast_to(np.linspace(-1, 1, 32), (1, 1, 32, 32))
    flat, ramps, noisy = compressed_length(np.concatenate([np.zeros_like(noise), ramp, noise]))
    assert flat < ramps < 0.2 < 1 < noisy  # bytes per pixel: noise has nothing to save
    # Whole levels are compressed: what is less than half a level apart is the same image.
    levels = rng.integers(0, 9, size=(1, 1, 32, 32)) / 127.5 - 1
    assert compressed_length(levels + 0.4 / 127.5)[0] == compressed_length(levels)[0] < noisy


def test_tables_are_standardised_and_do_not_depend_on_how_images_are_read(images, monkeypatch):
    ids = np.arange(N)[::-1][:150]
    whole = {name: make() for name, make in feature_tables(Images(images), ids, side=8).items()}
    np.testing.assert_allclose(whole["pixels"].std(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(whole["statistics"].mean(axis=0), 0, atol=1e-5)
    pixels = images[ids].reshape(150, -1)
    np.testing.assert_allclose(
        whole["pixels"], (pixels - pixels.mean(0)) / pixels.std(0), rtol=1e-4, atol=1e-5
    )
    monkeypatch.setattr("simaudit.data.store.BLOCK", 7 * 64)
    for name, make in feature_tables(Images(images), ids, side=8).items():
        table = make()
        assert table.dtype == np.float32
        np.testing.assert_allclose(table, whole[name], atol=1e-4)


def test_many_pixels_become_few_components(images, split, monkeypatch):
    """Members differ by a stripe in every pixel, which a few components hold."""
    monkeypatch.setattr(image_features, "PIXELS", 10)
    images[split.is_member] += 0.5 * np.sign(np.random.default_rng(4).normal(size=(8, 8)))
    table = feature_tables(Images(images), split.sample_id, side=8)["pixels"]()
    assert table.shape == (N, 10)
    np.testing.assert_allclose(table.T @ table / N, np.eye(10), atol=1e-3)
    assert verdict(images, split)["shifted"] is True


def test_boosting_sees_no_more_samples_than_it_says(images, split, monkeypatch):
    """It learns a rule from as few as it may, and is asked about all."""
    images[split.is_member] += 2
    seen, sizes = blind.HistGradientBoostingClassifier.fit, []
    monkeypatch.setattr(
        blind.HistGradientBoostingClassifier,
        "fit",
        lambda self, x, y: sizes.append(len(x)) or seen(self, x, y),
    )
    monkeypatch.setattr(blind, "BOOSTED", 100)
    monkeypatch.setattr(blind, "ROWS", 9)
    scores = seen_blindly(images, split)
    assert sizes == [100] * 9
    assert (scores.statistic[1] > 0.5).astype(int).tolist() == split.is_member.astype(int).tolist()


def test_one_table_is_in_memory_at_a_time(images, split, monkeypatch):
    made, make = [], image_features.standardised

    def counted(table):
        gc.collect()
        assert [of() for of in made] == [None] * len(made)
        made.append(weakref.ref(table))
        return make(table)

    monkeypatch.setattr(image_features, "standardised", counted)
    seen_blindly(images, split)
    assert len(made) == 2


def test_who_is_left_out_decides_nothing_about_a_fit(images, split):
    """The rows that are fitted to alone count, though the whole table is handed over."""
    table = feature_tables(Images(images), split.sample_id, side=8)["pixels"]()
    rows = np.arange(0, N, 2)
    other = table.copy()
    other[1::2] = 9
    for fit in blind.CLASSIFIERS.values():
        one, two = (fit(x, split.is_member, rows, 0)(table[1::2]) for x in (table, other))
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_more_parts_than_samples_of_a_kind_are_refused(images, split):
    with pytest.raises(SimauditError, match=r"evaluation\.blind\.folds: 65 parts .*split\.parquet has 64"):
        blind_scores(Images(images), split, complexity(images), side=8, folds=65, seed=0)
