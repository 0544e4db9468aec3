"""What numbers and lists of params.yaml may be: numbers with a limit and its reason, lists of different entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Most:
    """Marks a number that must be at most `limit`; the refusal gives `why`. It stands after other constraints."""

    limit: float
    why: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the limit after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema with its maximum, for editors."""
        return {**handler(schema), "maximum": self.limit}

    def _check(self, value: float) -> float:
        if value > self.limit:
            message = "must be at most {limit}, since {why}"
            raise PydanticCustomError("most", message, {"limit": f"{self.limit:.12g}", "why": self.why})
        return value


def require_different(values: Sequence[Any]) -> Sequence[Any]:
    """Return the values. Raises PydanticCustomError when one is there twice."""
    if len(set(values)) < len(values):
        raise PydanticCustomError("different", "must be different from one another")
    return values


Share = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=0), Most(1e6, "a larger one leaves nothing else to count")]

IN_MEMORY = "more do not fit into memory"
MOST_IMAGES = Most(10_000_000, IN_MEMORY)
BatchSize = Annotated[int, Field(gt=0), Most(1_000_000, IN_MEMORY)]
Width = Annotated[int, Field(gt=0), Most(4096, "a wider network does not fit into memory")]
Layers = Annotated[int, Field(gt=0), Most(16, "a deeper network does not fit into memory")]
MOST_EPOCHS = Most(1_000_000, "a longer training does not end")
MOST_STEPS = Most(1_000_000_000, "no training takes more steps")
Steps = Annotated[int, Field(ge=0), MOST_STEPS]
Queries = Annotated[int, Field(gt=0), Most(1000, "each asks the model once more for every sample")]
MOST_RESAMPLES = Most(100_000, "more change no printed digit")
STEPS = 32767  # of the longest schedule
Timestep = Annotated[int, Field(ge=0), Most(STEPS - 1, f"no schedule has more than {STEPS} steps")]
Stride = Annotated[int, Field(gt=0), Most(STEPS, f"no schedule has more than {STEPS} steps")]

Entry = TypeVar("Entry")
UNIQUE = {"uniqueItems": True}  # for editors
Listed = Annotated[
    tuple[Entry, ...],
    Field(strict=False, max_length=STEPS, json_schema_extra=UNIQUE),
    AfterValidator(require_different),
]
"""Different entries, or none where that means something."""
Several = Annotated[
    tuple[Entry, ...],
    Field(strict=False, min_length=1, max_length=STEPS, json_schema_extra=UNIQUE),
    AfterValidator(require_different),
]
"""One or more different entries."""
Levels = Annotated[tuple[Entry, ...], Field(strict=False, min_length=1, max_length=8)]
"""One entry per level of a network, from the finest to the coarsest; levels may be alike."""
