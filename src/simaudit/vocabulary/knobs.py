"""The words of params.yaml: the base class of every section, and the types that sections share."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError


class Knobs(BaseModel):
    """A section of params.yaml: unknown keys are refused, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A key that becomes part of file names and of DVC stage names."""

Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]
"""Where a model runs. `auto` takes CUDA, then MPS, then the CPU."""

Seed = Annotated[int, Field(ge=0, lt=2**63)]

Order = Literal[1, 2, 4, "inf"]
"""p of an ℓ_p norm. Infinity is the text "inf", since neither JSON nor DVC's YAML has a number for it."""


class TimestepRange(Knobs):
    """Timesteps start, start + step, … up to and including stop (0-based indices into the schedule)."""

    start: NonNegativeInt
    stop: NonNegativeInt
    step: PositiveInt = 1


def _expand_range(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        grid = TimestepRange.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise PydanticCustomError(
            "timestep_range", "{key}: {why}", {"key": key, "why": first["msg"]}
        ) from None
    return list(range(grid.start, grid.stop + 1, grid.step))


def _require_increasing(values: tuple[int, ...]) -> tuple[int, ...]:
    if not values or any(a >= b for a, b in pairwise(values)):
        raise PydanticCustomError("increasing", "must be one or more numbers, strictly increasing")
    return values


Timesteps = Annotated[
    tuple[NonNegativeInt, ...],
    BeforeValidator(_expand_range, json_schema_input_type=TimestepRange | list[NonNegativeInt]),
    AfterValidator(_require_increasing),
]
"""A grid of timesteps, written as a range {start, stop, step} or as a list; always held as a tuple."""

Draws = Annotated[tuple[PositiveInt, ...], AfterValidator(_require_increasing)]
"""Nested numbers of noise draws: the statistic for n uses the first n draws of the largest."""

Epochs = Annotated[
    tuple[PositiveInt, ...], AfterValidator(lambda epochs: epochs and _require_increasing(epochs))
]
"""Epochs of a training, counted from 1. The tuple may be empty."""
