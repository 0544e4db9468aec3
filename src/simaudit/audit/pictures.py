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
from simaudit.vocabulary.errors import SimauditError, some

Shape = tuple[int, ...]
NAMED = 5  # files that a refusal names for each shape
COLUMNS = ["file", "label", "origin", "sha256"]


@dataclass(frozen=True)
class Pictures:
    """The `count` images of a folder: `items` has COLUMNS of each.

    `few` are some of them, (B, C, H, W) float32 in [-1, 1], to time a model with.
    """

    items: pd.DataFrame
    count: int
    few: np.ndarray


def look(question: Question, wanted: Shape, few: int, labels: bool) -> Pictures:
    """Read every image of the folder. Raises SimauditError where one cannot be read, or has not the `wanted` shape."""
    knobs = question.dataset(wanted, labels)
    unusable, by_shape = defaultdict[str, list[str]](list), defaultdict[Shape, list[str]](list)
    rows, kept = list[dict[str, Any]](), list[np.ndarray]()
    for entry in source_type(knobs["source"]).model_validate(knobs).items():
        if isinstance(entry, Unusable):
            unusable[entry.why].append(entry.file)
            continue
        by_shape[entry.pixels.shape].append(str(entry.file))
        known = (entry.file, entry.label, entry.origin, pixels_hash(entry.pixels))
        rows.append(dict(zip(COLUMNS, known, strict=True)))
        if len(kept) < few and entry.pixels.shape == wanted:
            kept.append(LEVELS[entry.pixels] if entry.pixels.dtype == np.uint8 else entry.pixels)
    wrong = {shape: files for shape, files in by_shape.items() if shape != wanted}
    clauses = [why_unusable(unusable)] if unusable else []
    if wrong:
        clauses.append(_other_shapes(wrong, wanted, len(rows)))
    if clauses:
        raise SimauditError("; ".join(clauses))
    return Pictures(pd.DataFrame(rows, columns=COLUMNS), len(rows), np.stack(kept))


def _other_shapes(wrong: Mapping[Shape, list[str]], wanted: Shape, count: int) -> str:
    """Return what is wrong with images that the model cannot take, and the options that convert them."""
    found = [f"{len(files)} {words(shape)} ({some(files, NAMED)})" for shape, files in wrong.items()]
    options = []
    if any(shape[1:] != wanted[1:] for shape in wrong):
        options.append("--resize")
    if any(shape[0] != wanted[0] for shape in wrong):
        options.append("--colour")
    return (
        f"the model takes images {words(wanted)}, and of {count} images there are {', '.join(found)}; "
        f"convert them, or give {' and '.join(options)} to have it done"
    )


def words(shape: Shape) -> str:
    """Return the colour and the size of images of a shape (C, H, W) in words."""
    channels, height, width = shape
    colours = {1: "in grey", 3: "in RGB"}.get(channels, f"of {channels} channels")
    return f"{colours} of {height}×{width} pixels"
