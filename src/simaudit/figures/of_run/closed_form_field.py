"""Why moderately early timesteps tell members best: density and score of the optimal denoiser in the plane."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import RunFigure

BELOW = 6.0  # under the largest log-density, where the map turns white


class ClosedFormField(RunFigure):
    """The optimal denoiser of a few members, projected on two principal components, at three timesteps.

    Above, log p_t; below, the direction of the score ∇ log p_t, coloured by ‖ε̂*‖₂. Early, every member is a basin of
    its own; late, all share one.
    """

    title: ClassVar[str] = "The optimal denoiser in the plane"
    reads: ClassVar[tuple[str, ...]] = ("field",)

    def values(self, run: results.Run) -> pd.DataFrame:
        return run.theory("field")

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        timesteps = values.timestep.unique()
        figure = style.new_figure(rows=2, height=1.5)
        axes = figure.subplots(2, len(timesteps), sharex=True, sharey=True)
        for (above, below), timestep in zip(axes.T, timesteps, strict=True):
            at = values[values.timestep == timestep]
            density, arrow, members = (at[at.kind == kind] for kind in ("density", "arrow", "member"))
            side = int(np.sqrt(len(density)))
            top = density.log_density.max()
            extent = (density.x.min(), density.x.max(), density.y.min(), density.y.max())
            above.imshow(
                density.log_density.to_numpy().reshape(side, side),
                origin="lower",
                extent=extent,
                cmap="Blues",
                vmin=top - BELOW,
                vmax=top,
                interpolation="bilinear",
            )
            length = np.hypot(arrow.score_x, arrow.score_y)
            drawn = below.quiver(
                *(
                    arrow.x,
                    arrow.y,
                    arrow.score_x / length,
                    arrow.score_y / length,
                    arrow.norm / arrow.norm.max(),
                ),
                cmap=style.ARROWS,
                clim=(0, 1),
                pivot="mid",
                scale=15,
                width=0.016,
            )
            for axis in (above, below):
                axis.plot(members.x, members.y, ".", color=style.ROLE_COLOURS["members"], markersize=3)
                axis.set(xticks=[], yticks=[], aspect="equal")
            above.set_title(f"$t$ = {timestep}")
        axes[0, 0].set_ylabel(r"$\log\, p_t$")
        axes[1, 0].set_ylabel(r"$\nabla \log\, p_t$")
        figure.colorbar(
            drawn,
            ax=axes,
            label=r"$\|\hat\varepsilon^*\|_2$ over the largest in the panel",
            location="bottom",
            shrink=0.7,
            aspect=30,
        )
        return figure
