"""A sweep: how one entry under `targets` stands for several, one per value of each swept key and per seed."""

import re
from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Knobs, Seed

SEED = "training.seed"
MOST_TARGETS = 500
"""Of one run: each has jobs of its own, and whoever wants more writes several experiments."""


def _require_scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError("scalar", "must be a number, a text, true or false")
    return value


Key = Annotated[str, StringConstraints(max_length=100)]
Value = Annotated[bool | int | float | str, BeforeValidator(_require_scalar)]


class Sweep(Knobs):
    """The keys of an entry that say for which targets it stands; an entry that is `like` it does not inherit them."""

    seeds: Several[Seed] | None = None
    """Training seeds; the target with the first one has the entry's name."""
    over: dict[Key, Several[Value]] | None = None
    """By dotted key of the entry the values that it takes."""

    @field_validator("over")
    @classmethod
    def _require_other_than_seeds(cls, over: Any, others: ValidationInfo) -> Any:
        if SEED in (over or {}) and others.data.get("seeds"):
            raise PydanticCustomError(
                "seeds", "must not set {key} beside seeds; leave one out", {"key": SEED}
            )
        return over

    @model_validator(mode="after")
    def _require_few(self) -> "Sweep":
        count = prod(map(len, (self.over or {}).values())) * len(self.seeds or [None])
        if count > MOST_TARGETS:
            raise PydanticCustomError(
                "few",
                "seeds and over stand for {count} targets, and a run has at most {most}; name fewer values",
                {"count": count, "most": MOST_TARGETS},
            )
        return self

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
