"""The order of pictures on the page, in which two columns that are filled one after the other end at one height."""

from collections.abc import Callable, Sequence
from math import ceil

from simaudit.report.page.pictures import Picture

COLUMN, FRAME = 525, 26
"""Pixels of a column of a wide window, and of the frame of a picture in it."""
CAPTION, READING = (64, 25.6), (73, 23.0)
"""Characters of a line, and its height in pixels, of a caption and of the text below a picture."""
BETWEEN = 110
"""Pixels of the links to files below a picture, and of all gaps."""


def in_two_columns(pictures: Sequence[Picture], plain: Callable[[str], str]) -> list[Picture]:
    """Return the pictures in another order: the first stays first, and those of each column keep their order.

    `plain` gives a text with the numbers that it mentions.
    """
    heights = [_height(picture, plain) for picture in pictures]
    half = sum(heights) / 2
    fillings: dict[int, tuple[int, ...]] = {heights[0]: (0,)} if heights else {}
    for place in range(1, len(heights)):
        with_it = {filled + heights[place]: (*places, place) for filled, places in fillings.items()}
        fillings = {**with_it, **fillings}
    first = min(fillings.items(), key=lambda filling: (abs(filling[0] - half), filling), default=(0, ()))[1]
    second = [place for place in range(len(pictures)) if place not in first]
    return [pictures[place] for place in (*first, *second)]


def _height(picture: Picture, plain: Callable[[str], str]) -> int:
    """Return about how many pixels a picture takes in a column, with its words."""
    caption = picture.caption
    shown = picture.height * min(1.0, (COLUMN - FRAME) / picture.width) + FRAME if picture.data else 0.0
    lines = [(CAPTION, f"{caption.title} of {picture.of}. {caption.sentence}")]
    lines += [(READING, text) for text in caption.reading]
    texts = sum(ceil(len(plain(text)) / characters) * height for (characters, height), text in lines)
    return round(shown + texts) + BETWEEN
