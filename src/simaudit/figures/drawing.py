"""Drawing a figure: its picture, the values that are plotted in it and the words beside it, each in its own file."""

import inspect
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib.figure
import pandas as pd

from simaudit.evaluation.results import Results, Run
from simaudit.figures import style
from simaudit.figures.caption import Caption
from simaudit.figures.figure import Figure
from simaudit.storage.atomic import atomic_path
from simaudit.storage.json import canonical_json
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.membership import membership_notes

UNDATED: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None, "ModDate": None},
    ".png": {"Software": None},
}
"""Metadata by the kind of picture, without any date: the same picture gives the same bytes."""


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn; its picture shows nothing but `values`, one row per mark."""

    values: pd.DataFrame
    picture: matplotlib.figure.Figure
    caption: Caption

    def save(self, paths: Iterable[Path]) -> None:
        """Write the picture to each .pdf and .png of `paths`, its values to each .csv, its caption to each .json.

        Each file is written atomically; the same drawing gives the same bytes.
        """
        for path in paths:
            with atomic_path(path) as temporary:
                if path.suffix == ".csv":
                    self.values.to_csv(temporary, index=False)
                elif path.suffix == ".json":
                    temporary.write_text(canonical_json(asdict(self.caption)), encoding="utf-8")
                else:
                    kind = path.suffix.removeprefix(".")
                    self.picture.savefig(
                        temporary, format=kind, dpi=style.PNG_DPI, metadata=UNDATED[path.suffix]
                    )
                    self.picture.set_layout_engine("none")  # the picture stays where the first file has it


def draw(figure: Figure, of: Results | Run) -> Drawing:
    """Draw a figure of a target or of a run; the picture of a target whose split is shifted says so.

    Its table has the kind of each attack beside it. The caption names the audits whose members are not verified.

    Raises SimauditError when the figure's knobs leave nothing to draw, or a result file is missing or damaged.
    """
    values = figure.values(of)
    if values.empty:
        raise SimauditError(
            f"{figure.title}: there is nothing to draw with these knobs: {figure.model_dump_json()}"
        )
    if "attack" in values:
        kinds = values.attack.map(lambda attack: of.kinds.get(attack, attack), na_action="ignore")
        values.insert(list(values).index("attack") + 1, "kind", kinds)
    picture = figure.draw(values)
    if isinstance(of, Results) and of.summary["shifted"]:
        style.mark_shifted(picture)
    known = (
        {of.target: of.summary["membership"]}
        if isinstance(of, Results)
        else {name: context.membership for name, context in of.contexts.items()}
    )
    sentence = " ".join(filter(None, [figure.sentence(of), *membership_notes(known)]))
    reading = inspect.cleandoc(figure.__doc__ or "").split("\n\n")
    return Drawing(values, picture, Caption(figure.title, sentence, reading, figure.left_out(of)))
