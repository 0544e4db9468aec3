"""A latent target against the pixel model of the same split: one mark per attack, on the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure
from simaudit.figures.printed import mention
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Name, Refers

PANELS = ("auc", "balanced_accuracy", "tpr_at_1pct_fpr")


class AgainstReference(RunFigure):
    """Each attack at the knobs that calibration chose on either target, with 95 % confidence intervals.

    On the dashed line both targets leak alike; in the grey half the target on the vertical axis leaks less. The target
    is the first latent one that has a reference, unless `target` names another.
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
        shared = legend.in_order(self.shared(run, reference, target))
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
        figure = style.new_figure(rows=2, height=1.9)
        axes = figure.subplots(2, 2).ravel()
        axes[-1].set_axis_off()
        for axis, metric in zip(axes, PANELS, strict=False):
            rows = values[values.metric == metric]
            for row in rows.to_dict("records"):
                look = legend.look(row["attack"])
                axis.errorbar(
                    *(row["x"], row["y"]),
                    xerr=[[row["x"] - row["x_low"]], [row["x_high"] - row["x"]]],
                    yerr=[[row["y"] - row["y_low"]], [row["y_high"] - row["y"]]],
                    color=look.colour,
                    marker=look.marker,
                    markerfacecolor="none",
                    label=look.label,
                    **style.ERROR_BARS | {"linestyle": "none", "elinewidth": 0.5},
                )
            low = min(rows.x_low.min(), rows.y_low.min())
            ends = [
                low - 0.03,
                1.0 if metric != "tpr_at_1pct_fpr" else max(rows.x_high.max(), rows.y_high.max()) + 0.03,
            ]
            axis.plot(ends, ends, label="equal", **style.CHANCE)
            axis.fill_between(ends, ends[0], ends, color="0.95", linewidth=0, zorder=-2)
            axis.set(xlim=ends, ylim=ends, aspect="equal")
            axis.locator_params(nbins=4)
            small = bool((rows.x_tail_too_small | rows.y_tail_too_small).any())
            axis.set_title(style.marked(legend.METRICS[metric], small))
        first = values.iloc[0]
        figure.supxlabel(f"on {legend.short(first.reference)}", fontsize=8)
        figure.supylabel(f"on {legend.short(first.target)}", fontsize=8)
        style.legend_above(figure, axes[0], 3)
        return figure

    def sentence(self, run: results.Run) -> str:
        reference, target = self.pair(run)
        best, of = run.ledger.best(reference), f"minus_{reference}"
        if run.ledger.get("auc", target, best, of) is None:
            return f"{target} on the vertical axis, {reference} on the horizontal one."
        return (
            f"The AUC of {legend.look(best).name} on {target} minus that on {reference}, paired on the same samples, "
            f"is {mention('auc', target, best, of)}."
        )
