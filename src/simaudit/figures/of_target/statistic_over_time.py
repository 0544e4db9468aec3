"""What each attack measures over the timestep, members against held-out samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups


class StatisticOverTime(TargetFigure):
    """One panel per attack at its selected variant: the mean statistic of either side on the evaluation fold.

    The dark band is the 95 % confidence interval of the mean, the light band holds the middle half of the samples. The
    dotted line is the timestep that calibration chose. Each panel has its own unit, that of the statistic.
    """

    title: ClassVar[str] = "Statistic over the timestep"
    reads: ClassVar[tuple[str, ...]] = ("profiles", "selected", "summary")

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        timed = any(len(attack.grid) > 1 for attack in attacks.values())
        return None if timed else "needs an attack with two timesteps or more"

    def values(self, audit: results.Results) -> pd.DataFrame:
        parts = []
        profiles = audit.profiles[audit.profiles.timestep.notna()]
        for attack in legend.in_order(profiles.attack.unique()):
            knobs = audit.selected.knobs[attack]
            rows = profiles[(profiles.attack == attack) & (profiles.variant == knobs.variant)]
            if rows.timestep.nunique() > 1:
                parts.append(
                    rows.assign(selected=rows.timestep == knobs.timestep).sort_values(["role", "timestep"])
                )
        return pd.concat(parts, ignore_index=True).drop(columns=["q05", "q50", "q95"])

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = list(groups(values, "attack"))
        figure = style.new_figure(rows=len(panels), height=1.35)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axis, (attack, panel) in zip(axes, panels, strict=True):
            for role, line in groups(panel, "role"):
                colour, t = style.ROLE_COLOURS[role], line.timestep.astype(int)
                axis.fill_between(t, line.q25, line.q75, color=colour, alpha=0.12, linewidth=0)
                axis.fill_between(t, line.mean_low, line.mean_high, color=colour, alpha=0.35, linewidth=0)
                axis.plot(t, line["mean"], color=colour, label=f"{role} (n = {line.samples.iloc[0]})")
            axis.axvline(panel.timestep[panel.selected].iloc[0], **style.CHOSEN)
            knobs = style.knobs_label(panel.variant.iloc[0], None)
            axis.set_title(f"{legend.look(attack).name} ({knobs})", loc="left", pad=2)
            axis.ticklabel_format(axis="y", scilimits=(-2, 4), useMathText=True)
            axis.locator_params(axis="y", nbins=4)
        figure.supylabel("statistic", fontsize=8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        axes[-1].set_xlabel("timestep $t$   (dotted: chosen on calibration)")
        return figure
