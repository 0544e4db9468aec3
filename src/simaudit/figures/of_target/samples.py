"""What a target draws, beside the members that it may have copied, and what its autoencoder makes of real images."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.pictures import blank, sheets, show
from simaudit.figures.printed import mention
from simaudit.storage.pictures import places

LABELS = {
    "nearest": "nearest\nmember",
    "members_reconstructed": "recon-\nstructed",
    "heldout": "held-out",
    "heldout_reconstructed": "recon-\nstructed",
}


class Samples(TargetFigure):
    """The first images drawn by DDIM, each above the member nearest to it, with their ℓ₂ distance.

    For a target with an autoencoder, members and held-out images follow, each above its reconstruction.
    """

    title: ClassVar[str] = "Samples and reconstructions"
    shows_images: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ("gallery", "sheet", "quality", "summary")

    def values(self, audit: results.Results) -> pd.DataFrame:
        """Return one row per picture: the file that it is in, its box there in pixels, and what it is of."""
        gallery = audit.gallery
        values = pd.DataFrame(places(audit.file("sheet"), gallery))
        is_nearest = values.row == "nearest"
        values.loc[is_nearest, "member_id"] = gallery["member_id"]
        values.loc[is_nearest, "distance"] = gallery["distance"]
        return values.astype({"member_id": "Int64"})

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        rows = list(groups(values, "row"))
        of_file = sheets(values)
        columns = values.column.max() + 1
        figure = style.new_figure(rows=len(rows), height=0.46)
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (row, of_row) in zip(axes, rows, strict=True):
            for axis, shown in zip(line, of_row.to_dict("records"), strict=True):
                words = f"{shown['distance']:.2f}" if row == "nearest" else ""
                show(axis, of_file[shown["picture"]], shown, words)
                blank(axis)
            line[0].set_ylabel(LABELS.get(row, row), rotation=0, ha="right", va="center", fontsize=7)
        return figure

    def sentence(self, audit: results.Results) -> str:
        to_members, to_heldout, between = (
            mention(metric, audit.target, of="frechet")
            for metric in ("to_members", "to_heldout", "members_to_heldout")
        )
        return (
            f"The Fréchet distance of this target's samples, {audit.quality['to_members']['unit']}, is {to_members} to "
            f"members and {to_heldout} to held-out images; between members and held-out images it is {between}."
        )
