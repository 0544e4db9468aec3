"""How a split of params.yaml says who is a member: a number, or one of four ways to give members, told apart by key."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from simaudit.data.given_table import TableFile
from simaudit.vocabulary.bounds import MOST_IMAGES, Several
from simaudit.vocabulary.knobs import GivenPath, Knobs, ending

Count = Annotated[int, Field(ge=2), MOST_IMAGES]
Text = Annotated[str, Field(min_length=1, max_length=4096)]
ARRAYS = ".npz"


class Given(Knobs):
    """Members and held-out samples that are given, and not drawn.

    `unknown` says what becomes of entries that name nothing in the dataset, `unlisted` of samples that no entry names.
    """

    unknown: Literal["refuse", "drop"] = "refuse"
    unlisted: Literal["refuse", "unused"] = "refuse"

    @property
    @abstractmethod
    def files(self) -> Mapping[str, Path]:
        """The files that say it, by the key that names each."""


class RolesTable(Given):
    """A table with a row for each sample: columns `file` or `sample_id`, `role`, and perhaps `fold` and `group`.

    `drawn_from` is a larger list that this one was drawn from, as `--limit` of `simaudit audit` does; it is hashed with
    the job, and nothing is read from it.
    """

    file: TableFile
    drawn_from: GivenPath | None = None

    @field_validator("file", mode="before")
    @classmethod
    def _is_no_arrays(cls, file: Any) -> Any:
        if isinstance(file, str) and file.lower().endswith(ARRAYS):
            raise PydanticCustomError("form", "an .npz file of sample_ids belongs under the key `indices`")
        return file

    @property
    def files(self) -> Mapping[str, Path]:
        larger = {"drawn_from": Path(self.drawn_from)} if self.drawn_from else {}
        return {"file": Path(self.file), **larger}


class IndexArrays(Given):
    """An .npz with the sample_ids of members and of held-out samples as two arrays, as SecMI publishes its splits."""

    indices: Annotated[GivenPath, ending(ARRAYS)]
    member_key: Text = "mia_train_idxs"
    heldout_key: Text = "mia_eval_idxs"

    @property
    def files(self) -> Mapping[str, Path]:
        return {"indices": Path(self.indices)}


class NameLists(Given):
    """Two text files with a file name, or a sample_id, on each line: of members, and of held-out samples."""

    listed: GivenPath
    heldout: GivenPath

    @property
    def files(self) -> Mapping[str, Path]:
        return {"listed": Path(self.listed), "heldout": Path(self.heldout)}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Origins = Annotated[Several[Text], BeforeValidator(_as_list, json_schema_input_type=Text | Several[Text])]


class Origins(Given):
    """Samples by where they come from: members have one of the origins `origin`, held-out samples one of `heldout`."""

    origin: _Origins
    heldout: _Origins

    @field_validator("heldout")
    @classmethod
    def _differs(cls, heldout: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if both := sorted({*heldout} & {*info.data.get("origin", ())}):
            raise PydanticCustomError(
                "sides", "{both} is among `origin` too; keep it on one side", {"both": both[0]}
            )
        return heldout

    @property
    def files(self) -> Mapping[str, Path]:
        return {}


FORMS: Mapping[str, type[Given]] = {
    "file": RolesTable,
    "indices": IndexArrays,
    "listed": NameLists,
    "origin": Origins,
}
"""By the key that no other has."""
DRAWN = "drawn at random"  # the name of a number among the forms, which no key has


def _which(value: Any) -> str | None:
    """Return the name of the form that a value has, None where it has none, or several."""
    if isinstance(value, Given):
        return type(value).__name__
    if not isinstance(value, Mapping):
        return DRAWN if isinstance(value, int | float) else None
    names = [form.__name__ for key, form in FORMS.items() if key in value]
    return names[0] if len(names) == 1 else None


Members = Annotated[
    Annotated[Count, Tag(DRAWN)]
    | Annotated[RolesTable, Tag(RolesTable.__name__)]
    | Annotated[IndexArrays, Tag(IndexArrays.__name__)]
    | Annotated[NameLists, Tag(NameLists.__name__)]
    | Annotated[Origins, Tag(Origins.__name__)],
    Discriminator(
        _which,
        custom_error_type="members",
        custom_error_message=f"must be a whole number, or a mapping with one of the keys {', '.join(FORMS)}",
    ),
]
