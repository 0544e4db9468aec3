"""Shuffled labels: fast AUCs are true AUCs, and the protocol's mean has the limits of a mean."""

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from simaudit.evaluation.statistics import permutation
from simaudit.evaluation.statistics.intervals import mean_interval
from simaudit.evaluation.statistics.permutation import Permutations, permuted_protocol, widened
from simaudit.evaluation.statistics.roc import Roc
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION

LABELS = {CALIBRATION: np.arange(40) < 10, EVALUATION: np.arange(60) < 20}


def test_shuffling_stays_within_a_fold_and_keeps_both_sides_their_size():
    permutations = Permutations.of(LABELS, 30, seed=0)
    for fold, labels in LABELS.items():
        assert permutations.labels[fold].shape == (30, len(labels))
        assert set(permutations.labels[fold].sum(axis=1)) == {labels.sum()}
        assert len(np.unique(permutations.labels[fold], axis=0)) > 25


@pytest.mark.parametrize("chunk", [7, 60, permutation.CHUNK])
@pytest.mark.parametrize("member_when", ["low", "high"])
def test_an_auc_from_midranks_is_that_of_scikit_learn_ties_included(member_when, chunk, monkeypatch):
    monkeypatch.setattr(permutation, "CHUNK", chunk)
    permutations = Permutations.of(LABELS, 30, seed=0)
    statistics = np.random.default_rng(1).normal(size=(3, 60)).round(1)
    midranks = [
        Roc.of(statistic, LABELS[EVALUATION], member_when).centred_midranks() for statistic in statistics
    ]
    found = permutations.auc(EVALUATION, midranks)
    sign = 1 if member_when == "high" else -1
    for k, statistic in enumerate(statistics):
        for p, labels in enumerate(permutations.labels[EVALUATION]):
            assert found[k, p] == pytest.approx(roc_auc_score(labels, sign * statistic))


def test_each_permutation_is_judged_by_the_whole_protocol():
    """Two statistics, three permutations: what calibration likes best, measured on evaluation."""
    aucs = {
        CALIBRATION: np.array([[0.6, 0.4, 0.5], [0.5, 0.7, 0.5]]),
        EVALUATION: np.array([[0.52, 0.55, 0.40], [0.60, 0.47, 0.45]]),
    }
    found = permuted_protocol(aucs, observed=0.47)
    assert found["auc"]["value"] == pytest.approx(np.mean([0.52, 0.47, 0.40]))
    assert found["oracle_auc"]["value"] == pytest.approx(np.mean([0.60, 0.55, 0.45]))
    assert found["p_value"]["value"] == pytest.approx((1 + 2) / (1 + 3))


def test_a_mean_has_students_limits_and_wider_ones_when_many_must_hold_together():
    values = np.random.default_rng(2).normal(size=20)
    mean = mean_interval(values)
    error = values.std(ddof=1) / np.sqrt(20)
    assert (mean.low, mean.high) == pytest.approx(t.interval(0.95, 19, values.mean(), error))
    wide = widened(mean, 20, tests=5)
    assert (wide.low, wide.high) == pytest.approx(t.interval(0.99, 19, values.mean(), error))
