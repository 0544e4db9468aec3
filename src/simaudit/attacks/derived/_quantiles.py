"""Quantiles that are linear in features, for many responses: of a mean, and of what is left of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sklearn.linear_model

from simaudit.attacks.derived._ridge import Ridge

PARTS = 5
MOST_ROWS = 2000
"""The quantiles of more rows are fitted to so many of them, drawn at random: the linear program takes too long."""
SIMULATIONS = 500
CONFIDENCE = 0.9


def predict_quantiles(x: np.ndarray, y: np.ndarray, levels: Sequence[float], ahead: np.ndarray) -> np.ndarray:
    """Fit rows x (n, F) to responses y (n, K), n ≥ 2; return the quantiles at `levels` of other rows (m, F): (L, m, K).

    A quantile is the ridge regression of the response plus a quantile regression of what that leaves. The latter has an
    intercept, and slopes for those features alone that an ℓ₁ penalty selects. The penalty is the one that selects
    nothing, in nine of ten cases, where no feature matters (Belloni & Chernozhukov, Annals of Statistics 39, 2011). So
    where rows are too few to tell how a quantile's slopes differ from the mean's, they are taken to be the same: at the
    1 % quantile of some hundred rows, only a few rows lie below it.
    """
    mean = Ridge.fit(x, y)
    left = y - _predicted_by_others(x, y)
    if len(x) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(x), MOST_ROWS, replace=False))
        x, left = x[rows], left[rows]
    z, z_ahead = ((table - mean.centre) / mean.scale for table in (x, ahead))
    predicted = np.stack([mean.predict(ahead)] * len(levels))
    for place, level in enumerate(levels):
        penalty = _penalty(z, level)
        for k, response in enumerate(left.T):
            predicted[place, :, k] += _quantile(z, response, level, penalty, z_ahead)
    return predicted


def _predicted_by_others(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the ridge regression of each row by rows of other parts: of its own fit, a row lies too near to it."""
    part = np.random.default_rng(0).permutation(len(x)) % min(PARTS, len(x))
    predicted = np.empty_like(y)
    for number in np.unique(part):
        rows = part == number
        predicted[rows] = Ridge.fit(x[~rows], y[~rows]).predict(x[rows])
    return predicted


def _penalty(z: np.ndarray, level: float) -> float:
    """Return the ℓ₁ penalty of standardised rows (n, F): what the slopes of noise would be stopped by."""
    below = np.random.default_rng(0).random((SIMULATIONS, len(z))) <= level
    return float(np.quantile(np.abs((level - below) @ z).max(axis=1) / len(z), CONFIDENCE))


def _quantile(z: np.ndarray, y: np.ndarray, level: float, penalty: float, ahead: np.ndarray) -> np.ndarray:
    """Return a quantile of a response (n,) for other rows (m,), linear in the features that the penalty selects."""
    selected = _regression(level, penalty).fit(z, y).coef_ != 0
    if not selected.any():
        return np.full(len(ahead), np.quantile(y, level))
    fitted = _regression(level, 0.0).fit(z[:, selected], y)
    return np.asarray(fitted.predict(ahead[:, selected]), dtype=np.float64)


def _regression(level: float, penalty: float) -> sklearn.linear_model.QuantileRegressor:
    return sklearn.linear_model.QuantileRegressor(quantile=level, alpha=penalty, solver="highs")
