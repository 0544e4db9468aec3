"""AUC, ASR and TPR against independent definitions, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from simaudit.evaluation.roc import Roc


@st.composite
def labelled_scores(draw):
    """Scores with many ties (few distinct values) or none, at least one sample of each class."""
    n = draw(st.integers(2, 60))
    is_member = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    is_member[:2] = [True, False]
    values = st.integers(0, 4) if draw(st.booleans()) else st.floats(-5, 5, width=32)
    return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.float32), is_member


def pairwise_auc(score, is_member):
    """P(member above held-out) + ½ P(tie), counted pair by pair."""
    difference = score[is_member][:, None] - score[~is_member][None]
    return np.mean(np.sign(difference) / 2 + 0.5)


def thresholds(score):
    return [-np.inf, *np.unique(score), np.inf]


@given(labelled_scores())
def test_auc_counts_pairs_and_half_ties(case):
    score, is_member = case
    roc = Roc.of(score, is_member, "high")
    assert roc.auc == pytest.approx(pairwise_auc(score, is_member))
    assert roc.auc == pytest.approx(roc_auc_score(is_member, score))


@given(labelled_scores())
def test_low_members_are_high_members_of_the_negated_statistic(case):
    score, is_member = case
    assert Roc.of(score, is_member, "low").auc == pytest.approx(pairwise_auc(-score, is_member))


@given(labelled_scores())
def test_asr_is_the_best_balanced_accuracy(case):
    score, is_member = case
    best = max(balanced_accuracy_score(is_member, score >= cut) for cut in thresholds(score))
    assert Roc.of(score, is_member, "high").asr == pytest.approx(best)


@given(labelled_scores(), st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.5]))
def test_tpr_is_the_largest_that_a_threshold_reaches_within_the_level(case, level):
    score, is_member = case
    reached = [
        np.mean(score[is_member] >= cut)
        for cut in thresholds(score)
        if np.mean(score[~is_member] >= cut) <= level
    ]
    assert Roc.of(score, is_member, "high").tpr_at(level) == pytest.approx(max(reached))


def test_tpr_never_interpolates_between_exact_points():
    # Held-out at 3 and 1, members at 4 and 2: the second member costs one false positive of two.
    score, is_member = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])
    roc = Roc.of(score, is_member, "high")
    assert roc.tpr_at(0.49) == 0.5
    assert roc.tpr_at(0.50) == 1.0


def test_constant_scores_know_nothing():
    roc = Roc.of(np.ones(10), np.arange(10) < 5, "low")
    assert (roc.auc, roc.asr, roc.tpr_at(0.01)) == (0.5, 0.5, 0.0)
