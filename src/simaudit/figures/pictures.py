"""Pictures of a sheet in the axes of a figure, whose values say by row where each is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.axes
import numpy as np
import pandas as pd

from simaudit.storage.pictures import cut, read_sheet


def sheets(values: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return every sheet that pictures are cut from, by the name of its file."""
    return {name: read_sheet(Path(name)) for name in values.picture.unique()}


def blank(axis: matplotlib.axes.Axes) -> None:
    """Leave nothing of an axis that could be drawn beside a picture."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def show(axis: matplotlib.axes.Axes, sheet: np.ndarray, place: Mapping[Any, Any], words: str = "") -> None:
    """Draw one picture of a sheet by its place, with words below it."""
    axis.imshow(cut(sheet, place), cmap="gray", vmin=0, vmax=255, interpolation="auto")  # nearest if enlarged
    axis.set_xlabel(words, fontsize=6, labelpad=1)
