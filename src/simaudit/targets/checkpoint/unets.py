"""What the config of a UNet2DModel says of the images or latents that it takes, and how it must be asked."""

from __future__ import annotations

from typing import NamedTuple

from simaudit.targets.checkpoint.component import Component
from simaudit.targets.checkpoint.numbers import is_whole, whole
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import FileError, shown, some

MOST_CHANNELS, MOST_CLASSES = 4096, 10_000_000
TIMES = ("positional", "learned")
"""How a timestep enters the network. `fourier` is for networks that are told a standard deviation."""


class Sampled(NamedTuple):
    """What a network takes: (C, H, W), a side of 0 where it takes any that can be halved `halvings` times.

    `learned_variance` says that the second half of what it answers are variances. `classes` is how many it knows.
    """

    shape: Shape
    halvings: int
    learned_variance: bool
    classes: int


def sampled_by(part: Component) -> Sampled:
    """Return what a UNet2DModel takes. Raises FileError when it must be asked in a way that is not known here."""
    config = part.config
    time = config.get("time_embedding_type", "positional")
    if time not in TIMES:
        raise FileError(
            f"{part.file}: time_embedding_type is {shown(time)}; what can be audited: {some(TIMES)}"
        )
    if config.get("class_embed_type"):
        raise FileError(
            f"{part.file}: class_embed_type is {shown(config['class_embed_type'])}; only classes that are numbers "
            "(num_class_embeds) can be asked for"
        )
    channels = whole(part, "in_channels", 3, MOST_CHANNELS)
    answered = whole(part, "out_channels", 3, 2 * MOST_CHANNELS)
    if answered not in (channels, 2 * channels):
        raise FileError(
            f"{part.file}: takes {channels} channels and answers with {answered}; it must be as many, or twice as many "
            "where a variance is learned"
        )
    has_classes = config.get("num_class_embeds") is not None
    return Sampled(
        (channels, *_sides(part)),
        len(config.get("down_block_types") or config.get("block_out_channels") or [0] * 4) - 1,
        answered == 2 * channels,
        whole(part, "num_class_embeds", 0, MOST_CLASSES) if has_classes else 0,
    )


def _sides(part: Component) -> tuple[int, int]:
    size = part.config.get("sample_size") or 0
    sides = size if isinstance(size, list) else [size, size]
    if len(sides) != 2 or not all(side == 0 or is_whole(side) for side in sides):
        raise FileError(f"{part.file}: sample_size must be a number or two (got {shown(size)})")
    return sides[0], sides[1]
