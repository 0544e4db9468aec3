"""How every figure looks: size, type, and colours that mean the same thing everywhere."""

from collections.abc import Iterable
from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from simaudit.figures.printed import TAIL
from simaudit.vocabulary.metrics import READABLE_TAIL
from simaudit.vocabulary.variant import parse_variant, variant_label

COLUMN_INCHES = 3.4  # one column of a two-column paper
PAGE_INCHES = 10.7  # what A4 leaves between margins of half an inch
PNG_DPI = 300  # one column is then 1020 pixels wide: enough for a screen of double density
EDGE_INCHES = 0.05  # beside a legend
NOTE_INCHES = 0.2  # a line below the panels
DECADES = 100  # ratio of the largest to the smallest value from which on an axis is logarithmic
ROLE_COLOURS = {"members": "#0072B2", "held-out": "#D55E00"}
ROLE_ORDER = {"members": 2.1, "held-out": 2.0}  # the fewer members lie on top

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
ORDINAL = ("#0D0887", "#7E03A8", "#C33D80", "#D9622B")
"""Colours of what is compared in a figure and is no attack, such as norms: they rise in lightness."""
SMALL_TITLE: dict[str, Any] = {"loc": "left", "pad": 3, "fontsize": 6.5, "linespacing": 1.1}
"""Two lines above a small panel."""
LEVELS = ("range of seeds", "threshold", "selected", "equal", "chance")
"""Labels that stand last: of what is no mark by itself, and of lines that others are held against."""
MANY = 8  # entries above which a legend is printed smaller
COMPACT: tuple[dict[str, Any], ...] = ({}, {"handlelength": 1.6, "handletextpad": 0.4, "columnspacing": 0.6})
"""How a legend is spaced, and where it is too wide so."""
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
_MARKERS = "o^svDP*XhpH<>d"
ARROWS = ListedColormap(colormaps["viridis"](np.linspace(0, 0.85, 256)))
"""A colour map for arrows, without the colours that are too pale for them."""
VALUES = {
    "mean_absolute": r"mean $|x-\hat x|$",
    "mean_squared": r"mean $(x-\hat x)^2$",
    "mean_of_norms": "mean of norms",
}
"""Values of a variant that a figure writes otherwise."""

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


def circle(colour: str, is_large: bool = True) -> dict[str, Any]:
    """Return how the selected point of a curve is drawn."""
    size, width = (6, 1.5) if is_large else (4, 1.0)
    edge = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": width}
    return {"marker": "o", "markersize": size, "linestyle": "none", "zorder": 4 if is_large else 3, **edge}


def sparse(number: int, points: int) -> slice:
    """Return which of its points a curve has markers at: some five, at other places than those of its neighbours."""
    step = max(points // 5, 1)
    return slice(number % step, None, step)


def legend_above(figure: Figure, axes: Axes | Iterable[Axes], columns: int = 1, **look: Any) -> None:
    """Put one legend of the labels in these axes above all panels, in `columns`, or in fewer where these are too wide.

    Before it has fewer, it is set more closely.
    The figure becomes higher by what the legend takes, up to a page, so that its panels stay as high as they are.
    """
    axes = [axes] if isinstance(axes, Axes) else axes
    shown = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    shown |= {label: shown.pop(label) for label in LEVELS if label in shown}  # after all that is compared
    size = 7 if len(shown) <= MANY else 6
    options = {
        "fontsize": size,
        "title_fontsize": size,
        "loc": "outside upper center",
        "columnspacing": 1.0,
        "borderaxespad": 0.2,
        "labelspacing": 0.3,
        **look,
    }
    for ncols, closer in product(range(columns, 0, -1), COMPACT):
        legend = figure.legend(shown.values(), shown.keys(), ncols=ncols, **options | closer)
        needed = legend.get_window_extent()
        if needed.width <= (COLUMN_INCHES - EDGE_INCHES) * figure.dpi or (ncols, closer) == (1, COMPACT[-1]):
            break
        legend.remove()
    figure.set_figheight(min(figure.get_figheight() + needed.height / figure.dpi, PAGE_INCHES))


def counting_axis(axis: Axes) -> None:
    """Make a horizontal axis of counts logarithmic, with ticks at 1, 2, 5, 10, 20 and so on in plain numbers."""
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def small_ticks(axis: Axes) -> None:
    """Make the ticks of a small panel small, and what is printed beside them."""
    axis.tick_params(labelsize=6, length=2, pad=1.5)
    axis.xaxis.get_offset_text().set_fontsize(6)


def spans_decades(values: pd.Series) -> bool:
    """Return whether all values are positive and so far apart that only a logarithmic axis shows them."""
    low, high = values.min(), values.max()
    return bool(low > 0 and high > DECADES * low)


def line_of(number: int) -> dict[str, Any]:
    """Return the dashes and marker of the target, or whatever else is compared, of that number."""
    return {"linestyle": _DASHES[number % len(_DASHES)], "marker": _MARKERS[number % len(_MARKERS)]}


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
    knobs = {knob: VALUES.get(str(value), value) for knob, value in parse_variant(variant).items()}
    parts = [variant_label(knobs, norm=r"$\ell_{{{}}}$")]
    if timestep is not None and not pd.isna(timestep):
        parts.append(f"$t$ = {int(timestep)}")
    return ", ".join(parts).replace("{inf}", r"{\infty}")


def mark_shifted(figure: Figure) -> None:
    """Say below a picture that the split itself is shifted, so that attacks must beat the blind classifiers."""
    words = "shifted split: only what lies above Blind can count"
    figure.set_figheight(min(figure.get_figheight() + NOTE_INCHES, PAGE_INCHES))
    figure.supxlabel(words, fontsize=7, fontstyle="italic")


def new_figure(rows: float = 1, height: float = 2.4) -> Figure:
    """Return an empty one-column figure for `rows` panels of `height` inches, at most a page high.

    It has the resolution of the PNG, since text is not as wide at every resolution.
    """
    size = (COLUMN_INCHES, min(rows * height, PAGE_INCHES))
    return Figure(figsize=size, dpi=PNG_DPI, layout="constrained")


def small_panels(count: int, height: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels in two columns, each of `height` inches or less where a page ends, and these.

    `shared` is what `subplots` takes.
    """
    rows = -(-count // 2)
    figure = new_figure(rows, min(height, (PAGE_INCHES - NOTE_INCHES) / rows))
    axes = list(figure.subplots(rows, 2 if count > 1 else 1, squeeze=False, **shared).ravel())
    for axis in axes[count:]:
        axis.remove()
    return figure, axes[:count]
