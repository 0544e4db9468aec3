"""The images of a folder as an audit finds them, before anything is stored: their names, shapes and hashes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simaudit.audit.question import Question
from simaudit.data.source import Unusable, source_type
from simaudit.data.store import LEVELS, pixels_hash
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import some

NAMED = 5  # files that a refusal names for each shape
COLUMNS = ["sample_id", "file", "label", "origin", "sha256"]


@dataclass(frozen=True)
class Pictures:
    """The images of a folder: `items` has COLUMNS of each, and `files` are their names by shape.

    `few` are some of them, (B, C, H, W) float32 in [-1, 1], to time a model with. `unusable` are the names of those
    that cannot be used, by why; they are among the `items`, so that a list can be held against all names.
    """

    items: pd.DataFrame
    files: Mapping[Shape, list[str]]
    few: np.ndarray
    unusable: Mapping[str, list[str]]

    @property
    def is_usable(self) -> np.ndarray:
        """Whether each of the items can be used, (N,) bool."""
        return ~self.items.file.isin([file for files in self.unusable.values() for file in files]).to_numpy()

    def common(self, wanted: Shape) -> Shape:
        """Return the `wanted` shape of a model; where it takes any size, that which most of the usable images have."""
        shapes = sorted(self.files, key=lambda shape: len(self.files[shape]))
        return wanted if any(wanted[1:]) or not shapes else (wanted[0], shapes[-1][1], shapes[-1][2])

    def why_not(self, wanted: Shape) -> str | None:
        """Return why a model that takes images of this shape cannot take the usable ones; None where it can."""
        wrong = {shape: files for shape, files in self.files.items() if shape != wanted}
        if not wrong:
            return None
        found = [f"{len(files)} {words(shape)} ({some(files, NAMED)})" for shape, files in wrong.items()]
        takes = f"the model takes images {words(wanted)}, and of {len(self.items)} images {', '.join(found)}"
        if wanted[0] not in IN_WORDS:
            return f"{takes}; no picture has so many channels: a latent model needs its autoencoder beside it"
        resized = any(shape[1:] != wanted[1:] for shape in wrong)
        enlarged = any(shape[1] < wanted[1] or shape[2] < wanted[2] for shape in wrong)
        needed = {
            "--resize": resized and not enlarged,
            "--enlarge": enlarged,
            "--colour": any(shape[0] != wanted[0] for shape in wrong),
        }
        options = " and ".join(option for option, is_needed in needed.items() if is_needed)
        return f"{takes}; convert them, or give {options} to have it done"


def look(question: Question, wanted: Shape | None, few: int, labels: bool) -> Pictures:
    """Return the images of the folder, converted to the `wanted` shape as far as the question allows it.

    Raises SimauditError where the folder cannot be read, or has no images.
    """
    knobs = question.dataset(wanted, labels)
    unusable, files = defaultdict[str, list[str]](list), defaultdict[Shape, list[str]](list)
    rows, kept = list[tuple[Any, ...]](), list[np.ndarray]()
    for entry in source_type(knobs["source"]).model_validate(knobs).items():
        if isinstance(entry, Unusable):
            unusable[entry.why].append(entry.file)
            rows.append((len(rows), entry.file, None, None, f"unusable {len(rows)}"))
            continue
        channels, height, width = entry.pixels.shape
        files[channels, height, width].append(str(entry.file))
        rows.append((len(rows), entry.file, entry.label, entry.origin, pixels_hash(entry.pixels)))
        if len(kept) < few and entry.pixels.shape == next(iter(files)):
            kept.append(LEVELS[entry.pixels] if entry.pixels.dtype == np.uint8 else entry.pixels)
    items = pd.DataFrame(rows, columns=COLUMNS).astype({"label": "Int64"})
    return Pictures(items, files, np.array(kept), unusable)


IN_WORDS = {1: "in grey", 3: "in RGB"}
"""The colour of images of so many channels."""


def words(shape: Shape) -> str:
    """Return the colour and the size of images of a shape (C, H, W) in words."""
    channels, height, width = shape
    return f"{IN_WORDS.get(channels, f'of {channels} channels')} of {height}×{width} pixels"
