"""The list that `--limit` draws: names decide which pictures are in it, so that no others need be read."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import pandas as pd

from simaudit.audit.question import Question
from simaudit.data.jobs import SplitKnobs
from simaudit.data.matching import given_sides
from simaudit.data.membership import Given
from simaudit.data.pictures.files import picture_files
from simaudit.storage.walk import name_of
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import UNUSED

DRAWN = "drawn.csv"
"""The file, in the folder of the audit, that holds the list that was drawn."""


@dataclass(frozen=True)
class Drawn:
    """A list that was drawn from another: the content of its file, and how many pictures of the folder are no part."""

    text: str
    others: int


def draw(question: Question, knobs: SplitKnobs) -> Drawn:
    """Return what is drawn from the list of a question with a limit.

    The same pictures are drawn with the same seed, wherever they stand in the list and whatever else the folder holds.
    Raises as `given_sides` does, and SimauditError when the folder is none, or has no pictures.
    """
    if not question.images.is_dir():
        raise SimauditError(f"{question.images} is no folder; name one that is there")
    assert isinstance(knobs.members, Given)
    files = [file for file in picture_files(question.images) if not file.why_not]
    items = pd.DataFrame({"file": [file.name for file in files], "origin": None})
    sides = given_sides(knobs.members, items, knobs.seed, question.limit)
    names = [name_of(file.path.relative_to(question.images)) for file in files]
    used = sides.assign(file=names)[sides.role != UNUSED]
    said = ["file", "role", *(column for column in ("fold", "group") if used[column].notna().any())]
    text: str = used[said].to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    return Drawn(text, len(files) - len(used))
