"""A lower bound of ε holds for mechanisms whose ε is known, and is near it where there are many samples."""

import numpy as np
import pytest
from scipy.stats import beta

from simaudit.evaluation.statistics.epsilon import epsilon_bound, surest_threshold
from simaudit.evaluation.statistics.roc import Roc

DELTA = 1e-5


def randomised_response(rng, is_member, epsilon):
    """Whether a sample is a member, told truly with the odds e^ε: exactly (ε, 0)-differentially private."""
    truly = rng.uniform(size=len(is_member)) < 1 / (1 + np.exp(-epsilon))
    return np.where(truly, is_member, ~is_member).astype(float)


def laplace(rng, is_member, epsilon):
    """One for a member and zero for others, with Laplace noise of scale 1/ε: the same."""
    return is_member + rng.laplace(scale=1 / epsilon, size=len(is_member))


def bound(mechanism, rng, samples, epsilon, delta=DELTA):
    """The bound on one half of as many samples of either side, at the threshold that the other half sets."""
    is_member = np.arange(samples) % 2 == 0
    first, second = (Roc.of(mechanism(rng, is_member, epsilon), is_member, "high") for _ in range(2))
    return epsilon_bound(second, surest_threshold(first, delta), delta)


@pytest.mark.parametrize("mechanism", [randomised_response, laplace])
@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0])
def test_the_bound_is_below_the_true_epsilon_in_19_of_20_runs(mechanism, epsilon):
    rng = np.random.default_rng(0)
    bounds = np.array([bound(mechanism, rng, 400, epsilon) for _ in range(200)])
    assert (bounds <= epsilon).mean() >= 0.95
    assert (bounds >= 0).all()


@pytest.mark.parametrize("mechanism", [randomised_response, laplace])
def test_the_bound_is_near_the_true_epsilon_for_many_samples(mechanism):
    assert 0.9 < bound(mechanism, np.random.default_rng(1), 100_000, 1.0) <= 1.0


def test_the_bound_is_that_of_the_limits_of_both_rates():
    """Of 40 members 30 are found, of 100 others 5 are flagged: by hand, with the beta quantiles of the limits."""
    is_member = np.arange(140) < 40
    statistic = np.concatenate([np.arange(40) < 30, np.arange(100) < 5]).astype(float)
    tpr, fpr = beta.ppf(0.025, 30, 11), beta.ppf(0.975, 6, 95)
    expected = max(np.log((tpr - DELTA) / fpr), np.log((1 - fpr - DELTA) / (1 - tpr)))
    assert epsilon_bound(Roc.of(statistic, is_member, "high"), 1.0, DELTA) == pytest.approx(expected)
    assert expected > 1


def test_an_attack_that_finds_nothing_bounds_nothing():
    is_member = np.arange(200) % 2 == 0
    roc = Roc.of(np.random.default_rng(2).normal(size=200), is_member, "low")
    assert surest_threshold(roc, DELTA) is None
    assert epsilon_bound(roc, None, DELTA) == 0
