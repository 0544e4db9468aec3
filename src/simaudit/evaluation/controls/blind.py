"""The control that never sees a model: if the images alone tell members from held-out samples, the split is shifted."""

import warnings
from collections.abc import Iterator

import numpy as np
from scipy.stats import kurtosis, skew
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from simaudit.data.split import Split
from simaudit.scoring.score_file import Column
from simaudit.vocabulary.errors import SimauditError

BANDS = 4  # of spatial frequency


def blind_scores(
    images: np.ndarray, split: Split, side: int, folds: int, seed: int
) -> tuple[list[Column], np.ndarray]:
    """Return P(member) by classifiers that see only the images (N, C, H, W) of `split`: columns, values (K, N) float32.

    Logistic regression and gradient boosting, each on the pixels and on simple image statistics. Cross-fitted: a
    sample's score comes from a classifier that was fitted to the other parts, in `folds` parts stratified by role and
    fold. Images are averaged down to at most `side` pixels per side. A classifier asks the model
    nothing: its queries are 0.
    """
    strata = 2 * split.is_member + split.is_calibration
    if (smallest := int(np.unique(strata, return_counts=True)[1].min())) < folds:
        raise SimauditError(
            f"evaluation.blind.folds: {folds} parts need as many samples of each role and fold, and {split.path} has "
            f"{smallest}; choose fewer parts"
        )
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(strata, strata))
    columns, values = [], []
    for seen, features in (("pixels", thumbnails(images, side)), ("statistics", image_statistics(images))):
        for name, classifier in classifiers(seed):
            fitted = cross_val_predict(
                classifier, features, split.is_member, cv=parts, method="predict_proba"
            )
            columns.append(Column(None, {"classifier": name, "features": seen}, 0))
            values.append(fitted[:, 1].astype(np.float32))
    return columns, np.stack(values)


def classifiers(seed: int) -> Iterator[tuple[str, ClassifierMixin]]:
    """Yield the blind classifiers with their names."""
    yield "logistic", make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    yield "boosting", HistGradientBoostingClassifier(learning_rate=0.1, max_iter=100, random_state=seed)


def thumbnails(images: np.ndarray, side: int) -> np.ndarray:
    """Return pixels (N, C·h·w) of images (N, C, H, W), averaged over equal blocks so that no side exceeds `side`."""
    n, channels, height, width = images.shape
    rows, columns = (-(-size // side) for size in (height, width))
    padded = np.pad(images, ((0, 0), (0, 0), (0, -height % rows), (0, -width % columns)), mode="edge")
    blocks = padded.reshape(n, channels, padded.shape[2] // rows, rows, -1, columns)
    averaged: np.ndarray = blocks.mean(axis=(3, 5))
    return averaged.reshape(n, -1)


def image_statistics(images: np.ndarray) -> np.ndarray:
    """Return features (N, F) of images (N, C, H, W) that do not depend on what the images show.

    They are a channel's moments, extremes and median; how rough it is along rows and columns; and how its power is
    spread over bands of spatial frequency, which compression, resizing and sensors change.
    """
    flat = images.reshape(*images.shape[:2], -1).astype(np.float64)
    power = np.abs(np.fft.fft2(images, norm="ortho")) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, images.shape[2:]), indexing="ij"))
    band = np.minimum((frequency / frequency.max() * BANDS).astype(int), BANDS - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a flat channel has no skewness, and no kurtosis
        moments = [np.nan_to_num(moment(flat, axis=2)) for moment in (skew, kurtosis)]
    features = [
        flat.mean(2),
        flat.std(2),
        *moments,
        flat.min(2),
        np.median(flat, axis=2),
        flat.max(2),
        *(np.abs(np.diff(images, axis=axis)).mean((2, 3)) for axis in (2, 3)),
        *(np.log(power[:, :, band == k].sum(2) + 1e-12) for k in range(BANDS)),
    ]
    return np.concatenate(features, axis=1)
