"""A figure as the page shows it: the picture inside the page, and the words that go with it."""

import base64
import inspect
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simaudit.figures import Figure
from simaudit.vocabulary.errors import SimauditError

DRAWN_PER_SHOWN = 1.35
"""Pixels that were drawn for each that a page has: sharp on fine screens, about as large as in print."""


@dataclass(frozen=True)
class Picture:
    """`seen` mentions numbers as `[[id]]`; `reading` are paragraphs. Sizes are in pixels of a page."""

    of: str
    name: str
    title: str
    seen: str
    reading: list[str]
    data: str
    width: int
    height: int
    files: Mapping[str, str]


def picture(of: str, name: str, figure: type[Figure], seen: str, folder: Path) -> Picture:
    """The figure `name` of a target or run, drawn as `folder`/<of>/<name>.png."""
    path = folder / of / f"{name}.png"
    data, width, height = webp(path)
    reading = inspect.cleandoc(figure.__doc__ or "").split("\n\n")
    files = {suffix: f"../figures/{of}/{name}.{suffix}" for suffix in ("pdf", "csv")}
    return Picture(
        of,
        name,
        figure.title,
        seen,
        reading,
        data,
        round(width / DRAWN_PER_SHOWN),
        round(height / DRAWN_PER_SHOWN),
        files,
    )


def webp(path: Path) -> tuple[str, int, int]:
    """A PNG's pixels without loss in half its bytes, as the text of a data URL; its width and height.

    Transparency becomes white, as paper is. Raises SimauditError when the file is missing or not a whole picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as drawn:
            layers = drawn.convert("RGBA")
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; make it with: snakemake --cores all {path}") from None
    except OSError as error:
        raise SimauditError(f"{path}: not a whole picture ({error}); delete it and run again") from None
    paper = Image.new("RGBA", layers.size, "white")
    flat = Image.alpha_composite(paper, layers).convert("RGB")
    stream = io.BytesIO()
    flat.save(stream, format="WEBP", lossless=True, quality=80, method=4)
    encoded = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"data:image/webp;base64,{encoded}", *flat.size
