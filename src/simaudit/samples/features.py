"""Features in which sets of images are compared: those of a network that was trained to tell classes apart."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from simaudit.vocabulary.errors import SimauditError, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    Features = Callable[[np.ndarray], np.ndarray]  # images (N, C, H, W) in [-1, 1] → (N, d) float64

Extractor = Literal["classifier", "inception"]
HIDDEN = (
    32  # features of the classifier; they are few, so that a few hundred images determine their covariance
)
BATCH = 64  # images at a time for Inception


def extractor(kind: Extractor, images: np.ndarray, labels: np.ndarray, seed: int) -> "Features":
    """Return the function that computes the features of images, of one of two kinds.

    `classifier` takes the hidden layer of a small network that is trained here, on all `images` (N, C, H, W) and their
    `labels` (N,). `inception` takes Inception-v3 as the FID does (Heusel et al. 2017, arXiv:1706.08500); only with it
    is a Fréchet distance a FID.
    Raises SimauditError when Inception or its weights are not installed, or when the labels are all the same.
    """
    return _inception() if kind == "inception" else _classifier(images, labels, seed)


def _classifier(images: np.ndarray, labels: np.ndarray, seed: int) -> "Features":
    from sklearn.neural_network import MLPClassifier

    if len(np.unique(labels)) < 2:
        raise SimauditError(
            "quality.features: classifier needs a dataset with two labels or more; choose inception"
        )
    network = MLPClassifier((HIDDEN,), max_iter=60, random_state=seed, early_stopping=True)
    network.fit(_flat(images), labels)

    def features(images: np.ndarray) -> np.ndarray:
        hidden: np.ndarray = np.maximum(_flat(images) @ network.coefs_[0] + network.intercepts_[0], 0)
        return hidden

    return features


def _flat(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, dtype=np.float64).reshape(len(images), -1)


def _inception() -> "Features":
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        network = NoTrainInceptionV3("inception-v3-compat", ["2048"])
    except Exception as error:  # a package is missing, or the weights cannot be fetched
        if is_out_of_memory(error):
            raise
        raise SimauditError(
            "quality.features: inception needs torchmetrics, torch-fidelity and the weights that they download "
            f"({type(error).__name__}: {' '.join(str(error).split())[:120]}); install them, or choose classifier"
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
