"""Features in which sets of images are compared: of a network that tells labels apart, or without any label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from simaudit.vocabulary.errors import SimauditError, is_out_of_memory

if TYPE_CHECKING:
    from simaudit.data.store import Images

Extractor = Literal["auto", "classifier", "inception", "pca"]
DESCRIBED = {
    "classifier": "features of a classifier of the labels",
    "inception": "features of Inception-v3",
    "pca": "principal components of the pixels",
}
"""What each kind of features is, in words: a Fréchet distance is nowhere without them."""
FEW = 32  # features of the classifier, and components: so few that a few hundred images determine their covariance
TAUGHT = 5000  # images that the classifier is fitted to at most: it takes them as float64
OF_A_LABEL = 20  # images that a label must have: fewer are too few to hold some of them back
SEEN = {"classifier": 32, "pca": 16}  # pixels per side to which larger images are averaged down
BATCH = 64  # images at a time for Inception


@dataclass(frozen=True)
class Features:
    """Features of one `kind`, the words for which are in DESCRIBED; `compute` takes images (n, C, H, W) to (n, d)."""

    kind: str
    compute: Callable[[np.ndarray], np.ndarray]

    def of(self, images: Images, ids: np.ndarray) -> Featured:
        """Return the features of images[ids], computed when they are asked for."""
        return Featured(self, images, ids)


@dataclass(frozen=True)
class Featured:
    """Features of n images, computed for those that it is indexed by, a block of images at a time."""

    features: Features
    images: Images
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """Return the features (m, d), float64, of the images at these places (m,)."""
        blocks = self.images.blocks(self.ids[places])
        return np.concatenate([self.features.compute(block) for _, block in blocks])


def extractor(kind: Extractor, images: Images, ids: np.ndarray, labels: Any, seed: int) -> Features:
    """Return the features for images[ids]; `labels` (n,) is their column of a table, in which some may be missing.

    `classifier` takes the hidden layer of a small network that is trained here on the labelled images, on TAUGHT of
    them at most, drawn by `seed`. `pca` takes the leading principal components of all of them, and needs no label.
    `auto` takes the first where there are labels enough, and else the second. `inception` takes Inception-v3 as the FID
    does (Heusel et al. 2017, arXiv:1706.08500); only with it is a Fréchet distance a FID.
    Raises SimauditError when Inception or its weights are not installed, or when the classifier has no labels.
    """
    taught = _taught(labels, seed) if kind in ("auto", "classifier") else None
    if kind == "classifier" and taught is None:
        raise SimauditError(
            f"quality.features: classifier needs a dataset with two labels or more, of {OF_A_LABEL} images each; "
            "choose auto, pca or inception"
        )
    if taught is not None:
        known = labels.iloc[taught].to_numpy(np.int64)
        return Features("classifier", _classifier(images, ids[taught], known, seed))
    return (
        Features("inception", _inception())
        if kind == "inception"
        else Features("pca", _components(images, ids))
    )


def _taught(labels: Any, seed: int) -> np.ndarray | None:
    """Return the places of the labels that a classifier can learn, ascending; None where it cannot."""
    places = np.flatnonzero(labels.notna())
    if len(places) > TAUGHT:
        places = np.sort(np.random.default_rng(seed).choice(places, TAUGHT, replace=False))
    counts = labels.iloc[places].value_counts()
    learnt = counts.index[counts >= OF_A_LABEL]
    return places[labels.iloc[places].isin(learnt)] if len(learnt) > 1 else None


def _classifier(
    images: Images, ids: np.ndarray, labels: np.ndarray, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier((FEW,), max_iter=60, random_state=seed, early_stopping=True)
    network.fit(np.concatenate([_seen(block, "classifier") for _, block in images.blocks(ids)]), labels)

    def features(images: np.ndarray) -> np.ndarray:
        pixels = _seen(images, "classifier")
        hidden: np.ndarray = np.maximum(pixels @ network.coefs_[0] + network.intercepts_[0], 0)
        return hidden

    return features


def _components(images: Images, ids: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from simaudit.data.components import Components

    components = Components.of(lambda: (_seen(block, "pca") for _, block in images.blocks(ids)), FEW)
    return lambda images: components.project(_seen(images, "pca"))


def _seen(images: np.ndarray, kind: str) -> np.ndarray:
    from simaudit.data.components import thumbnails

    return thumbnails(images, SEEN[kind]).astype(np.float64)


def _inception() -> Callable[[np.ndarray], np.ndarray]:
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        network = NoTrainInceptionV3("inception-v3-compat", ["2048"])
    except Exception as error:  # a package is missing, or the weights cannot be fetched
        if is_out_of_memory(error):
            raise
        raise SimauditError(
            "quality.features: inception needs torchmetrics, torch-fidelity and the weights that they download "
            f"({type(error).__name__}: {' '.join(str(error).split())[:120]}); install them, or choose auto"
        ) from None

    import torch

    @torch.inference_mode()
    def features(images: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(images), BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(images[first : first + BATCH]))
            colour = batch.expand(-1, 3, -1, -1) if batch.shape[1] == 1 else batch
            parts.append(network(((colour + 1) * 127.5).round().clamp(0, 255).byte()).double().cpu().numpy())
        return np.concatenate(parts)

    return features
