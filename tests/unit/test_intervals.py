"""Intervals against independent ways to the same numbers, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, mannwhitneyu, norm

from simaudit.evaluation.statistics.intervals import Delong, clopper_pearson, rate, together
from simaudit.evaluation.statistics.roc import Roc


def drawn(rng, members, heldout, shift, statistics=1):
    is_member = np.arange(members + heldout) < members
    return rng.normal(size=(statistics, members + heldout)) + shift * is_member, is_member


def delong(scores, is_member, member_when="high"):
    return Delong.of([Roc.of(score, is_member, member_when).placements() for score in scores], is_member)


@given(st.integers(0, 2**32), st.booleans())
def test_the_auc_is_that_of_mann_and_whitney_ties_included(seed, tied):
    scores, is_member = drawn(np.random.default_rng(seed), 12, 17, 0.5)
    scores = scores.round(0) if tied else scores
    u = mannwhitneyu(scores[0, is_member], scores[0, ~is_member]).statistic
    assert delong(scores, is_member).auc[0] == pytest.approx(u / (12 * 17))
    assert delong(-scores, is_member, "low").auc[0] == pytest.approx(u / (12 * 17))


def test_the_variance_is_the_definition_over_all_pairs():
    """DeLong's structural components, written out with the kernel ψ = 1, ½ or 0 for every pair."""
    scores, is_member = drawn(np.random.default_rng(0), 9, 14, 0.7, statistics=2)
    scores = scores.round(1)
    kernel = np.sign(scores[:, is_member][:, :, None] - scores[:, ~is_member][:, None]) / 2 + 0.5
    expected = np.cov(kernel.mean(2)) / 9 + np.cov(kernel.mean(1)) / 14
    np.testing.assert_allclose(delong(scores, is_member).covariance, expected)


def test_the_variance_agrees_with_a_bootstrap():
    rng = np.random.default_rng(1)
    scores, is_member = drawn(rng, 150, 250, 1.0)
    members, heldout = scores[0, is_member], scores[0, ~is_member]
    resampled = [
        mannwhitneyu(rng.choice(members, 150), rng.choice(heldout, 250)).statistic / (150 * 250)
        for _ in range(2000)
    ]
    assert np.sqrt(delong(scores, is_member).covariance[0, 0]) == pytest.approx(np.std(resampled), rel=0.1)


def test_the_interval_covers_the_true_auc_in_about_95_per_cent_of_simulated_sets():
    rng, truth = np.random.default_rng(2), norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(1000):
        scores, is_member = drawn(rng, 60, 120, 1.0)
        interval = delong(scores, is_member).interval()
        covered += interval.low <= truth <= interval.high
    assert 930 <= covered <= 970


def test_a_paired_difference_knows_what_both_have_in_common():
    rng = np.random.default_rng(3)
    scores, is_member = drawn(rng, 100, 200, 1.0)
    twins = np.concatenate([scores, scores + rng.normal(scale=0.05, size=scores.shape)])
    both = delong(twins, is_member)
    paired, alone = both.difference(), both.interval(0)
    assert paired.high - paired.low < (alone.high - alone.low) / 4
    assert paired.value == pytest.approx(both.auc[0] - both.auc[1])
    assert paired.low < 0 < paired.high


def test_limits_stay_within_zero_and_one():
    scores, is_member = drawn(np.random.default_rng(4), 20, 20, 3.0)
    interval = delong(scores, is_member).interval()
    assert 0.9 < interval.low < interval.value <= interval.high <= 1


def test_the_interval_of_a_mean_is_that_of_the_mean_placements():
    """A mean of AUCs is the AUC of the mean kernel, so one DeLong on averaged placements must give the same."""
    scores, is_member = drawn(np.random.default_rng(5), 30, 40, 0.8, statistics=3)
    placements = [Roc.of(score, is_member, "high").placements() for score in scores]
    mean, alone = (
        delong(scores, is_member).mean(),
        Delong.of([np.mean(placements, axis=0)], is_member).interval(),
    )
    assert (mean.value, mean.low, mean.high) == pytest.approx((alone.value, alone.low, alone.high))


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_separation_leaves_a_doubt_that_shrinks_with_the_sample(sign):
    lows = []
    for n in (20, 200):
        is_member = np.arange(3 * n) < n
        interval = delong(sign * is_member[None], is_member).interval()
        exact = binomtest(n if sign > 0 else 0, n).proportion_ci(method="exact")
        assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))
        lows.append(interval.high - interval.low)
    assert lows[0] > 5 * lows[1] > 0


@given(st.integers(1, 3000), st.data())
def test_limits_of_a_rate_are_scipys_exact_ones(total, data):
    count = data.draw(st.integers(0, total))
    exact = binomtest(count, total).proportion_ci(confidence_level=0.95, method="exact")
    found = rate(count, total)
    assert (found.value, found.low, found.high) == pytest.approx(
        (count / total, exact.low, exact.high), abs=1e-9
    )


def test_many_rates_are_computed_at_once():
    low, high = clopper_pearson(np.arange(11), 10)
    for count in range(11):
        assert (low[count], high[count]) == pytest.approx((rate(count, 10).low, rate(count, 10).high))
    assert (low[0], high[-1]) == (0, 1)


def test_several_intervals_hold_together_when_each_is_wider():
    assert together(1) == pytest.approx(0.95)
    assert 1 - 8 * (1 - together(8)) == pytest.approx(0.95)
