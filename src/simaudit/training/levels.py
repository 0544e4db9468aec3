"""What the levels of a network require of its widths, and of the sides of the images or latents that it takes."""

from pydantic_core import PydanticCustomError

from simaudit.vocabulary.errors import KnobError

Shape = tuple[int, int, int]
"""Channels, height and width."""


def require_groups(widths: tuple[int, ...], groups: int) -> None:
    """Raise PydanticCustomError when a level's width is no multiple of the number of groups that normalise it."""
    for channels in widths:
        if channels % groups:
            raise PydanticCustomError(
                "groups",
                "block_out_channels must be multiples of norm_num_groups ({groups})",
                {"groups": groups},
            )


def require_halving(key: str, widths: tuple[int, ...], shape: Shape, of: str) -> int:
    """Return the factor by which the levels divide the sides: each level but the first halves them.

    Raises KnobError, naming the network's `key` and calling its input `of`, when the sides are not divisible by it.
    """
    factor: int = 2 ** (len(widths) - 1)
    _, height, width = shape
    if height % factor or width % factor:
        raise KnobError(
            f"{key}.block_out_channels",
            f"{len(widths)} levels need sides divisible by {factor}, and the {of} are {height}×{width}; "
            "use fewer levels",
        )
    return factor
