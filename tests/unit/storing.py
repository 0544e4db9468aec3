"""Image stores as `prepare` writes them, of arrays that tests make."""

from collections.abc import Sequence

import numpy as np

from simaudit.data.prepare import write_store
from simaudit.data.source import Item
from simaudit.vocabulary import paths


def store(
    dataset: str, images: np.ndarray, labels: Sequence[int] | None = None, **columns: Sequence[str]
) -> None:
    """Store images (N, C, H, W) as a dataset of the working folder, with texts such as files and origins."""
    known = {"label": labels, **columns}
    rows = [
        Item(pixels, **{name: values[number] for name, values in known.items() if values is not None})
        for number, pixels in enumerate(images)
    ]
    write_store(rows, paths.images(dataset), paths.items(dataset))
