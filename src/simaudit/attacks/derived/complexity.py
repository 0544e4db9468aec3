"""Complexity: what a statistic says beyond what the image alone predicts of it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from simaudit.attacks.derived._logarithms import logarithms, of_norms
from simaudit.attacks.derived._of_one import OfOneAttack
from simaudit.attacks.derived._ridge import Ridge
from simaudit.attacks.derived_attack import Known, Statistics, crossfits, each_with
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.errors import SimauditError

LENGTH = "png"
"""The feature whose value is the logarithm of a losslessly compressed length."""
LEAST_HELDOUT = 2  # one to learn from, and one to judge


class Complexity(OfOneAttack):
    """log s − p(image), low for members where s is: s is any positive statistic, p what the image alone predicts of it.

    A model predicts more noise in an image that is more complex, member or not, and this hides who is a member. `fits`
    says how p is found: `length` is log(compressed length), as the authors of SimA divide by it (arXiv:2603.13421 for
    flows); `slope` is linear in it; `ridge` is linear in all features of the image (`simaudit.data.complexity`). The
    last two are fitted to the held-out samples of the calibration fold alone, for each timestep and variant of `of`;
    samples of that fold are judged by fits to its other parts. No query beside those of `of`.
    """

    fits: Several[Literal["length", "slope", "ridge"]] = ("length", "slope", "ridge")

    def derive(self, known: Known) -> Statistics:
        base = of_norms(known.statistics[self.of], self.of, self.norms)
        logs = logarithms(base, self.of)
        values = np.empty((len(self.fits), *logs.shape), dtype=np.float32)  # as a score file has them
        for of_fit, fit in zip(values, self.fits, strict=True):
            np.subtract(logs, prediction(known, logs, fit), out=of_fit, casting="same_kind")
        columns = each_with(base.columns, "fit", self.fits)
        return Statistics(columns, values.reshape(-1, logs.shape[1]), base.member_when)


def prediction(known: Known, logs: np.ndarray, fit: str) -> np.ndarray:
    """Return what features of the images predict of the statistics' logarithms (K, N), by one of the fits: (K, N).

    Raises SimauditError where the calibration fold has too few held-out samples.
    """
    if fit == "length":
        return np.broadcast_to(known.features[LENGTH], logs.shape)
    require_heldout(known)
    names = [LENGTH] if fit == "slope" else list(known.features)
    x, y = np.stack([known.features[name] for name in names], axis=1), logs.T
    predicted = np.empty_like(y)
    for rows, fitted in crossfits(known, known.heldout):
        predicted[rows] = Ridge.fit(x[fitted], y[fitted]).predict(x[rows])
    return predicted.T


def require_heldout(known: Known) -> None:
    """Raise SimauditError where the calibration fold has too few held-out samples to fit to."""
    if known.heldout.sum() < LEAST_HELDOUT:
        raise SimauditError(
            f"the calibration fold must have {LEAST_HELDOUT} held-out samples or more to fit to "
            f"(found {known.heldout.sum()}); set splits.<split>.calibration higher"
        )
