"""The words of params.yaml: the base class of every section, and the types that sections share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.bounds import MOST_EPOCHS, Entry, Listed, Most, Queries, Several, Stride, Timestep


class Knobs(BaseModel):
    """A section of params.yaml: unknown keys are refused, values never change after validation.

    A number is no text and neither true nor false. Lists are of the kinds of `simaudit.vocabulary.bounds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


LONGEST_NAME = 200  # file systems take 255 bytes, of which our longest suffixes need a quarter
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=LONGEST_NAME)]
"""A key that becomes part of file names and of DVC stage names."""

GivenPath = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""The path of a file or folder that no job makes."""


def ending(*suffixes: str) -> AfterValidator:
    """Require that a file's name ends in one of these, in capital or small letters."""

    def check(file: str) -> str:
        if Path(file).suffix.lower() not in suffixes:
            raise PydanticCustomError("suffix", "must end in {known}", {"known": " or ".join(suffixes)})
        return file

    return AfterValidator(check)


@dataclass(frozen=True)
class Refers:
    """Marks a field that names an entry of a section of params.yaml, or several."""

    section: str


Condition = Literal["labels", "empty"]
"""How a model of classes is asked about an image: for the image's own class, or for the class that stands for none."""

AttackName = Annotated[Name, Refers("attacks")]

Seed = Annotated[int, Field(ge=0), Most(2**32 - 1, "NumPy and scikit-learn take seeds of 32 bits")]


def _require_number_or_text(value: Any) -> Any:
    if isinstance(value, bool | float):  # which Python takes for equal to 1
        raise PydanticCustomError("order", "must be 1, 2, 4 or 'inf'")
    return value


Order = Annotated[Literal[1, 2, 4, "inf"], BeforeValidator(_require_number_or_text)]
"""p of an ℓ_p norm. Infinity is the text "inf", since neither JSON nor DVC's YAML has a number for it."""


Precision = Literal["float32", "tf32", "bfloat16"]
"""What a network computes in. `float32` is exact; `tf32` rounds what is multiplied to 10 bits, where a GPU can do so;
`bfloat16` computes in numbers of 8 bits where it is safe. Weights, and all that is computed of answers, are float32."""


@dataclass(frozen=True)
class Speed:
    """Marks a field whose value cannot change a result: it is in no job's identity, and recorded all the same."""


Threads = Annotated[int, Field(gt=0), Most(1024, "no machine has more cores"), Speed()]

Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$"), Speed()]
"""Where a model runs. `auto` takes CUDA, then MPS, then the CPU."""


def deciding(knobs: BaseModel, *without: str) -> dict[str, Any]:
    """Return every knob that decides a result, in plain JSON; `without` names fields that another phase reads."""
    plain = _leave(knobs.model_dump(mode="json"), knobs, speed=False)
    return {name: value for name, value in plain.items() if name not in without}


def speed(knobs: BaseModel) -> dict[str, Any]:
    """Return the other knobs, in plain JSON, in the same places: `joined` puts both together again."""
    return _leave(knobs.model_dump(mode="json"), knobs, speed=True)


def referring(knobs: BaseModel) -> Iterator[tuple[str, str, str]]:
    """Yield each name of an entry that is written in knobs: the field, the section where it must be, and the name."""
    for field, info in type(knobs).model_fields.items():
        for mark in info.metadata:
            if isinstance(mark, Refers) and field in knobs.model_fields_set:
                names = getattr(knobs, field) or ()
                for name in [names] if isinstance(names, str) else names:
                    yield field, mark.section, name


def joined(base: Any, over: Any) -> Any:
    """Return `over` laid over `base`: mappings are merged key by key, everything else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: joined(base.get(key), value) for key, value in over.items()}}


def leaves(params: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of everything in nested parameters; a list is one value."""
    if isinstance(params, Mapping) and params:
        for key, value in params.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, params


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

    start: Timestep
    stop: Timestep
    step: Stride = 1

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "TimestepRange":
        if self.stop < self.start:
            raise PydanticCustomError("range", "stop must be at least start ({start})", {"start": self.start})
        return self


def _expand_range(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    grid = TimestepRange.model_validate(value)
    return list(range(grid.start, grid.stop + 1, grid.step))


def _require_increasing(values: tuple[int, ...]) -> tuple[int, ...]:
    if any(a >= b for a, b in pairwise(values)):
        raise PydanticCustomError("increasing", "must be strictly increasing")
    return values


Increasing = Annotated[Several[Entry], AfterValidator(_require_increasing)]

Timesteps = Annotated[
    Increasing[Timestep],
    BeforeValidator(_expand_range, json_schema_input_type=TimestepRange | Increasing[Timestep]),
]
"""A grid of timesteps, written as a range {start, stop, step} or as a list; always held as a tuple."""

Draws = Increasing[Queries]
"""Nested numbers of noise draws: the statistic for n uses the first n draws of the largest."""

Epochs = Annotated[Listed[Annotated[int, Field(gt=0), MOST_EPOCHS]], AfterValidator(_require_increasing)]
"""Epochs of a training, counted from 1. The tuple may be empty."""
