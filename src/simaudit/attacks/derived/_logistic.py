"""Logistic regression with a ridge penalty that is chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sklearn.decomposition
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing

STRENGTHS = np.logspace(-4, 0, 5)
"""The inverse penalties that are tried, of standardised inputs."""
PARTS = 3
VARIANCE = 0.9999
"""The share of the variance of standardised inputs that their principal components must have. Statistics of one attack
hardly differ from one timestep to the next, so that some dozens have as much as hundreds of inputs."""


def fit_logistic(x: np.ndarray, is_member: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit rows x (n, F) to `is_member` (n,) bool, and return what gives the log-odds (m,) of other rows (m, F).

    The penalty has the lowest log-loss on parts of the rows, which hold equal shares of both sides. The same rows give
    the same fit.
    """
    parts = sklearn.model_selection.StratifiedKFold(PARTS, shuffle=True, random_state=0)
    chosen = sklearn.linear_model.LogisticRegressionCV(
        Cs=STRENGTHS,
        cv=parts,
        scoring="neg_log_loss",
        solver="newton-cholesky",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )
    scaled = sklearn.preprocessing.StandardScaler()
    rotated = sklearn.decomposition.PCA(VARIANCE, svd_solver="full")
    fitted = sklearn.pipeline.make_pipeline(scaled, rotated, chosen).fit(x, is_member)
    return lambda rows: np.asarray(fitted.decision_function(rows), dtype=np.float64)
