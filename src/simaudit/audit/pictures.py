"""The images of a folder as an audit finds them, before anything is stored: their names, shapes and hashes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simaudit.audit.question import Question
from simaudit.data.prepare import why_unusable
from simaudit.data.source import Unusable, source_type
from simaudit.data.store import LEVELS, pixels_hash
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import SimauditError, some

NAMED = 5  # files that a refusal names for each shape
COLUMNS = ["sample_id", "file", "label", "origin", "sha256"]


@dataclass(frozen=True)
class Pictures:
    """The images of a folder: `items` has COLUMNS of each, and `files` are their names by shape.

    `few` are some of them, (B, C, H, W) float32 in [-1, 1], to time a model with.
    """

    items: pd.DataFrame
    files: Mapping[Shape, list[str]]
    few: np.ndarray

    def common(self, wanted: Shape) -> Shape:
        """Return the `wanted` shape of a model; where it takes any size, that which most of the images have."""
        shapes = sorted(self.files, key=lambda shape: len(self.files[shape]))
        return wanted if any(wanted[1:]) else (wanted[0], shapes[-1][1], shapes[-1][2])

    def why_not(self, wanted: Shape) -> str | None:
        """Return why a model that takes images of this shape cannot take these; None where it can."""
        wrong = {shape: files for shape, files in self.files.items() if shape != wanted}
        if not wrong:
            return None
        found = [f"{len(files)} {words(shape)} ({some(files, NAMED)})" for shape, files in wrong.items()]
        takes = f"the model takes images {words(wanted)}, and of {len(self.items)} images {', '.join(found)}"
        if wanted[0] not in IN_WORDS:
            return f"{takes}; no picture has so many channels: a latent model needs its autoencoder beside it"
        differ = {"--resize": slice(1, None), "--colour": slice(1)}
        options = [
            option for option, part in differ.items() if any(shape[part] != wanted[part] for shape in wrong)
        ]
        return f"{takes}; convert them, or give {' and '.join(options)} to have it done"


def look(question: Question, wanted: Shape | None, few: int, labels: bool) -> Pictures:
    """Return the images of the folder, converted to the `wanted` shape as far as the question allows it.

    Raises SimauditError, naming all at once, where images cannot be used.
    """
    knobs = question.dataset(wanted, labels)
    unusable, files = defaultdict[str, list[str]](list), defaultdict[Shape, list[str]](list)
    rows, kept = list[tuple[Any, ...]](), list[np.ndarray]()
    for entry in source_type(knobs["source"]).model_validate(knobs).items():
        if isinstance(entry, Unusable):
            unusable[entry.why].append(entry.file)
            continue
        channels, height, width = entry.pixels.shape
        files[channels, height, width].append(str(entry.file))
        rows.append((len(rows), entry.file, entry.label, entry.origin, pixels_hash(entry.pixels)))
        if len(kept) < few and entry.pixels.shape == next(iter(files)):
            kept.append(LEVELS[entry.pixels] if entry.pixels.dtype == np.uint8 else entry.pixels)
    if unusable:
        raise SimauditError(why_unusable(unusable))
    items = pd.DataFrame(rows, columns=COLUMNS).astype({"label": "Int64"})
    return Pictures(items, files, np.array(kept))


IN_WORDS = {1: "in grey", 3: "in RGB"}
"""The colour of images of so many channels."""


def words(shape: Shape) -> str:
    """Return the colour and the size of images of a shape (C, H, W) in words."""
    channels, height, width = shape
    return f"{IN_WORDS.get(channels, f'of {channels} channels')} of {height}×{width} pixels"
