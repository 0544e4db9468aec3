"""Why moderately early timesteps tell members best: density and score of the optimal denoiser in the plane."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import RunFigure

LABELS = (r"$\log\, p_t$", r"$\|\hat\varepsilon^*\|_2$")
BELOW = 10.0  # under the largest log-density of all panels, where the map turns white


class ClosedFormField(RunFigure):
    """The optimal denoiser of a few members, projected on two principal components (PC), at three timesteps.

    Above, log p_t; below, the direction of the score ∇ log p_t, coloured by ‖ε̂*‖₂. All panels of a row have the same
    colours. Early, every member is a basin of its own; late, all share one.
    """

    title: ClassVar[str] = "The optimal denoiser in the plane"
    reads: ClassVar[tuple[str, ...]] = ("field",)

    def values(self, run: results.Run) -> pd.DataFrame:
        return run.theory("field")

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        timesteps = values.timestep.unique()
        figure = style.new_figure(rows=2, height=1.15)
        axes = figure.subplots(2, len(timesteps), sharex=True, sharey=True, squeeze=False)
        top, most = values.log_density.max(), values.norm[values.kind == "arrow"].max()
        for (above, below), timestep in zip(axes.T, timesteps, strict=True):
            at = values[values.timestep == timestep]
            density, arrow, members = (at[at.kind == kind] for kind in ("density", "arrow", "member"))
            side = int(np.sqrt(len(density)))
            image = above.imshow(
                density.log_density.to_numpy().reshape(side, side),
                origin="lower",
                extent=(density.x.min(), density.x.max(), density.y.min(), density.y.max()),
                cmap="Greys",
                vmin=top - BELOW,
                vmax=top,
                interpolation="bilinear",
            )
            length = np.hypot(arrow.score_x, arrow.score_y)
            arrows = below.quiver(
                *(arrow.x, arrow.y, arrow.score_x / length, arrow.score_y / length, arrow.norm),
                cmap=style.ARROWS,
                clim=(0, most),
                pivot="mid",
                scale=15,
                width=0.016,
            )
            for axis in (above, below):
                axis.plot(
                    members.x,
                    members.y,
                    ".",
                    color=style.ROLE_COLOURS["members"],
                    markeredgecolor="white",
                    markeredgewidth=0.4,
                    markersize=5,
                    label="members",
                )
                axis.set(xticks=[], yticks=[], aspect="equal")
            above.set_title(f"$t$ = {timestep}")
            below.set_xlabel("PC 1", fontsize=7)
        for axis, drawn, label in ((axes[0], image, LABELS[0]), (axes[1], arrows, LABELS[1])):
            axis[0].set_ylabel("PC 2", fontsize=7)
            bar = figure.colorbar(drawn, ax=list(axis), label=label, shrink=0.9, aspect=15, pad=0.02)
            bar.ax.tick_params(labelsize=6)
        style.legend_above(figure, axes[0, 0])
        return figure

    def sentence(self, run: results.Run) -> str:
        timesteps = self.values(run).timestep.unique()
        return (
            f"Density and score at the timesteps {', '.join(map(str, timesteps))}: from a peak at every member to one "
            "that all members share."
        )
