"""The words of params.yaml: the base class of every section, and the types that sections share."""

from collections.abc import Mapping
from dataclasses import dataclass
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

Seed = Annotated[int, Field(ge=0, lt=2**63)]

Order = Literal[1, 2, 4, "inf"]
"""p of an ℓ_p norm. Infinity is the text "inf", since neither JSON nor DVC's YAML has a number for it."""


@dataclass(frozen=True)
class Speed:
    """Marks a field whose value cannot change a result: it is in no job's identity, and recorded all the same."""


Threads = Annotated[PositiveInt, Speed()]

Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$"), Speed()]
"""Where a model runs. `auto` takes CUDA, then MPS, then the CPU."""


def deciding(knobs: BaseModel, *without: str) -> dict[str, Any]:
    """Return every knob that decides a result, in plain JSON; `without` names fields that another phase reads."""
    plain = _leave(knobs.model_dump(mode="json"), knobs, speed=False)
    return {name: value for name, value in plain.items() if name not in without}


def speed(knobs: BaseModel) -> dict[str, Any]:
    """Return the other knobs, in plain JSON, in the same places: `joined` puts both together again."""
    return _leave(knobs.model_dump(mode="json"), knobs, speed=True)


def joined(base: Any, over: Any) -> Any:
    """`over` laid over `base`: mappings are merged key by key, everything else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: joined(base.get(key), value) for key, value in over.items()}}


def _leave(plain: dict[str, Any], knobs: BaseModel, speed: bool) -> dict[str, Any]:
    left = {}
    for name, field in type(knobs).model_fields.items():
        value = getattr(knobs, name)
        if isinstance(value, BaseModel):
            inside = _leave(plain[name], value, speed)
            if inside or not speed:
                left[name] = inside
        elif any(isinstance(mark, Speed) for mark in field.metadata) is speed:
            left[name] = plain[name]
    return left


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
