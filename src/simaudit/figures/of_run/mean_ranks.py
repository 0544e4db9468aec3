"""Which attack is better over several targets: mean ranks, here and in the paper."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, groups
from simaudit.figures.printed import count, mention

SOURCES = {"ranks": "this run, {} targets", "published.ranks": "published, {} experiments"}
PANELS = ("auc", "asr", "tpr_at_1pct_fpr", "tpr_heldout_positive")


class MeanRanks(RunFigure):
    """Mean ranks by metric, 1 the best; attacks whose bars do not overlap differ by Nemenyi's test (Demšar 2006).

    The bars are half a critical difference to either side. Published ranks are computed from the numbers of SimA's
    version 1, over its experiments, whose TPR counts held-out samples found; no rank mixes them with this run's.
    """

    title: ClassVar[str] = "Mean ranks of the attacks"

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = []
        for source, words in SOURCES.items():
            for metric in PANELS:
                of = f"{source}.{metric}"
                ranks = {number.attack or "": number for number in run.ledger.find(metric="mean_rank", of=of)}
                name = words.format(count(run.ledger.get("targets", of=of)))
                for attack in legend.in_order(ranks):
                    rows.append(
                        {"source": name, "metric": metric, "attack": attack, **ranks[attack].interval}
                    )
        return pd.DataFrame(rows)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = [
            (source, metric, rows)
            for source, of in groups(values, "source")
            for metric, rows in groups(of, "metric")
        ]
        heights = [len(rows) + 2.5 for *_, rows in panels]
        figure = style.new_figure(height=0.13 * sum(heights))
        axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
        for axis, (source, metric, ranks) in zip(axes, panels, strict=True):
            rows = ranks.sort_values(["value", "attack"], ascending=False, ignore_index=True)
            for place, row in rows.iterrows():
                look = legend.look(row.attack)
                axis.errorbar(
                    *(row.value, place),
                    xerr=[[row.value - row.low], [row.high - row.value]],
                    color=look.colour,
                    marker=look.marker,
                    **style.ERROR_BARS,
                )
            axis.set_yticks(range(len(rows)), [legend.look(attack).name for attack in rows.attack])
            axis.set(xlim=(0.5, len(rows) + 0.5), ylim=(-0.7, len(rows) - 0.3))
            axis.set_title(f"{legend.METRICS[metric]} ({source})", loc="left", pad=2)
            axis.grid(axis="x", color="0.9", linewidth=0.6)
        axes[-1].set_xlabel("mean rank (1 is the best)")
        return figure

    def sentence(self, run: results.Run) -> str:
        if run.ledger.get("targets", of="ranks.auc") is None:
            return "This run has too few targets that share attacks to rank them; only published ranks are shown."
        targets, difference, experiments, published = (
            mention(metric, of=of, limits=False)
            for of in ("ranks.auc", "published.ranks.auc")
            for metric in ("targets", "critical_difference")
        )
        return (
            f"Over {targets} targets of this run the critical difference is {difference} ranks; over the {experiments} "
            f"published experiments it is {published}."
        )
