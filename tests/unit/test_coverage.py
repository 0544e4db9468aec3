"""The intervals hold the true value as often as they say, on a small grid; `make coverage` has the whole one."""

import pytest
from scipy.stats import binom

from interval_coverage import POPULATIONS, coverage

REPLICATES = 300
AT_LEAST = (
    binom.ppf(0.001, REPLICATES, 0.95) / REPLICATES
)  # an interval that holds its 95 % passes 999 times of 1000


@pytest.mark.parametrize("size", [(100, 300), (150, 1000)])
@pytest.mark.parametrize("population", ["AUC 0.5", "AUC 0.92", "40 % by 3"])
def test_intervals_hold_the_true_value_as_often_as_they_say(population, size):
    held = coverage(POPULATIONS[population], size, REPLICATES, resamples=200)
    allowed = round(0.01 * size[1])
    for name, share in held.items():
        if name.startswith("*") or ("0.1 %" in name and "minus" in name):
            continue  # what is not used; and what has no limits, since so few false positives are allowed
        if name.startswith("TPR") and "minus" in name and allowed < 4:
            continue
        assert share >= (0.84 if name.startswith("ASR") else AT_LEAST), name  # an ASR is a maximum


def test_limits_given_the_threshold_forget_that_it_was_drawn_as_well():
    """Why they are not used where the threshold is set on the same samples."""
    held = coverage(POPULATIONS["AUC 0.92"], (400, 400), REPLICATES, resamples=100)
    assert held["*TPR at 1 % FPR: Clopper-Pearson given the threshold*"] < 0.7
    assert held["*TPR at 1 % FPR minus an equal one's: basic bootstrap*"] < AT_LEAST
