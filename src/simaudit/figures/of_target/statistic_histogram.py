"""What an attack measures, members against held-out samples, at the knobs that calibration chose."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention

BINS = 40
CENTRAL = 99.5  # percentile at which the axis ends; a few far outliers would squeeze the rest


class StatisticHistogram(TargetFigure):
    """One panel per attack: the density of its statistic on the evaluation fold."""

    title: ClassVar[str] = "Statistic of members and held-out samples"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    def values(self, audit: results.Results) -> pd.DataFrame:
        parts = []
        for attack in legend.in_order([*audit.attacks, *audit.heads]):
            statistic, is_member = audit.selected.on_evaluation(attack)
            low, high = np.percentile(statistic, [100 - CENTRAL, CENTRAL])
            edges = np.linspace(low, high, BINS + 1)
            knobs = audit.selected.knobs[attack]
            for role, rows in (("members", is_member), ("held-out", ~is_member)):
                density = np.histogram(statistic[rows], edges)[0] / (rows.sum() * np.diff(edges))
                bins = {"from": edges[:-1], "to": edges[1:], "density": density, "samples": rows.sum()}
                named = {"attack": attack, "variant": knobs.variant, "timestep": knobs.timestep, "role": role}
                parts.append(pd.DataFrame({**named, **bins}))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = list(groups(values, "attack"))
        figure = style.new_figure(rows=len(panels), height=1.35)
        axes = figure.subplots(len(panels), squeeze=False)[:, 0]
        for axis, (attack, panel) in zip(axes, panels, strict=True):
            for role, bins in groups(panel, "role"):
                axis.stairs(
                    bins.density,
                    [*bins["from"], bins["to"].iloc[-1]],
                    fill=True,
                    alpha=0.45,
                    color=style.ROLE_COLOURS[role],
                    label=f"{role} (n = {bins.samples.iloc[0]})",
                )
            first = panel.iloc[0]
            knobs = style.knobs_label(first.variant, first.timestep)
            axis.set_xlabel(f"{legend.look(attack).name} statistic ({knobs})")
            axis.set_ylabel("density")
            axis.set_yticks([])  # a density's unit is one over the statistic's, which nobody reads
            axis.ticklabel_format(axis="x", scilimits=(-2, 4), useMathText=True)
            axis.locator_params(axis="x", nbins=6)
        style.legend_above(axes[0], 2)
        return figure

    def sentence(self, audit: results.Results) -> str:
        target, best = audit.target, audit.best
        return (
            f"The two sides lie furthest apart for {legend.look(best).name}, whose best threshold on the calibration "
            f"fold is right in {mention('balanced_accuracy', target, best)} of all cases when both sides are equally "
            "frequent."
        )
