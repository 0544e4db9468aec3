"""The stratified bootstrap against scipy's, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, norm

from simaudit.evaluation.statistics.bootstrap import Bootstrap, asr_interval, basic_interval
from simaudit.evaluation.statistics.roc import Roc

LEVEL = 0.1


def drawn(rng, members, heldout, shift=1.0):
    is_member = rng.permutation(np.arange(members + heldout) < members)
    return rng.normal(size=members + heldout) + shift * is_member, is_member


def asr(members, heldout):
    scores, is_member = (
        np.concatenate([members, heldout]),
        np.arange(len(members) + len(heldout)) < len(members),
    )
    return Roc.of(scores, is_member, "high").asr


def tpr(members, heldout):
    scores, is_member = (
        np.concatenate([members, heldout]),
        np.arange(len(members) + len(heldout)) < len(members),
    )
    return Roc.of(scores, is_member, "high").found_at(LEVEL) / len(members)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("measure", "resampled"),
    [(asr, Bootstrap.asr), (tpr, lambda resamples, roc: resamples.tpr_at(roc, LEVEL))],
    ids=["asr", "tpr"],
)
def test_the_limits_are_those_of_scipys_basic_bootstrap(tied, measure, resampled):
    scores, is_member = drawn(np.random.default_rng(0), 120, 200)
    scores = scores.round(0) if tied else scores
    values = resampled(Bootstrap(is_member, 4000, 1), Roc.of(scores, is_member, "high"))
    expected = bootstrap(
        (scores[is_member], scores[~is_member]),
        measure,
        n_resamples=4000,
        vectorized=False,
        method="basic",
        rng=np.random.default_rng(2),
    )
    assert np.std(values) == pytest.approx(expected.standard_error, rel=0.06)
    found = basic_interval(measure(scores[is_member], scores[~is_member]), values, (0, 1))
    limits = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), abs=0.015)


@given(st.integers(0, 2**32))
def test_a_resample_is_the_roc_of_the_samples_it_drew(seed):
    """Where the k-th member alone stands above all held-out samples, the TPR at FPR 0 is how often it was drawn."""
    is_member = np.array([True] * 4 + [False] * 6)
    resamples = Bootstrap(is_member, 100, seed)
    counts = np.stack(
        [
            4
            * resamples.tpr_at(Roc.of(np.where(np.arange(10) == k, 2.0, ~is_member), is_member, "high"), 0.0)
            for k in range(4)
        ]
    )
    np.testing.assert_array_equal(
        counts.sum(axis=0), 4
    )  # members are drawn from members, as many as there are
    assert len(np.unique(counts, axis=1).T) > 10


def test_the_same_seed_draws_the_same_and_another_draws_others():
    scores, is_member = drawn(np.random.default_rng(3), 30, 40)
    roc = Roc.of(scores, is_member, "high")
    one, again, other = (Bootstrap(is_member, 200, seed).asr(roc) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_differences_are_paired():
    rng = np.random.default_rng(4)
    scores, is_member = drawn(rng, 150, 300)
    resamples = Bootstrap(is_member, 500, 0)
    one, twin = (Roc.of(scores + rng.normal(scale=s, size=450), is_member, "high") for s in (0, 0.02))
    alone = resamples.tpr_at(one, LEVEL)
    assert np.std(alone - resamples.tpr_at(twin, LEVEL)) < np.std(alone) / 2


def test_the_interval_of_an_asr_covers_the_true_one_in_about_nine_of_ten_simulated_sets():
    rng, truth = np.random.default_rng(5), norm.cdf(0.5)  # the best threshold halves a shift of 1
    covered, naive = 0, 0
    for seed in range(400):
        scores, is_member = drawn(rng, 100, 150)
        roc = Roc.of(scores, is_member, "high")
        values = Bootstrap(is_member, 300, seed).asr(roc)
        covered += asr_interval(roc, values).contains(truth)
        low, high = np.quantile(values, [0.025, 0.975])
        naive += low <= truth <= high
    assert 0.85 <= covered / 400 <= 0.97
    assert naive < 0.9 * covered  # why it is not the resamples' own quantiles


def test_perfect_separation_has_the_limit_of_two_exact_rates():
    is_member = np.arange(100) < 30
    roc = Roc.of(is_member.astype(float), is_member, "high")
    interval = asr_interval(roc, Bootstrap(is_member, 100, 0).asr(roc))
    found, clean = (binomtest(n, n).proportion_ci(0.975, "exact").low for n in (30, 70))
    assert (interval.value, interval.high) == (1, 1)
    assert interval.low == pytest.approx((found + clean) / 2)


def test_an_interval_holds_its_value_and_stays_where_such_values_lie():
    interval = basic_interval(0.6, np.linspace(0.7, 0.9, 100), (0.5, 1.0))
    assert 0.5 <= interval.low <= interval.value <= interval.high <= 1.0
