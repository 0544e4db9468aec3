"""The control that never sees a model: if the images alone tell members from held-out samples, the split is shifted."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import CategoricalNB

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.evaluation.controls.image_features import feature_tables, standardised
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Column

BOOSTED = 20_000  # samples to which boosting is fitted at most: it copies them as float64
ROWS = 4096  # samples at a time whose scores are computed

COMPLEXITY = "complexity"  # the table of what `complexity` predicts an attack's statistic from

Fitted = Callable[[np.ndarray], np.ndarray]
"""P(member) (n,) of rows (n, d) of a table."""
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray, int], Fitted]
"""A classifier: of a table (N, d) and is_member (N,) it is fitted to some rows (n,), by a seed."""
Parts = Sequence[tuple[np.ndarray, np.ndarray]]
"""Of each part the rows of all others, which are fitted to, and its own, whose scores are asked for."""


def blind_scores(
    images: Images,
    split: Split,
    complexity: np.ndarray,
    side: int,
    folds: int,
    seed: int,
    labels: np.ndarray | None = None,
) -> tuple[list[Column], np.ndarray]:
    """Return P(member) by classifiers that see only the images of `split`: columns, values (K, N) float32.

    Logistic regression and gradient boosting, each on the pixels and on simple image statistics (`feature_tables`), and
    on how complex the images are: `complexity` (N, F).
    Where a model is asked for the classes of images, `labels` (N,) int64, another one sees these alone: an attack may
    else tell the sides by their classes, and nobody would notice.
    Cross-fitted: a sample's score comes from a classifier that was fitted to the other parts, in `folds` parts
    stratified by role and fold. A classifier asks the model nothing: its queries are 0.
    """
    strata = 2 * split.is_member + split.is_calibration
    if (smallest := int(np.unique(strata, return_counts=True)[1].min())) < folds:
        raise SimauditError(
            f"evaluation.blind.folds: {folds} parts need as many samples of each role and fold, and {split.path} has "
            f"{smallest}; choose fewer parts"
        )
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(strata, strata))
    tables = feature_tables(images, split.sample_id, side) | {COMPLEXITY: lambda: standardised(complexity)}
    asked = [(seen, make, CLASSIFIERS) for seen, make in tables.items()]
    if labels is not None:
        asked.append(("label", lambda: labels[:, None], {"frequency": frequency}))
    columns, values = [], []
    for seen, make, classifiers in asked:  # one table is in memory at a time
        columns += [Column(None, {"classifier": name, "features": seen}, 0) for name in classifiers]
        values.append(_cross_fitted(make(), split.is_member, parts, classifiers.values(), seed))
    return columns, np.concatenate(values)


def _cross_fitted(
    table: np.ndarray, is_member: np.ndarray, parts: Parts, classifiers: Collection[Fit], seed: int
) -> np.ndarray:
    """Return P(member) (K, N) float32 by each of K classifiers of a table (N, d)."""
    scores = np.empty((len(classifiers), len(table)), dtype=np.float32)
    for of_one, fit in zip(scores, classifiers, strict=True):
        for others, part in parts:
            fitted = fit(table, is_member, others, seed)
            for first in range(0, len(part), ROWS):
                rows = part[first : first + ROWS]
                of_one[rows] = fitted(table[rows])
    return scores


def logistic(table: np.ndarray, is_member: np.ndarray, rows: np.ndarray, seed: int) -> Fitted:
    """Fit logistic regression to these rows of a table: the others have no weight, so that nothing is copied."""
    weights = np.zeros(len(table), dtype=table.dtype)
    weights[rows] = 1
    classifier = LogisticRegression(C=0.1, max_iter=1000)
    return _probability(classifier.fit(table, is_member, sample_weight=weights))


def boosting(table: np.ndarray, is_member: np.ndarray, rows: np.ndarray, seed: int) -> Fitted:
    """Fit gradient boosting to these rows of a table; where they are more than BOOSTED, to so many, drawn at random."""
    if len(rows) > BOOSTED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, BOOSTED, replace=False))
    seen = np.empty((len(rows), table.shape[1]), order="F")
    for column, values in enumerate(table.T):
        seen[:, column] = values[rows]  # so that they are not copied as float32 first
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=100, early_stopping=False, random_state=seed
    )
    return _probability(classifier.fit(seen, is_member[rows]))


def frequency(table: np.ndarray, is_member: np.ndarray, rows: np.ndarray, seed: int) -> Fitted:
    """Fit the share of members of each class, of a table (N, 1) of classes, to these rows, with Laplace's smoothing."""
    classifier = CategoricalNB(min_categories=int(table.max()) + 1)
    return _probability(classifier.fit(table[rows], is_member[rows]))


def _probability(classifier: LogisticRegression | HistGradientBoostingClassifier | CategoricalNB) -> Fitted:
    return lambda rows: classifier.predict_proba(rows)[:, 1]


CLASSIFIERS: Mapping[str, Fit] = {"logistic": logistic, "boosting": boosting}
"""The blind classifiers of images by name."""
