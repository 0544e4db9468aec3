"""What a target draws, beside the members that it may have copied, and what its autoencoder makes of real images."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.pictures import blank, sheets, show
from simaudit.figures.printed import mention
from simaudit.storage.pictures import places

COLLAPSED = 0.1
"""Largest range of one pixel, of 2, over generated images that look all the same."""
COLLAPSED_WORDS = "The target has collapsed: all generated images that are shown look the same. "
LABELS = {
    "drawn": "generated",
    "nearest": "nearest\nmember,\n$\\ell_2$ distance",
    "members_reconstructed": "recon-\nstructed",
    "heldout": "held-out",
    "heldout_reconstructed": "recon-\nstructed",
}


class Samples(TargetFigure):
    """The first images that DDIM generates, each above the member nearest to it; the number is their ℓ₂ distance.

    Beside the row stands the median ℓ₂ distance of a member to the nearest other member, where the images are known.
    For a target with an autoencoder, members and held-out images follow, each above its reconstruction.
    """

    title: ClassVar[str] = "Samples and reconstructions"
    shows_images: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ("gallery", "sheet", "quality", "selected", "summary")

    def values(self, audit: results.Results) -> pd.DataFrame:
        """Return one row per picture: the file that it is in, its box there in pixels, and what it is of."""
        gallery = audit.gallery
        values = pd.DataFrame(places(audit.file("sheet"), gallery))
        is_nearest = values.row == "nearest"
        values.loc[is_nearest, "member_id"] = gallery["member_id"]
        values.loc[is_nearest, "distance"] = gallery["distance"]
        scores = audit.selected
        if scores.distance is not None:
            values.loc[is_nearest, "between_members"] = np.median(scores.distance[scores.is_member])
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
            label = LABELS.get(row, row)
            if row == "nearest":
                label = f"{label}\n{_distances(of_row.iloc[0])}".rstrip()
            line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
        return figure

    def sentence(self, audit: results.Results) -> str:
        to_members, to_heldout, between = (
            mention(metric, audit.target, of="frechet")
            for metric in ("to_members", "to_heldout", "members_to_heldout")
        )
        collapsed = COLLAPSED_WORDS if np.ptp(audit.gallery["drawn"], axis=0).max() < COLLAPSED else ""
        return (
            f"{collapsed}The Fréchet distance of this target's samples, {audit.quality['to_members']['unit']}, is "
            f"{to_members} to members and {to_heldout} to held-out images; between these two it is {between}."
        )


def _distances(first: pd.Series) -> str:
    """Return what the distances are held against, in print."""
    known = first.get("between_members")
    return "" if known is None or pd.isna(known) else f"(members: {known:.2f})"
