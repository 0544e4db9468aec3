"""A figure as the page shows it: the picture inside the page, and the words that go with it."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from simaudit.figures.caption import Caption
from simaudit.storage.reading import reading

DRAWN_PER_SHOWN = 1.35
"""Pixels of the file per pixel of the page: sharp on fine screens, about as large as in print."""


@dataclass(frozen=True)
class Picture:
    """A picture of a target or of the run (`of`). `data` is a data URL; sizes are in pixels of a page."""

    of: str
    name: str
    caption: Caption
    data: str
    width: int
    height: int
    files: Mapping[str, str]


def picture(of: str, name: str, folder: Path) -> Picture:
    """Return the figure `name` of a target or of the run, which was drawn as `folder`/<of>/<name>.png.

    Raises SimauditError when the picture or its caption is missing or damaged.
    """
    data, width, height = webp(folder / of / f"{name}.png")
    return Picture(
        of,
        name,
        Caption.read(folder / of / f"{name}.json"),
        data,
        round(width / DRAWN_PER_SHOWN),
        round(height / DRAWN_PER_SHOWN),
        {suffix: f"../figures/{of}/{name}.{suffix}" for suffix in ("pdf", "csv")},
    )


def webp(path: Path) -> tuple[str, int, int]:
    """Return a PNG's pixels without loss in half its bytes, as the text of a data URL; its width and height.

    Transparency becomes white, as paper is. Raises SimauditError when the file is missing or not a whole picture.
    """
    with reading(path, "a whole picture"), Image.open(path) as drawn:
        layers = drawn.convert("RGBA")
    paper = Image.new("RGBA", layers.size, "white")
    flat = Image.alpha_composite(paper, layers).convert("RGB")
    return data_url(flat), *flat.size


def data_url(picture: Image.Image) -> str:
    """Return the pixels of a picture without loss, as the text of a data URL."""
    stream = io.BytesIO()
    picture.save(stream, format="WEBP", lossless=True, quality=80, method=4)
    encoded = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"data:image/webp;base64,{encoded}"
