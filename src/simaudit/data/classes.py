"""The class of each image, as a model of classes is asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from simaudit.data.store import read_class_names, read_items
from simaudit.vocabulary.errors import SimauditError, named

REMEDY = "label each image with its class, or leave labels out of the conditions of the audit"


def read_classes(items: Path, sample_ids: np.ndarray, known: Sequence[int]) -> np.ndarray:
    """Return the labels (n,) int64 of these samples, from a table of items; `known` are a model's classes, ascending.

    Raises SimauditError that names every sample without a label, and every one whose label is none of the classes.
    """
    try:
        return require_classes(read_items(items, "sample_id", "file", "label").iloc[sample_ids], known)
    except SimauditError as error:
        raise SimauditError(f"{items}: {error}") from None


def require_classes(frame: pd.DataFrame, known: Sequence[int]) -> np.ndarray:
    """Return the labels (n,) int64 of n samples, whose sample_id, file and label are in `frame`.

    Raises SimauditError as `read_classes` does.
    """
    names = frame.file.fillna(frame.sample_id.astype(str))
    lacking = frame.label.isna()
    if lacking.all():
        raise SimauditError(f"no image has a label; {REMEDY}")
    other = ~lacking & ~frame.label.isin(known).fillna(False)
    others = [f"{name} ({label})" for name, label in zip(names[other], frame.label[other], strict=True)]
    if mistakes := [*named("without a label", list(names[lacking])), *named("of no such class", others)]:
        what = f"labels must be classes of the model, {_span(known)}"
        raise SimauditError(f"{what}; {'; '.join(mistakes)}; {REMEDY}")
    labels: np.ndarray = frame.label.to_numpy(dtype=np.int64)
    return labels


def class_names(items: Path, label: pd.Series) -> np.ndarray:
    """Return what the classes of samples are called, (n,): the name, or else the number of each, None without a label.

    `label` (n,) is a column of the table of items, which has the names. Raises SimauditError when it is not whole.
    """
    numbers = label.dropna().unique()
    names = {int(number): str(number) for number in numbers} | read_class_names(items)
    return np.array([names.get(number) for number in label.tolist()], dtype=object)


def _span(known: Sequence[int]) -> str:
    """Return classes in words: 0 to 9, and the one between them that stands for none of them."""
    without = sorted({*range(known[0], known[-1])} - {*known})
    return f"{known[0]} to {known[-1]}" + (f" without {without[0]}" if without else "")
