"""The members of a target that most attacks accuse, as the page shows them: a picture, a name, and a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from simaudit.evaluation.at_risk.accused import most_accused
from simaudit.figures.printed import mention
from simaudit.report.findings import Findings
from simaudit.report.outcome import AT_RISK
from simaudit.report.page.pictures import data_url
from simaudit.report.tables.at_risk import LEVEL, MEMBER, of_each
from simaudit.storage.parquet import read_table
from simaudit.storage.pictures import read_sheet

SIDE = 72
"""Pixels of the page that a small picture is enlarged to at most, by a whole number; larger ones are reduced to it."""


@dataclass(frozen=True)
class Thumbnail:
    """A picture as a data URL, with its size in pixels of the page."""

    data: str
    width: int
    height: int

    @classmethod
    def of(cls, pixels: np.ndarray) -> "Thumbnail":
        """Return a picture (h, w), or (h, w, 3), of uint8 levels."""
        picture = Image.fromarray(pixels).convert("RGB")
        if max(picture.size) > SIDE:
            picture.thumbnail((SIDE, SIDE))
        times = SIDE // max(picture.size)
        return cls(data_url(picture), times * picture.width, times * picture.height)


@dataclass(frozen=True)
class RecordAtRisk:
    """One member: its file, where it has one, its class, where it has one, and what is said of it, with numbers."""

    file: str
    label: str
    sample: str
    accused: str
    heldout: str
    picture: Thumbnail | None


def records_at_risk(findings: Findings, target: str, samples: Path, sheet: Path | None) -> list[RecordAtRisk]:
    """Return the members that most attacks accuse, of a table that `risk_table` gives, and of a sheet of pictures.

    Raises SimauditError when a file is missing or damaged.
    """
    members = most_accused(read_table(samples)).to_dict("records")
    listed = of_each(findings, target, MEMBER)
    pictures: Sequence[Thumbnail | None] = (
        [None] * len(members) if sheet is None else _pictures(sheet, len(members))
    )
    return [
        RecordAtRisk(
            "" if pd.isna(member["file"]) else str(member["file"]),
            "" if pd.isna(member["class_name"]) else f"class {member['class_name']}",
            mention("sample_id", target, of=number.of, limits=False),
            mention("accused_by", target, of=number.of, limits=False),
            mention("heldout", target, of=f"{LEVEL}{int(number.value):02}", limits=False),
            picture,
        )
        for number, member, picture in zip(listed, members, pictures, strict=False)
    ]


def counted(target: str) -> tuple[str, str]:
    """Return what a text says in place of how many attacks were tried on a target, and on how many held-out samples."""
    return (
        mention("tried", target, of=AT_RISK, limits=False),
        mention("heldout", target, limits=False),
    )


def _pictures(sheet: Path, count: int) -> list[Thumbnail | None]:
    return [Thumbnail.of(pixels) for pixels in np.split(read_sheet(sheet), count, axis=1)]
