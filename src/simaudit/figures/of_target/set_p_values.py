"""p over the size of a set of members: how many it takes to tell that a model was trained on them."""

from __future__ import annotations

from typing import Any, ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.sets import levels
from simaudit.figures import style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention

LOWEST = 1e-12  # of the axis: a smaller p is drawn there
LOOKS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "attacks": ("all attacks", 0, {"marker": "o"}),
    "blind": ("images alone", 3, {"marker": "s", "linestyle": ":"}),
}


class SetPValues(TargetFigure):
    """Sets of members against as many held-out samples, all of the evaluation fold.

    A classifier is learned on the calibration fold, of the statistics of all attacks or, blind, of features of the
    images alone. p is that of Welch's one-sided t-test on its scores. A point is the median over sets drawn at random,
    a band holds nine sets in ten. A p below 10⁻¹² is drawn at 10⁻¹². Where the blind p is small, members and held-out
    images differ by themselves, and the other p says nothing of the model. Below the dashed line a set is told from
    held-out samples.
    """

    title: ClassVar[str] = "Sets of members: p over their size"
    reads: ClassVar[tuple[str, ...]] = ("set_p_values", "sets")

    def values(self, audit: results.Results) -> pd.DataFrame:
        by_size = audit.set_p_values.groupby(["seen", "members"]).p
        return pd.DataFrame(
            {name: by_size.quantile(quantile) for name, quantile in levels.QUANTILES.items()}
        ).reset_index()

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure()
        axis = figure.subplots()
        for seen, line in groups(values, "seen"):
            name, ordinal, look = LOOKS[seen]
            colour = style.ORDINAL[ordinal]
            p, low, high = (np.maximum(line[key], LOWEST) for key in levels.QUANTILES)
            axis.plot(line.members, p, label=name, markersize=3, color=colour, **look)
            axis.fill_between(line.members, low, high, color=colour, alpha=0.12, linewidth=0)
        axis.axhline(levels.LEVEL, label=f"$p$ = {levels.LEVEL}", **style.CHANCE)
        axis.set(yscale="log", xlabel="members in a set", ylabel="$p$")
        style.counting_axis(axis)
        style.legend_above(figure, axis, 3)
        return figure

    def sentence(self, audit: results.Results) -> str:
        size = audit.sets["smallest"]
        if size is None:
            return f"No set is told from held-out samples with p below {levels.LEVEL}."
        smallest = mention("smallest", audit.target, of="sets", limits=False)
        of_size = levels.with_members(size)
        if "blind_p" not in audit.sets[of_size]:
            return f"Sets of {smallest} members have p below {levels.LEVEL}; of the images nothing is known."
        blind = mention("blind_p", audit.target, of=f"sets.{of_size}", limits=False)
        return f"Sets of {smallest} members have p below {levels.LEVEL}; the blind p of such sets is {blind}."
