"""A latent target against the pixel model of the same split: one mark per attack, on the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import matplotlib.axes
import matplotlib.figure
import matplotlib.patches
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Name, Refers
from simaudit.vocabulary.metrics import AUC, BALANCED_ACCURACY, TPR_AT_1PCT

PANELS = (AUC, BALANCED_ACCURACY, TPR_AT_1PCT)
CROWDED = 3  # marks from which on the better half of all is enlarged
ROOM, NARROWEST = 1.2, 0.02
"""The side of what is enlarged: over what its marks span, and over 0.02 at least."""


class AgainstReference(RunFigure):
    """Each attack at the knobs that calibration chose on either target, with 95 % confidence intervals.

    On the dashed line both targets leak alike; in the grey half the target on the vertical axis leaks less. What the
    square holds of the first panel is enlarged in the last one, where the better half of the attacks stand, without
    intervals. The target is the first latent one that has a reference, unless `target` names another.
    """

    title: ClassVar[str] = "One target against another"

    target: Annotated[Name | None, Refers("audits")] = None

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        pairs = self._pairs(audits)
        if self.target and not pairs:
            return f"needs {self.target} and an audited target before it on the same split"
        shared = any(set(audits[pair[0]].attacks) & set(audits[pair[1]].attacks) for pair in pairs)
        reason = "needs a latent target that shares an attack with one before it on the same split"
        return None if shared else reason

    def _pairs(self, audits: Mapping[str, AuditContext]) -> list[tuple[str, str]]:
        """Return (reference, target) of every target that the figure may be of."""
        return [
            (context.reference, name)
            for name, context in audits.items()
            if context.reference and (name == self.target if self.target else context.is_latent)
        ]

    def pair(self, run: results.Run) -> tuple[str, str]:
        """Return the reference and the target. Raises SimauditError when there is no such pair."""
        for pair in self._pairs(run.contexts):
            if self.shared(run, *pair):
                return pair
        wanted = self.target or "a latent target"
        raise SimauditError(f"{wanted} shares no attack with an audited target before it on the same split")

    def shared(self, run: results.Run, reference: str, target: str) -> list[str]:
        """Return the attacks that were run on both."""
        return [name for name in run.ledger.attacks(target) if name in run.ledger.attacks(reference)]

    def values(self, run: results.Run) -> pd.DataFrame:
        reference, target = self.pair(run)
        shared = legend.in_order(self.shared(run, reference, target), run.kinds)
        rows = []
        for metric in PANELS:
            for attack in shared:
                row: dict[str, Any] = {"metric": metric, "attack": attack}
                row |= {"reference": reference, "target": target}
                for axis, audit in (("x", reference), ("y", target)):
                    number = run.ledger.number(metric, audit, attack)
                    row |= {axis: number.value, f"{axis}_low": number.low, f"{axis}_high": number.high}
                    row[f"{axis}_tail_too_small"] = number.tail_too_small
                rows.append(row)
        return pd.DataFrame(rows)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(rows=2, height=1.75)
        axes, look_of = figure.subplots(2, 2).ravel(), looks(values)
        for axis, metric in zip(axes, PANELS, strict=False):
            rows = values[values.metric == metric]
            _mark(axis, rows, look_of)
            low = min(rows.x_low.min(), rows.y_low.min())
            high = max(rows.x_high.max(), rows.y_high.max())
            ends = (low - 0.03, 1.0 if metric != TPR_AT_1PCT else high + 0.03)
            _frame(axis, ends, ends)
            small = bool((rows.x_tail_too_small | rows.y_tail_too_small).any())
            axis.set_title(style.marked(legend.METRICS[metric], small))
        _enlarge(axes[0], axes[-1], values[values.metric == PANELS[0]], look_of)
        first = values.iloc[0]
        figure.supxlabel(f"on {legend.short(first.reference)}", fontsize=8)
        figure.supylabel(f"on {legend.short(first.target)}", fontsize=8)
        style.legend_above(figure, axes[0], 3)
        return figure

    def sentence(self, run: results.Run) -> str:
        reference, target = self.pair(run)
        best, of = run.ledger.best(reference), f"minus_{reference}"
        if run.ledger.get(AUC, target, best, of) is None:
            return f"{target} on the vertical axis, {reference} on the horizontal one."
        return (
            f"The AUC of {legend.look(best).name} on {target} minus that on {reference}, paired on the same samples, "
            f"is {mention(AUC, target, best, of)}."
        )


def _mark(axis: matplotlib.axes.Axes, rows: pd.DataFrame, look_of: Mapping[str, legend.Look]) -> None:
    """Draw a mark with its intervals for each attack."""
    for row in rows.to_dict("records"):
        look = look_of[row["attack"]]
        axis.errorbar(
            *(row["x"], row["y"]),
            xerr=[[row["x"] - row["x_low"]], [row["x_high"] - row["x"]]],
            yerr=[[row["y"] - row["y_low"]], [row["y_high"] - row["y"]]],
            color=look.colour,
            marker=look.marker,
            markerfacecolor="none",
            label=look.label,
            **style.ERROR_BARS | {"linestyle": "none", "elinewidth": 0.5, "markersize": 3.5},
        )


def _frame(axis: matplotlib.axes.Axes, across: tuple[float, float], up: tuple[float, float]) -> None:
    """Set the ends of both axes, and draw the line on which both targets leak alike, and the half below it."""
    ends = [min(across[0], up[0]), max(across[1], up[1])]
    axis.plot(ends, ends, label="equal", **style.CHANCE)
    axis.fill_between(ends, ends[0], ends, color="0.95", linewidth=0, zorder=-2)
    axis.set(xlim=across, ylim=up, aspect="equal")
    axis.locator_params(nbins=4)


def _enlarge(
    of: matplotlib.axes.Axes,
    axis: matplotlib.axes.Axes,
    rows: pd.DataFrame,
    look_of: Mapping[str, legend.Look],
) -> None:
    """Draw the better half of the attacks in a panel of its own, without intervals, where there are enough of them."""
    worse = rows[["x", "y"]].min(axis=1)
    near = rows[worse >= worse.median()]
    if len(near) < CROWDED:
        axis.set_axis_off()
        return
    lowest, highest = near[["x", "y"]].min(), near[["x", "y"]].max()
    side = ROOM * max((highest - lowest).max(), NARROWEST)
    across, up = ((middle - side / 2, middle + side / 2) for middle in (lowest + highest).to_numpy() / 2)
    for attack, row in near.set_index("attack").iterrows():
        look = look_of[str(attack)]
        axis.plot(row["x"], row["y"], look.marker, color=look.colour, markerfacecolor="none", markersize=5)
    _frame(axis, across, up)
    axis.set_title(f"{legend.METRICS[PANELS[0]]}, enlarged")
    of.add_patch(matplotlib.patches.Rectangle((across[0], up[0]), side, side, fill=False, linewidth=0.5))
