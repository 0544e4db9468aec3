"""The one-sort ROC against scikit-learn and independent definitions, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from simaudit.evaluation.statistics.roc import Roc, most_errors


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
    expected, turned = Roc.of(score, ~is_member, "low"), Roc.of(score, is_member, "high").turned_round()
    for field in ("is_member", "ends", "thresholds", "true_positives", "false_positives"):
        np.testing.assert_array_equal(getattr(turned, field), getattr(expected, field))
    np.testing.assert_array_equal(score[turned.order], score[expected.order])
    assert turned.member_when == "low"


@given(labelled_scores(), st.sampled_from(["low", "high"]))
def test_the_best_threshold_is_where_the_asr_is_reached(case, member_when):
    score, is_member = case
    roc = Roc.of(score, is_member, member_when)
    accepted = roc.accepted(roc.best_threshold)
    assert balanced_accuracy_score(is_member, accepted) == pytest.approx(roc.asr)
    if roc.best_threshold is not None:
        beyond = score <= roc.best_threshold if member_when == "low" else score >= roc.best_threshold
        np.testing.assert_array_equal(accepted, beyond)


@pytest.mark.parametrize("total", [100, 700, 1000, 1100])
def test_levels_are_compared_in_whole_numbers(total):
    """1 − 0.99 is more than 0.01 in floating point, and 7 of 700 members are 1 % all the same."""
    allowed = total // 100
    assert most_errors(0.01, total) == allowed
    is_member = np.arange(2 * total) < total
    score = np.where(is_member, 1.0, np.linspace(-1, 0, 2 * total))
    score[: allowed + 1] = -2 - np.arange(allowed + 1)  # so many members look like held-out samples
    score[total] = -1.5 - allowed  # and one held-out sample lies among them
    assert Roc.of(score, is_member, "high").turned_round().found_at(0.01) == 1


@pytest.mark.parametrize(("level", "total", "allowed"), [(0.01, 99, 0), (0.001, 1048, 1), (0.29, 100, 29)])
def test_a_level_allows_the_largest_share_that_does_not_exceed_it(level, total, allowed):
    assert most_errors(level, total) == allowed


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
