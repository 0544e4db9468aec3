"""What each attack measures over the timestep, members against held-out samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention
from simaudit.vocabulary.metrics import AUC

HELDOUT = "held-out"
ROLE_DASHES = {"members": "-", HELDOUT: (0, (4, 1.5))}
LINEAR = 10  # standard deviations up to which the axis is linear where it reaches further
NORMAL_IQR = 1.349  # standard deviations in the middle half of a normal distribution


class StatisticOverTime(TargetFigure):
    """One panel per attack at its selected variant: the mean statistic of either side on the evaluation fold.

    The statistic is normalised at each timestep, as in Figure 6 of SimA's version 1: the mean of the held-out samples
    is taken off, and what is left is divided by their standard deviation (by 0.74 times the width of their middle half,
    which far outliers do not change). So all panels have one unit; beyond 10 the axis is logarithmic. The dark band is
    the 95 % confidence interval of the mean, the light band holds the middle half of the samples. The dotted line is
    the selected timestep.
    """

    title: ClassVar[str] = "Normalised statistic over the timestep"
    reads: ClassVar[tuple[str, ...]] = ("profiles", "selected", "summary")

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        timed = any(len(attack.grid) > 1 for attack in attacks.values())
        return None if timed else "needs an attack with two timesteps or more"

    def values(self, audit: results.Results) -> pd.DataFrame:
        parts = []
        for attack, rows in _over_time(audit).items():
            if rows.timestep.nunique() > 1:
                chosen = rows.assign(selected=rows.timestep == audit.selected.knobs[attack].timestep)
                parts.append(_normalised(chosen).sort_values(["role", "timestep"], ascending=[False, True]))
        return pd.concat(parts, ignore_index=True).drop(columns=["q05", "q50", "q95"])

    def left_out(self, audit: results.Results) -> str:
        alone = [
            legend.look(of).name for of, rows in _over_time(audit).items() if rows.timestep.nunique() == 1
        ]
        return f"it leaves out {', '.join(alone)}, since a single timestep makes no line" if alone else ""

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = list(groups(values, "attack"))
        figure, axes = style.small_panels(len(panels), height=1.2, sharex=True, sharey=True)
        for axis, (attack, panel) in zip(axes, panels, strict=True):
            for role, line in groups(panel, "role"):
                colour, t = style.ROLE_COLOURS[role], line.timestep.astype(int)
                axis.fill_between(t, line.q25, line.q75, color=colour, alpha=0.12, linewidth=0)
                axis.fill_between(t, line.mean_low, line.mean_high, color=colour, alpha=0.35, linewidth=0)
                axis.plot(
                    *(t, line["mean"]),
                    color=colour,
                    label=f"{role} (n = {line.samples.iloc[0]})",
                    linestyle=ROLE_DASHES[role],
                )
            axis.axvline(panel.timestep[panel.selected].iloc[0], label="selected", **style.CHOSEN)
            knobs = style.knobs_label(panel.variant.iloc[0], None)
            axis.set_title(f"{legend.look(attack).label}\n{knobs}", **style.SMALL_TITLE)
            axis.xaxis.set_tick_params(labelbottom=True)
            style.small_ticks(axis)
        shown = values[["mean", "q25", "q75"]].abs().max().max()
        if shown > LINEAR:
            axes[0].set_yscale("symlog", linthresh=LINEAR)  # for all, since they share it
        figure.supylabel("normalised statistic (SD)", fontsize=8)
        figure.supxlabel("timestep $t$", fontsize=8)
        style.legend_above(figure, axes[0], 3)
        return figure

    def sentence(self, audit: results.Results) -> str:
        target, best = audit.target, audit.best
        return (
            "Where the line of members lies below that of held-out samples, a low statistic tells members. "
            f"The AUC of {legend.look(best).name} at the selected knobs is {mention(AUC, target, best)}."
        )


def _over_time(audit: results.Results) -> dict[str, pd.DataFrame]:
    """Return the profiles of each attack that has timesteps, at its selected variant, in the order of legends."""
    timed = audit.profiles[audit.profiles.timestep.notna()]
    return {
        attack: timed[(timed.attack == attack) & (timed.variant == audit.selected.knobs[attack].variant)]
        for attack in legend.in_order(timed.attack.unique(), audit.kinds)
    }


def _normalised(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one variant's profiles in the unit of the held-out samples of each timestep, and this unit.

    A timestep at which the middle half of the held-out samples are all alike has no unit, and is left out.
    """
    heldout = rows[rows.role == HELDOUT].set_index("timestep")
    centre = rows.timestep.map(heldout["mean"])
    unit = rows.timestep.map((heldout.q75 - heldout.q25) / NORMAL_IQR)
    scaled = {name: (rows[name] - centre) / unit for name in ("mean", "mean_low", "mean_high", "q25", "q75")}
    return rows.assign(**scaled, centre=centre, unit=unit)[unit > 0]
