"""ROC curves on two logarithmic axes: what an attack finds when it may hardly ever be wrong."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.kinds import BLIND

MOST_POINTS = 20_000
"""The longest curve of which every point is drawn: ten attacks on a million samples have millions of points."""
PLACES = 1000
"""How many places a decade of the axis has on a longer curve: points of one place are less than a pixel apart."""


def visible(false_positives: np.ndarray) -> np.ndarray:
    """Return which points of a curve are drawn, in order, given the rising counts of false positives (G,).

    They are all of a curve of at most MOST_POINTS. Of a longer one they are the first and the last at each place.
    """
    if len(false_positives) <= MOST_POINTS:
        return np.arange(len(false_positives))
    place = np.floor(PLACES * np.log10(np.maximum(false_positives, 0.5)))
    ends = np.flatnonzero(np.diff(place))
    return np.unique(np.concatenate([[0], ends, ends + 1, [len(place) - 1]]))


class RocLogLog(TargetFigure):
    """One exact step curve per attack at its selected knobs, on the evaluation fold (Carlini et al., arXiv:2112.03570).

    Blind, where it is there, is the best classifier that never sees the model. The left edge is one false positive; in
    the grey part, with fewer than ten, the curves are too uncertain to be read. Of a curve of more than 20,000 points
    those are left out that would be drawn where their neighbours are. Markers tell curves apart and stand at no points
    of their own.
    """

    title: ClassVar[str] = "ROC curves on logarithmic axes"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    def values(self, audit: results.Results) -> pd.DataFrame:
        parts = []
        blind = [BLIND] if audit.selected.has_blind else []
        for attack in legend.in_order([*audit.attacks, *audit.heads, *blind], audit.kinds):
            roc = audit.selected.roc(attack)
            counts = {"true_positives": roc.true_positives, "false_positives": roc.false_positives}
            rates = {"fpr": roc.fpr, "tpr": roc.tpr}
            points = pd.DataFrame({"attack": attack, **rates, **counts, "auc": roc.auc})
            parts.append(points.iloc[visible(roc.false_positives)])
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=3.4)
        axis = figure.subplots()
        look_of = looks(values)
        for number, (attack, roc) in enumerate(groups(values, "attack")):
            look = look_of[attack]
            axis.plot(
                roc.fpr,
                roc.tpr,
                drawstyle="steps-post",
                label=f"{look.label}, {roc.auc.iloc[0]:.3f}",
                marker=look.marker,
                markersize=3.5,
                markevery=(0.02 * (number % 8), 0.16),
                linewidth=1.1,
                **look.line,
            )
        edge = 1 / values.false_positives.max()
        readable = metrics.READABLE_TAIL
        axis.axvspan(edge, min(readable * edge, 1), color="0.92", linewidth=0, zorder=-1)
        axis.plot([edge, 1], [edge, 1], label="chance", **style.CHANCE)
        axis.set(
            xscale="log",
            yscale="log",
            xlim=(edge, 1),
            ylim=(edge, 1.05),
            xlabel=f"false positive rate   (grey: fewer than {readable} held-out)",
            ylabel="true positive rate (members found)",
        )
        style.legend_above(figure, axis, 2, title="AUC by attack")
        return figure

    def sentence(self, audit: results.Results) -> str:
        target, best = audit.target, audit.best
        return (
            f"At 1 % false positives, {legend.look(best).name} finds {mention(metrics.TPR_AT_1PCT, target, best)} of "
            f"{mention('members', target, limits=False)} members."
        )
