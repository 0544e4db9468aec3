"""Why the norm of ε̂ tells members: density, score and norm of the optimal denoiser in one dimension."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.statistics.roc import Roc
from simaudit.figures import style
from simaudit.figures.figure import RunFigure

PANELS = {
    "log_density": r"$\log\, p_t(x)$",
    "score": r"$\nabla \log\, p_t(x)$",
    "norm": r"$|\hat\varepsilon^*(x, t)|$",
}
POINTS = {"member": ("members", "o"), "heldout": ("held-out", "D")}


class ClosedFormLine(RunFigure):
    """The optimal denoiser of a few members, projected on one principal component, in closed form.

    Above, log-density and score of the noisy training set; below, what SimA reads. The shaded x would be called members
    by the threshold that separates these members from these held-out samples best. Between two members the score
    vanishes, too, where the density is lowest: what lies there is called a member and is none.
    """

    title: ClassVar[str] = "The optimal denoiser on a line"
    reads: ClassVar[tuple[str, ...]] = ("line",)

    def values(self, run: results.Run) -> pd.DataFrame:
        line = run.theory("line")
        points = line[line.kind != "grid"]
        roc = Roc.of(points.norm.to_numpy(), (points.kind == "member").to_numpy(), "low")
        best = int((roc.tpr - roc.fpr).argmax())
        threshold = roc.thresholds[best - 1] if best else 0.0
        return line.assign(threshold=threshold, called_member=line.norm <= threshold)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(rows=len(PANELS), height=1.35)
        axes = figure.subplots(len(PANELS), sharex=True)
        grid = values[values.kind == "grid"]
        for axis, (column, label) in zip(axes, PANELS.items(), strict=True):
            axis.plot(grid.x, grid[column], color="0.25")
            for number, span in enumerate(called_spans(grid)):
                shade = {"color": style.ROLE_COLOURS["members"], "alpha": 0.25, "linewidth": 0.8}
                axis.axvspan(*span, label=None if number else "called member", **shade)
            for kind, (role, marker) in POINTS.items():
                points = values[values.kind == kind]
                axis.plot(
                    points.x,
                    points[column],
                    marker,
                    color=style.ROLE_COLOURS[role],
                    markersize=4,
                    label=role,
                    zorder=3,
                )
            axis.set_ylabel(label)
            axis.locator_params(axis="y", nbins=4)
        axes[-1].axhline(values.threshold.iloc[0], label="threshold", **style.THRESHOLD)
        style.legend_above(figure, axes, 4)
        timestep = values.timestep.iloc[0]
        axes[-1].set_xlabel(f"$x$ on a principal component   ($t$ = {timestep})")
        return figure

    def sentence(self, run: results.Run) -> str:
        return (
            "The norm is low where the score vanishes: at a member, or at the mean of members that lie close together, "
            "and wherever else the score vanishes, too."
        )


def called_spans(grid: pd.DataFrame) -> list[tuple[float, float]]:
    """Return where x is called a member, each span with half of the way to the next x that is not.

    `grid` has rising `x`; a span of a single x so has a width that can be seen.
    """
    x, called = grid.x.to_numpy(), grid.called_member.to_numpy(dtype=bool)
    between = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    changes = np.diff(called.astype(int), prepend=0, append=0)
    starts, ends = (between[np.flatnonzero(changes == step)] for step in (1, -1))
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
