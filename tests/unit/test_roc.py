"""The one-sort ROC against scikit-learn and independent definitions, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from simaudit.evaluation.statistics.roc import Roc


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
    roc = Roc.of(score, is_member, "high")
    assert roc.found_at(level) / roc.members == pytest.approx(max(reached))


@given(labelled_scores())
def test_points_and_thresholds_are_those_of_scikit_learn(case):
    score, is_member = case
    roc = Roc.of(score, is_member, "high")
    fpr, tpr, cuts = roc_curve(is_member, score, drop_intermediate=False)
    np.testing.assert_allclose(roc.fpr, fpr)
    np.testing.assert_allclose(roc.tpr, tpr)
    np.testing.assert_array_equal(roc.thresholds, cuts[1:])  # the first accepts nobody


@given(labelled_scores(), st.sampled_from(["low", "high"]), st.sampled_from([0.0, 0.01, 0.1, 0.5]))
def test_the_threshold_of_a_level_keeps_it_and_the_next_looser_one_does_not(case, member_when, level):
    score, is_member = case
    roc = Roc.of(score, is_member, member_when)
    sign = 1 if member_when == "high" else -1

    def flagged(cut):
        return sign * score >= sign * cut

    threshold = roc.threshold_at(level)
    looser = [cut for cut in np.unique(score) if threshold is None or sign * cut < sign * threshold]
    if threshold is not None:
        assert np.mean(flagged(threshold)[~is_member]) <= level
        assert roc.accepted_at(threshold) == tuple(
            int(flagged(threshold)[side].sum()) for side in (is_member, ~is_member)
        )
        assert roc.found_at(level) == flagged(threshold)[is_member].sum()
    else:
        assert roc.found_at(level) == 0
    assert all(np.mean(flagged(cut)[~is_member]) > level for cut in looser)


@given(labelled_scores(), st.floats(-6, 6, width=32), st.sampled_from(["low", "high"]))
def test_any_threshold_may_be_transferred_also_one_between_or_beyond_these_scores(case, cut, member_when):
    score, is_member = case
    flagged = score >= cut if member_when == "high" else score <= cut
    expected = int(flagged[is_member].sum()), int(flagged[~is_member].sum())
    assert Roc.of(score, is_member, member_when).accepted_at(cut) == expected


@given(labelled_scores())
def test_heldout_positive_is_the_roc_with_labels_and_statistic_turned_round(case):
    score, is_member = case
    turned = Roc.of(score, ~is_member, "low")
    assert Roc.of(score, is_member, "high").heldout_found_at(0.1) == turned.found_at(0.1)


@given(labelled_scores(), st.sampled_from(["low", "high"]))
def test_placements_count_pairs_sample_by_sample(case, member_when):
    score, is_member = case
    oriented = score if member_when == "high" else -score
    kernel = np.sign(oriented[is_member][:, None] - oriented[~is_member][None]) / 2 + 0.5
    placements = Roc.of(score, is_member, member_when).placements()
    np.testing.assert_allclose(placements[is_member], kernel.mean(axis=1))
    np.testing.assert_allclose(placements[~is_member], kernel.mean(axis=0))


@given(labelled_scores(), st.sampled_from(["low", "high"]))
def test_midranks_are_those_of_scipy_and_hold_the_auc(case, member_when):
    score, is_member = case
    oriented = score if member_when == "high" else -score
    roc = Roc.of(score, is_member, member_when)
    centred = roc.centred_midranks()
    np.testing.assert_allclose(centred, rankdata(oriented) - (len(score) + 1) / 2)
    assert 0.5 + centred[is_member].sum() / (roc.members * roc.heldout) == pytest.approx(roc.auc)


def test_tpr_never_interpolates_between_exact_points():
    # Held-out at 3 and 1, members at 4 and 2: the second member costs one false positive of two.
    score, is_member = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])
    roc = Roc.of(score, is_member, "high")
    assert roc.found_at(0.49) == 1
    assert roc.found_at(0.50) == 2


def test_constant_scores_know_nothing():
    roc = Roc.of(np.ones(10), np.arange(10) < 5, "low")
    assert (roc.auc, roc.asr, roc.found_at(0.01), roc.threshold_at(0.01)) == (0.5, 0.5, 0, None)
