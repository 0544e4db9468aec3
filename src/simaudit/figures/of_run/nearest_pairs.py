"""Whether held-out samples are nearly members: those that look most like one, and that member below each."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import RunFigure, groups
from simaudit.figures.pictures import blank, sheets, show
from simaudit.figures.printed import near_duplicates_of
from simaudit.storage.pictures import places
from simaudit.vocabulary.paths import SPLIT_FILES

ROWS = {"heldout": "held-out", "members": "member,\nrms and\ncorrelation"}


class NearestPairs(RunFigure):
    """The held-out samples of each split that look most like a member, each above this member.

    Below a pair stand the root mean square difference of its pixels, which run from −1 to 1, and the correlation of its
    edges. Near duplicates come first, and are marked *.
    """

    title: ClassVar[str] = "Held-out samples that look most like members"
    shows_images: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ()
    reads_of_splits: ClassVar[tuple[str, ...]] = ("pairs", "pairs_sheet")

    def values(self, run: results.Run) -> pd.DataFrame:
        """Return one row per picture: the file that it is in, its box there in pixels, and the pair that it is of."""
        parts = []
        for split in run.splits:
            pairs = run.pairs(split)
            facts = pd.DataFrame({name: column for name, column in pairs.items() if column.ndim == 1})
            sheet = run.root / SPLIT_FILES["pairs_sheet"].format(split=split)
            of_split = pd.DataFrame(places(sheet, pairs)).join(facts, on="column")
            parts.append(of_split.assign(split=split))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        of_file = sheets(values)
        lines = [
            (split, row, of) for split, part in groups(values, "split") for row, of in groups(part, "row")
        ]
        figure = style.new_figure(rows=len(lines), height=0.56)
        axes = figure.subplots(len(lines), values.column.max() + 1, squeeze=False)
        for axis in axes.ravel():
            blank(axis)
        for line, (split, row, of_line) in zip(axes, lines, strict=True):
            for axis, shown in zip(line, of_line.to_dict("records"), strict=False):
                mark = "*" if shown["near_duplicate"] else ""
                words = f"{shown['rms']:.2f}\n{shown['correlation']:.2f}{mark}" if row == "members" else ""
                show(axis, of_file[shown["picture"]], shown, words)
            label = f"{split}\n{ROWS[row]}" if row == "heldout" else ROWS[row]
            line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
        return figure

    def sentence(self, run: results.Run) -> str:
        return f"Near duplicates of members: {', '.join(map(near_duplicates_of, run.splits))}."
