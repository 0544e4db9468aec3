"""A figure as the page shows it: the picture inside the page, and the words that go with it."""

import base64
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simaudit.figures.caption import Caption
from simaudit.storage.reading import reading

SHOWN_PER_INCH = 148
"""Pixels of the page per inch of the figure: text is about as large as that around it."""
DRAWN_PER_INCH = 200
"""Pixels of a file that does not say how many it has per inch."""

COLOURS = (128, 256)
"""How many colours a picture may keep; the fewest are taken that are faithful."""
DRAWN_COLOURS = 65536
"""A picture of more colours is a photograph: drawn ones have some ten thousand. To choose among more takes seconds."""
EXACT = 16
"""How many of its commonest colours such a picture keeps as they are: those of areas and of lines."""
FAITHFUL = 40
"""By how many of 255 levels a pixel of an embedded picture may be off in one of its channels at most."""
SMALLER = (2, 3)
"""By what the largest pictures are scaled down where the budget is not enough."""


@dataclass(frozen=True)
class Picture:
    """A picture of a target or of the run (`of`). `data` is a data URL, empty where the picture is left to its file.

    `width` and `height` are in pixels of a page; `files` are relative to the page, by suffix.
    """

    of: str
    name: str
    caption: Caption
    data: str
    width: int
    height: int
    files: Mapping[str, str]


def pictures_within(
    budget: int, drawn: Mapping[str, Sequence[str]], folder: Path, folded: Collection[str]
) -> dict[str, list[Picture]]:
    """Return the pictures of each target and of RUN, whose data have at most `budget` characters together.

    `drawn` are the names of the figures by what they are of, see `picture`. Those of `folded` targets are left to their
    files where all are too much. Where the others still are, the largest are scaled down by SMALLER, and then the last
    ones are left to their files, too.
    """
    pictures = [
        picture(of, name, folder) for of, names in drawn.items() if of not in folded for name in names
    ]
    of_folded: list[Picture] = []
    has_room = _size(pictures) <= budget
    for of, names in drawn.items():
        for name in names if of in folded else ():
            of_folded.append(picture(of, name, folder, is_embedded=has_room))
            has_room = _size(pictures) + _size(of_folded) <= budget
    if not has_room:
        of_folded = [replace(shown, data="") for shown in of_folded]
    for place in sorted(range(len(pictures)), key=lambda place: -len(pictures[place].data)):
        if _size(pictures) <= budget:
            break
        pictures[place] = picture(pictures[place].of, pictures[place].name, folder, SMALLER)
    for place in reversed(range(len(pictures))):
        if _size(pictures) <= budget:
            break
        pictures[place] = replace(pictures[place], data="")
    return {of: [shown for shown in (*pictures, *of_folded) if shown.of == of] for of in drawn}


def picture(
    of: str, name: str, folder: Path, scale: tuple[int, int] = (1, 1), is_embedded: bool = True
) -> Picture:
    """Return the figure `name` of a target or of the run, which was drawn as `folder`/<of>/<name>.png.

    Its data are of the picture times `scale`, a fraction, and empty where it is not to be embedded. Raises
    SimauditError when the picture or its caption is missing or damaged.
    """
    drawn, per_inch = read_picture(folder / of / f"{name}.png")
    width, height = (round(side / per_inch * SHOWN_PER_INCH) for side in drawn.size)
    return Picture(
        of,
        name,
        Caption.read(folder / of / f"{name}.json"),
        data_url(_scaled(drawn, scale)) if is_embedded else "",
        width,
        height,
        {suffix: f"../figures/{of}/{name}.{suffix}" for suffix in ("png", "pdf", "csv")},
    )


def read_picture(path: Path) -> tuple[Image.Image, float]:
    """Return a picture in RGB and its pixels per inch. Transparency becomes white, as paper is.

    Raises SimauditError when the file is missing or not a whole picture.
    """
    with reading(path, "a whole picture"), Image.open(path) as drawn:
        per_inch = float(drawn.info.get("dpi", (DRAWN_PER_INCH,))[0])
        layers = drawn.convert("RGBA")
    paper = Image.new("RGBA", layers.size, "white")
    return Image.alpha_composite(paper, layers).convert("RGB"), per_inch


def data_url(drawn: Image.Image) -> str:
    """Return a picture in RGB as a data URL of WebP: without loss, of the fewest COLOURS that are FAITHFUL.

    The commonest colours are kept as they are: a grey area is not to become a pale red. The others are chosen so that
    none is far from the next of them, however few pixels have it: those of thin lines mean something. A photograph,
    which 256 colours do not give, becomes lossy WebP.
    """
    counted = drawn.getcolors(DRAWN_COLOURS)
    if counted is None:
        return _webp(drawn, quality=90)
    if len(counted) <= COLOURS[-1]:  # so few that none need be given up
        return _webp(drawn, lossless=True, quality=80)
    commonest = [colour for _, colour in sorted(counted, reverse=True)[:EXACT]]
    for colours in COLOURS:
        few = _of_few_colours(drawn, colours, commonest)
        if farthest(few, drawn) <= FAITHFUL:
            return _webp(few, lossless=True, quality=80)
    return _webp(drawn, quality=90)


def _of_few_colours(drawn: Image.Image, colours: int, exact: Sequence[Any]) -> Image.Image:
    """Return a picture in RGB with so many colours at most, of which some are `exact`."""
    chosen = drawn.quantize(colours - len(exact), Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    number = np.array([1 << 16, 1 << 8, 1])  # of a colour
    is_exact = np.isin(np.asarray(drawn) @ number, np.array(exact) @ number)
    return Image.composite(drawn, chosen.convert("RGB"), Image.fromarray(is_exact))


def farthest(shown: Image.Image, drawn: Image.Image) -> int:
    """Return by how many levels a picture is off the one that it stands for, where it is off the most."""
    return int(np.abs(np.asarray(shown, np.int16) - np.asarray(drawn, np.int16)).max())


def _webp(drawn: Image.Image, **settings: int) -> str:
    stream = io.BytesIO()
    drawn.save(stream, format="WEBP", method=4, **settings)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _scaled(drawn: Image.Image, scale: tuple[int, int]) -> Image.Image:
    """Return a picture of another size. A filter without ringing keeps its colours few."""
    size = [max(1, round(side * scale[0] / scale[1])) for side in drawn.size]
    return drawn.resize((size[0], size[1]), Image.Resampling.BOX)


def _size(pictures: Sequence[Picture]) -> int:
    return sum(len(shown.data) for shown in pictures)
