"""How every figure looks: size, type, and colours that mean the same thing everywhere."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from simaudit.evaluation.protocol.metrics import READABLE_TAIL
from simaudit.figures.printed import TAIL
from simaudit.vocabulary.variant import parse_variant, variant_label

COLUMN_INCHES = 3.4  # one column of a two-column paper
ROLE_COLOURS = {"members": "#0072B2", "held-out": "#D55E00"}

BLIND_LINE: dict[str, Any] = {"linewidth": 1.0, "linestyle": (0, (1, 1.5))}
"""The curve or level of the blind classifiers."""
CHANCE: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 0}
"""The level of guessing, or the line on which two audits agree."""
CHOSEN: dict[str, Any] = {"color": "0.4", "linewidth": 0.8, "linestyle": (0, (1, 2)), "zorder": 0}
"""The selected timestep."""
THRESHOLD: dict[str, Any] = {"color": "0.2", "linewidth": 1.0, "linestyle": (0, (1, 1.5)), "zorder": 3}
"""Where an attack begins to accuse."""
ERROR_BARS: dict[str, Any] = {"linewidth": 1.0, "elinewidth": 0.8, "capsize": 0, "markersize": 4}
"""Points with their limits."""
_ABOVE: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
_LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), "-.")
_MARKERS = "o^svDP*XhpH<>d"
ARROWS = ListedColormap(colormaps["viridis"](np.linspace(0, 0.85, 256)))
"""A colour map for arrows, without the colours that are too pale for them."""

mpl.rcParams.update(
    {
        "font.size": 8,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "lines.linewidth": 1.4,
        "pdf.fonttype": 42,  # text stays text
        "svg.hashsalt": "simaudit",
    }
)


def circle(colour: str) -> dict[str, Any]:
    """Return how the selected point of a curve is drawn."""
    edge = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 1.5}
    return {"marker": "o", "markersize": 6, "linestyle": "none", "clip_on": False, "zorder": 3, **edge}


LEGEND = 0.6
"""Inches of a figure's height that its legend may take."""


def legend_above(axis: Axes, columns: int = 1, **look: Any) -> None:
    """Put the legend above a panel, in `columns`, or in fewer where these are wider than the figure.

    The figure becomes higher by what a legend of many lines takes, so that its panels stay as high as they are.
    """
    legend, figure = axis.legend(**_ABOVE, ncols=columns, **look), axis.get_figure(root=True)
    if figure is None:
        return
    needed = legend.get_window_extent()
    if columns > 1 and needed.width > figure.bbox.width:
        legend_above(axis, columns - 1, **look)
    else:
        figure.set_figheight(figure.get_figheight() + max(needed.height / figure.dpi - LEGEND, 0))


def line_of(number: int) -> dict[str, Any]:
    """Return the line style and marker of the target of that number, where several share a panel."""
    return {"linestyle": _LINES[number % len(_LINES)], "marker": _MARKERS[number % len(_MARKERS)]}


def marked(label: str, tail_too_small: bool) -> str:
    """Return a rate's label, with the mark where its level allows too few false positives to be read."""
    return f"{label} {TAIL}" if tail_too_small else label


def tail_note(tail_too_small: bool) -> str:
    """Return a line that says what the mark means, where the mark is shown."""
    return (
        f"\n{TAIL} fewer than {READABLE_TAIL}\nfalse positives allowed: not to be read"
        if tail_too_small
        else ""
    )


def knobs_label(variant: str, timestep: float | None) -> str:
    """Return a variant (its text, as tables hold it) and timestep in print, such as raw, ℓ₄, t = 50."""
    parts = [variant_label(parse_variant(variant), norm=r"$\ell_{{{}}}$")]
    if timestep is not None and not pd.isna(timestep):
        parts.append(f"$t$ = {int(timestep)}")
    return ", ".join(parts).replace("{inf}", r"{\infty}")


def mark_shifted(figure: Figure) -> None:
    """Say above a picture that the split itself is shifted, so that attacks must beat the blind classifiers."""
    figure.suptitle("shifted split: only what lies above Blind can count", fontsize=8, fontstyle="italic")


def new_figure(rows: int = 1, height: float = 2.4) -> Figure:
    """Return an empty one-column figure for `rows` panels of `height` inches, laid out without overlaps."""
    return Figure(figsize=(COLUMN_INCHES, rows * height), layout="constrained")
