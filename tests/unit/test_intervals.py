"""DeLong against independent ways to the same number, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from simaudit.evaluation.intervals import Delong


def drawn(rng, members, heldout, shift, statistics=1):
    is_member = np.arange(members + heldout) < members
    return rng.normal(size=(statistics, members + heldout)) + shift * is_member, is_member


@given(st.integers(0, 2**32), st.booleans())
def test_the_auc_is_that_of_mann_and_whitney_ties_included(seed, tied):
    scores, is_member = drawn(np.random.default_rng(seed), 12, 17, 0.5)
    scores = scores.round(0) if tied else scores
    u = mannwhitneyu(scores[0, is_member], scores[0, ~is_member]).statistic
    assert Delong.of(scores, is_member, ["high"]).auc[0] == pytest.approx(u / (12 * 17))
    assert Delong.of(-scores, is_member, ["low"]).auc[0] == pytest.approx(u / (12 * 17))


def test_the_variance_is_the_definition_over_all_pairs():
    """DeLong's structural components, written out with the kernel ψ = 1, ½ or 0 for every pair."""
    scores, is_member = drawn(np.random.default_rng(0), 9, 14, 0.7, statistics=2)
    scores = scores.round(1)
    kernel = np.sign(scores[:, is_member][:, :, None] - scores[:, ~is_member][:, None]) / 2 + 0.5
    expected = np.cov(kernel.mean(2)) / 9 + np.cov(kernel.mean(1)) / 14
    np.testing.assert_allclose(Delong.of(scores, is_member, ["high"] * 2).covariance, expected)


def test_the_variance_agrees_with_a_bootstrap():
    rng = np.random.default_rng(1)
    scores, is_member = drawn(rng, 150, 250, 1.0)
    members, heldout = scores[0, is_member], scores[0, ~is_member]
    resampled = [
        mannwhitneyu(rng.choice(members, 150), rng.choice(heldout, 250)).statistic / (150 * 250)
        for _ in range(2000)
    ]
    delong = Delong.of(scores, is_member, ["high"])
    assert np.sqrt(delong.covariance[0, 0]) == pytest.approx(np.std(resampled), rel=0.1)


def test_the_interval_covers_the_true_auc_in_about_95_per_cent_of_simulated_sets():
    rng, truth = np.random.default_rng(2), norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(1000):
        scores, is_member = drawn(rng, 60, 120, 1.0)
        interval = Delong.of(scores, is_member, ["high"]).interval()
        covered += interval.low <= truth <= interval.high
    assert 930 <= covered <= 970


def test_a_paired_difference_knows_what_both_have_in_common():
    rng = np.random.default_rng(3)
    scores, is_member = drawn(rng, 100, 200, 1.0)
    twins = np.concatenate([scores, scores + rng.normal(scale=0.05, size=scores.shape)])
    delong = Delong.of(twins, is_member, ["high", "high"])
    paired, alone = delong.difference(), delong.interval(0)
    assert paired.high - paired.low < (alone.high - alone.low) / 4
    assert paired.value == pytest.approx(delong.auc[0] - delong.auc[1])
    assert paired.low < 0 < paired.high


def test_limits_stay_within_zero_and_one():
    scores, is_member = drawn(np.random.default_rng(4), 20, 20, 3.0)
    interval = Delong.of(scores, is_member, ["high"]).interval()
    assert 0.9 < interval.low < interval.value <= interval.high <= 1
