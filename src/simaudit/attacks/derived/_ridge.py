"""Linear regression with a penalty that is chosen by generalised cross-validation, for many responses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PENALTIES = np.logspace(-3, 6, 37)
"""The penalties that are tried, in units of the number of rows: the largest leaves hardly more than the mean."""
CONSTANT = 1e-9
"""A feature that varies less than this share of its size, or of 1, tells rows apart by rounding alone."""
MOST_FREEDOM = 0.25
"""The largest share of degrees of freedom in the number of rows: with fewer rows than some hundred, generalised
cross-validation often takes far too small a penalty."""


@dataclass(frozen=True)
class Ridge:
    """ŷ = intercept + ((x − centre)/scale)·slopes for K responses; `slopes` is (F, K), `intercept` (K,).

    `centre` and `scale` (F,) are those of the rows that it was fitted to. `penalties` (K,) are the chosen ones.
    """

    centre: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    intercept: np.ndarray
    penalties: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> Ridge:
        """Fit rows x (n, F) to responses y (n, K), float64, each response with a penalty of its own.

        One singular value decomposition serves all penalties and responses. Generalised cross-validation (Golub, Heath
        & Wahba 1979) is the mean squared residual over (1 − df/n)², where df counts the intercept; df is at most
        MOST_FREEDOM·n, or as small as it can be. Rows may be fewer than features. A feature that is constant over the
        rows has no slope.
        """
        n = len(x)
        centre, intercept = x.mean(axis=0), y.mean(axis=0)
        scale = x.std(axis=0)
        varies = scale > CONSTANT * np.maximum(np.abs(centre), 1)
        scale = np.where(varies, scale, 1)
        u, singular, vt = np.linalg.svd((x - centre) / scale * varies, full_matrices=False)
        projected = u.T @ (y - intercept)  # (r, K)
        outside = np.square(y - intercept).sum(axis=0) - np.square(projected).sum(axis=0)
        shrunk = singular**2 / (singular**2 + n * PENALTIES[:, None])  # (P, r)
        squares = np.square(1 - shrunk) @ np.square(projected) + outside.clip(0)  # (P, K)
        free = 1 - (1 + shrunk.sum(axis=1)) / n
        gcv = np.where(
            free[:, None] >= 1 - MOST_FREEDOM,
            squares / np.maximum(free, 1 - MOST_FREEDOM)[:, None] ** 2,
            np.inf,
        )
        best = np.where(np.isfinite(gcv).any(axis=0), gcv.argmin(axis=0), len(PENALTIES) - 1)
        inverse = singular[:, None] / (singular[:, None] ** 2 + n * PENALTIES[best])  # (r, K)
        return cls(centre, scale, vt.T @ (inverse * projected), intercept, PENALTIES[best])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the responses (m, K) of rows x (m, F)."""
        predicted: np.ndarray = ((x - self.centre) / self.scale) @ self.slopes + self.intercept
        return predicted
