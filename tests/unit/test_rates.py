"""Rates at a level and at a threshold, with limits worked out from sorted scores and scipy's own binomials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from simaudit.evaluation.statistics.intervals import Interval, paired_difference, summed
from simaudit.evaluation.statistics.rates import balanced_accuracy_at, exceedances, tpr_interval
from simaudit.evaluation.statistics.roc import Roc


def exact(count, total):
    limits = binomtest(count, total).proportion_ci(method="exact")
    return limits.low, limits.high


def test_the_limits_of_a_tpr_join_those_of_both_sides():
    rng = np.random.default_rng(0)
    members, heldout = rng.normal(2, 1, 200), np.sort(rng.normal(0, 1, 1000))[::-1]
    roc = Roc.of(np.concatenate([members, heldout]), np.arange(1200) < 200, "high")
    # Of 1000 held-out samples 10 exceed their 99 % quantile on average, and 4 to 17 do so at 95 %. So the quantile lies
    # between the fourth sample from the top and the eighteenth.
    assert [binom.ppf(tail, 1000, 0.01) for tail in (0.025, 0.975)] == [4, 17]
    value = (members > heldout[10]).mean()
    strict, loose = (members > heldout[3]).mean(), (members > heldout[17]).mean()
    low, high = exact(round(200 * value), 200)
    interval = tpr_interval(roc, 0.01)
    assert interval.value == value
    assert interval.low == pytest.approx(value - np.hypot(value - low, value - strict))
    assert interval.high == pytest.approx(value + np.hypot(high - value, loose - value))


@given(st.integers(20, 5000), st.sampled_from([0.01, 0.001, 0.1]))
def test_the_held_out_samples_beyond_a_quantile_are_binomial(total, level):
    fewest, most = exceedances(level, total)
    assert binom.cdf(fewest - 1, total, level) <= 0.025
    assert binom.sf(most, total, level) <= 0.025
    assert fewest <= int(round(level * 1000) * total // 1000) <= most


def test_where_one_false_positive_is_allowed_the_limits_say_that_little_is_known():
    is_member = np.arange(1200) < 200
    scores = np.where(is_member, 1.0, 0.0) + np.random.default_rng(1).normal(size=1200)
    interval = tpr_interval(Roc.of(scores, is_member, "high"), 0.001)
    assert interval.low == 0  # the threshold may lie beyond every sample
    assert interval.value < interval.high


def test_a_balanced_accuracy_joins_the_limits_of_two_rates():
    is_member = np.arange(100) < 40
    scores = np.where(is_member, np.arange(100) % 10 < 7, np.arange(100) % 10 < 2).astype(float)
    interval = balanced_accuracy_at(0.5, Roc.of(scores, is_member, "high"))
    (low, high), (low_fpr, high_fpr) = exact(28, 40), exact(12, 60)
    assert interval.value == pytest.approx((0.7 + 0.8) / 2)
    assert interval.low == pytest.approx(0.75 - np.hypot(0.7 - low, high_fpr - 0.2) / 2)
    assert interval.high == pytest.approx(0.75 + np.hypot(high - 0.7, 0.2 - low_fpr) / 2)


def test_without_a_threshold_no_sample_is_accepted():
    is_member = np.arange(60) < 30
    interval = balanced_accuracy_at(None, Roc.of(np.arange(60.0), is_member, "high"))
    assert interval.value == 0.5
    assert interval.low < 0.5 < interval.high


def test_a_sum_of_one_part_keeps_its_limits():
    kept = summed([Interval(0.3, 0.1, 0.7)], 0.3)
    assert (kept.low, kept.value, kept.high) == pytest.approx((0.1, 0.3, 0.7))


def test_a_paired_difference_is_that_of_the_balanced_accuracies():
    is_member = np.arange(10) < 4
    first, second = np.ones(10, dtype=bool), np.arange(10) % 2 == 0
    interval = paired_difference(first, second, is_member)
    assert interval.value == pytest.approx(1 - (2 / 4 + 3 / 6) / 2)
    sides = [(first.astype(float) - second)[side] for side in (is_member, ~is_member)]
    error = np.sqrt(sum(np.var(side, ddof=1) / len(side) for side in sides)) / 2
    assert interval.high - interval.value == pytest.approx(1.959964 * error, rel=1e-6)
    same = paired_difference(first, first, is_member)
    assert (same.low, same.value, same.high) == (0, 0, 0)
