"""What attacks share that walk through timesteps at an even distance."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import PydanticCustomError


def require_multiples(timesteps: Sequence[int], interval: int) -> None:
    """Raise PydanticCustomError for a timestep that steps of this `interval` from 0 do not reach."""
    for t in timesteps:
        if t % interval:
            raise PydanticCustomError(
                "trajectory",
                "timesteps must be multiples of interval ({interval}): {t} is not",
                {"interval": interval, "t": t},
            )
