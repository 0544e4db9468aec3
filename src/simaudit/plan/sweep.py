"""A sweep: how one entry under `targets` stands for several, one per value of each swept key and per seed."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.knobs import Knobs, Seed

SEED = "training.seed"


def _require_scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError("scalar", "must be a number, a text, true or false")
    return value


def _require_different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("different", "must be different from one another")
    return values


Value = Annotated[bool | int | float | str, BeforeValidator(_require_scalar)]
Values = Annotated[tuple[Value, ...], Field(min_length=1), AfterValidator(_require_different)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_require_different)]


class Sweep(Knobs):
    """The keys of an entry that say for which targets it stands; an entry that is `like` it does not inherit them."""

    seeds: Seeds | None = None
    """Training seeds; the target with the first one has the entry's name."""
    over: dict[str, Values] | None = None
    """By dotted key of the entry the values that it takes."""

    @field_validator("over")
    @classmethod
    def _require_other_than_seeds(cls, over: Any, others: ValidationInfo) -> Any:
        if SEED in (over or {}) and others.data.get("seeds"):
            raise PydanticCustomError(
                "seeds", "must not set {key} beside seeds; leave one out", {"key": SEED}
            )
        return over

    def targets(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name of each target that an entry of this name stands for, and what it sets by dotted key."""
        over = self.over or {}
        for values in product(*over.values()):
            settings, swept = dict(zip(over, values, strict=True)), name
            for key, value in settings.items():
                last = key.split(".")[-1]
                swept += ("" if swept.endswith(last) else f"-{last}") + _slug(value)
            for number, seed in enumerate(self.seeds or [None]):
                seeded = settings if seed is None else settings | {SEED: seed}
                yield (f"{swept}-seed{seed}" if number else swept), seeded


def _slug(value: Any) -> str:
    text = f"{value:g}".replace("+", "") if isinstance(value, float) else str(value).lower()
    return re.sub("[^a-z0-9_-]", "_", text)
