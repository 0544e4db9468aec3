"""What the config of a U-Net says of the images or latents that it takes, and how it must be asked."""

from __future__ import annotations

from typing import NamedTuple

from simaudit.targets.checkpoint.component import Component, is_count
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import FileError, shown, some

TIMES = ("positional", "learned")
"""How a timestep enters the network. `fourier` is for networks that are told a standard deviation."""


class Sampled(NamedTuple):
    """What a network takes: (C, H, W), a side of 0 where it takes any that can be halved `halvings` times.

    `learned_variance` says that the second half of what it answers are variances.
    """

    shape: Shape
    halvings: int
    learned_variance: bool


def sampled_by(part: Component) -> Sampled:
    """Return what a U-Net takes, of diffusers or a converted one.

    Raises FileError when it must be asked in a way that is not known here.
    """
    time = part.config.get("time_embedding_type", "positional")
    if time not in TIMES:
        raise FileError(
            f"{part.file}: time_embedding_type is {shown(time)}; what can be audited: {some(TIMES)}"
        )
    channels = part.count("in_channels", 3)
    return Sampled((channels, *_sides(part)), part.halvings(3), has_variance(part, channels, 3))


def times_told(part: Component) -> int | None:
    """Return how many timesteps a network has in a table among its weights; None where it computes what they become."""
    if part.config.get("time_embedding_type") == "learned":
        return part.count("num_train_timesteps", 1)
    return part.count("time_table_rows", 1) if part.config.get("time_table_rows") is not None else None


def has_variance(part: Component, channels: int, default: int) -> bool:
    """Return whether a network that takes so many channels answers with variances, too.

    Raises FileError when it answers with any other number of channels.
    """
    answered = part.count("out_channels", default)
    if answered not in (channels, 2 * channels):
        raise FileError(
            f"{part.file}: takes {channels} channels and answers with {answered}; it must be as many, or twice as many "
            "where a variance is learned"
        )
    return answered == 2 * channels


def _sides(part: Component) -> tuple[int, int]:
    size = part.config.get("sample_size") or 0
    height, width = size if isinstance(size, list) and len(size) == 2 else (size, size)
    if not all(side == 0 or is_count(side) for side in (height, width)):
        raise FileError(f"{part.file}: sample_size must be a number or two (got {shown(size)})")
    return height, width
