"""The JSON schema of a file of parameters, as an editor checks it: before entries are combined and written out."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union

from pydantic import ConfigDict, create_model

from simaudit.attacks.attack import attack_types
from simaudit.data.jobs import SplitKnobs
from simaudit.data.source import Source, source_types
from simaudit.figures.figure import figure_types
from simaudit.plan.drawn import Drawn
from simaudit.plan.params import AuditKnobs, Params
from simaudit.plan.sweep import Sweep
from simaudit.targets.family import family_types
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Knobs, Name


class Like(Knobs):
    """What an entry of a section that lists its entries may say beside its own keys."""

    like: Name | None = None


def schema() -> dict[str, Any]:
    """Return the schema of params.yaml and of experiments, in which no key is required: another file may hold it."""
    fields: dict[str, Any] = {
        "datasets": _entries(source_types().values(), Like),
        "splits": _entries([SplitKnobs], Like),
        "targets": _entries(family_types().values(), Like, Sweep),
        "audits": _entries([_as_written(AuditKnobs, references=Drawn | Several[Name] | None)], Like),
        "attacks": _of_kinds("Attacks", attack_types()),
        "figures": _by_name("Figures", figure_types()),
    }
    whole: dict[str, Any] = _partial(create_model("Params", __base__=Params, **fields).model_json_schema())
    any_source = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in source_types().values()]
    whole["$defs"]["Attacks"]["additionalProperties"]["required"] = ["kind"]
    whole["$defs"][Source.__name__] = {
        "anyOf": any_source
    }  # pydantic knows but the base of what it is made of
    return whole


def _entries(kinds: Iterable[type[Knobs]], *also: type[Knobs]) -> Any:
    models = [create_model(kind.__name__, __base__=(kind, *also), __doc__=kind.__doc__) for kind in kinds]
    return dict[Name, Union[(*models, None)]], ...  # type: ignore[valid-type]


def _as_written(knobs: type[Knobs], **kinds: Any) -> type[Knobs]:
    """Return the knobs with these fields as they are in a file, before they are written out."""
    fields: Any = {name: (kind, None) for name, kind in kinds.items()}
    return create_model(knobs.__name__, __base__=knobs, __doc__=knobs.__doc__, **fields)


def _by_name(title: str, kinds: Mapping[str, type[Knobs]]) -> Any:
    entries: dict[str, Any] = {name: (kind | None, None) for name, kind in kinds.items()}
    return create_model(title, __base__=Knobs, **entries), ...


def _of_kinds(title: str, kinds: Mapping[str, type[Knobs]]) -> Any:
    """Return the field of entries that are of the kind of their name, or of the one that they say."""
    own: Any = {name: Literal[name] for name in kinds}
    models = {
        name: create_model(kind.__name__, __base__=kind, __doc__=kind.__doc__, kind=(own[name], name))
        for name, kind in kinds.items()
    }
    any_kind: Any = Union[(*models.values(), None)]
    others = {"__annotations__": {"__pydantic_extra__": dict[str, any_kind]}, "__module__": __name__}
    base = type(title, (Knobs,), {"model_config": ConfigDict(extra="allow"), **others})
    entries: dict[str, Any] = {name: (model | None, None) for name, model in models.items()}
    return create_model(title, __base__=base, **entries), ...


def _partial(schema: Any) -> Any:
    """Return a schema without required keys; with fewer keys, an entry can fit several of its alternatives."""
    if isinstance(schema, list):
        return [_partial(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _partial(part) for key, part in schema.items() if key != "required"}
    return {("anyOf" if key == "oneOf" else key): part for key, part in parts.items()}
