"""What an attack measures, members against held-out samples, at the knobs that calibration chose."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import matplotlib.ticker
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention
from simaudit.vocabulary.metrics import BALANCED_ACCURACY

BINS = 40
CENTRAL = 99.5  # percentile at which the axis ends; a few far outliers would squeeze the rest


class StatisticHistogram(TargetFigure):
    """One panel per attack: the density of its statistic on the evaluation fold, and its AUC there.

    The dotted line is the threshold with the highest balanced accuracy on the calibration fold. A statistic that spans
    more than two decades has a logarithmic axis, and its density is per decade.
    """

    title: ClassVar[str] = "Statistic of members and held-out samples"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    def values(self, audit: results.Results) -> pd.DataFrame:
        parts = []
        for attack in legend.in_order([*audit.attacks, *audit.heads], audit.kinds):
            statistic, is_member = audit.selected.on_evaluation(attack)
            shown = pd.Series(np.percentile(statistic, [100 - CENTRAL, CENTRAL]))
            is_log = style.spans_decades(shown)
            edges = (np.geomspace if is_log else np.linspace)(shown[0], shown[1], BINS + 1)
            widths = np.diff(np.log10(edges) if is_log else edges)
            knobs = audit.selected.knobs[attack]
            for role, rows in (("members", is_member), ("held-out", ~is_member)):
                density = np.histogram(statistic[rows], edges)[0] / (rows.sum() * widths)
                bins = {"from": edges[:-1], "to": edges[1:], "density": density, "samples": rows.sum()}
                named = {"attack": attack, "variant": knobs.variant, "timestep": knobs.timestep, "role": role}
                parts.append(
                    pd.DataFrame({**named, **bins}).assign(
                        is_log=is_log,
                        threshold=audit.selected.threshold(attack),
                        auc=audit.selected.roc(attack).auc,
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = list(groups(values, "attack"))
        figure, axes = style.small_panels(len(panels), height=1.25)
        for axis, (attack, panel) in zip(axes, panels, strict=True):
            first = panel.iloc[0]
            for role, bins in groups(panel, "role"):
                axis.stairs(
                    bins.density,
                    [*bins["from"], bins["to"].iloc[-1]],
                    fill=True,
                    alpha=0.45,
                    color=style.ROLE_COLOURS[role],
                    label=f"{role} (n = {bins.samples.iloc[0]})",
                )
            ends = panel["from"].min(), panel["to"].max()
            if pd.notna(first.threshold):
                axis.axvline(np.clip(first.threshold, *ends), label="threshold", **style.THRESHOLD)
            axis.set(xlim=ends, yticks=[])  # a density's unit is one over the statistic's, which nobody reads
            if first.is_log:
                axis.set_xscale("log")
                axis.xaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=4))
                axis.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
            else:
                axis.ticklabel_format(axis="x", scilimits=(-2, 4), useMathText=True)
                axis.locator_params(axis="x", nbins=4)
            name = legend.short(legend.look(attack).name, 19)
            knobs = style.knobs_label(first.variant, first.timestep)
            axis.set_title(f"{name}, AUC {first.auc:.3f}\n{knobs}", **style.SMALL_TITLE)
            style.small_ticks(axis)
        figure.supylabel("density", fontsize=8)
        style.legend_above(figure, axes, 3)
        return figure

    def sentence(self, audit: results.Results) -> str:
        target, best = audit.target, audit.best
        return (
            f"The two sides lie furthest apart for {legend.look(best).name}, whose best threshold on the calibration "
            f"fold is right in {mention(BALANCED_ACCURACY, target, best)} of all cases when both sides are equally "
            "frequent."
        )
