"""What a target draws, beside the members that it may have copied, and what its autoencoder makes of real images."""

from __future__ import annotations

from typing import Any, ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention

ROWS = {
    "drawn": "drawn",
    "nearest": "nearest\nmember",
    "members": "members",
    "members_reconstructed": "recon-\nstructed",
    "heldout": "held-out",
    "heldout_reconstructed": "recon-\nstructed",
}


class Samples(TargetFigure):
    """The first images drawn by DDIM, each above the member nearest to it, with their ℓ₂ distance.

    For a target with an autoencoder, members and held-out images follow, each above its reconstruction.
    """

    title: ClassVar[str] = "Samples and reconstructions"
    reads: ClassVar[tuple[str, ...]] = ("gallery", "summary")

    def values(self, audit: results.Results) -> pd.DataFrame:
        gallery = audit.gallery
        parts = []
        for row in (name for name in ROWS if name in gallery):
            images = gallery[row]
            number, channel, y, x = (axis.ravel() for axis in np.indices(images.shape))
            pixels = {"column": number, "channel": channel, "y": y, "x": x, "value": images.ravel()}
            distance: Any = gallery["distance"][number] if row == "nearest" else None
            parts.append(pd.DataFrame({"row": row, **pixels, "distance": distance}))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        rows = list(groups(values, "row"))
        columns = values.column.max() + 1
        figure = style.new_figure(rows=len(rows), height=0.46)
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (row, of_row) in zip(axes, rows, strict=True):
            for axis, (_, pixels) in zip(line, of_row.groupby("column"), strict=True):
                shape = [pixels[name].max() + 1 for name in ("channel", "y", "x")]
                image = pixels.value.to_numpy().reshape(shape).transpose(1, 2, 0)
                axis.imshow((image.clip(-1, 1) + 1) / 2, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if row == "nearest":
                    axis.set_xlabel(f"{pixels.distance.iloc[0]:.2f}", fontsize=6, labelpad=1)
            line[0].set_ylabel(ROWS[row], rotation=0, ha="right", va="center", fontsize=7)
        return figure

    def sentence(self, audit: results.Results) -> str:
        to_members, to_heldout, between = (
            mention(metric, audit.target, of="frechet")
            for metric in ("to_members", "to_heldout", "members_to_heldout")
        )
        return (
            f"The Fréchet distance of this target's samples is {to_members} to members and {to_heldout} to held-out "
            f"images; between members and held-out images it is {between}."
        )
