"""The knobs of every source of pictures: what size and colour they are given, and what is refused instead."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from simaudit.data.source import Source
from simaudit.vocabulary.bounds import Most

Colour = Literal["rgb", "grey"]
COLOURS: dict[int, Colour] = {1: "grey", 3: "rgb"}
"""The colour of pictures that become images of so many channels."""
Side = Annotated[int, Field(ge=1), Most(4096, "no diffusion model makes larger images")]
Sides = Annotated[tuple[Side, ...], Field(strict=False, min_length=2, max_length=2)]


def _both_sides(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return (value, value) if is_number else value


Size = Annotated[Sides, BeforeValidator(_both_sides, json_schema_input_type=Side | Sides)]
"""Written as one number or as [height, width]; always held as (height, width)."""


class PictureKnobs(Source):
    """A source whose images are picture files. What is done to a picture happens in this order.

    It is turned as its EXIF data say. Where not all its pixels are opaque, it is laid onto `background`, or refused if
    there is none. It becomes `colour`, or stays grey or in colour as it is. `crop` and `resample` bring it to `size`; a
    picture that is smaller is refused unless `enlarge` is true, since one that was enlarged can be told by its blur.
    """

    size: Size | None = None
    resample: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "bicubic"
    crop: Literal["center", "none"] = "center"
    colour: Colour | None = None
    background: Literal["white", "black"] | None = None
    enlarge: bool = False
