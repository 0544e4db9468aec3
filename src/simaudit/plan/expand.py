"""From the files of parameters to one set of values: experiments on params.yaml, `like`, sweeps and default audits.

An experiment stands on params.yaml. Under LISTED sections it lists exactly the entries that it wants, each starting
from the entry of the same name, or of the one that `like` names; everything else is merged key by key. A target's
`over` and `seeds` stand for one target per value and seed, and a target that no audit names is audited by everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, Any

from pydantic import Field, ValidationError

from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Knobs, Name, Seed, joined

LISTED = ("datasets", "splits", "targets", "audits")
Values = Annotated[tuple[float | int | str | bool, ...], Field(min_length=1)]


class Sweep(Knobs):
    """How one entry under `targets` stands for several: a target for each value of each key, and for each seed."""

    like: Name | None = None
    """The entry that this one starts from."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """Training seeds; the target with the first one has the entry's name."""
    over: dict[str, Values] = Field(default_factory=dict)
    """By dotted key of the entry the values that it takes."""


KEYS = frozenset(Sweep.model_fields)


@dataclass
class Expanded:
    """Merged values with every sweep written out. `origin` gives by section and name the entry that a name is from."""

    values: Any
    origin: dict[tuple[str, str], str] = field(default_factory=dict)


def combine(files: Sequence[Any]) -> Any:
    """The values of params.yaml with those of experiments on top, `like` resolved.

    Raises SimauditError naming the key when `like` names no entry, or goes in a circle.
    """
    combined: Any = {}
    for values in files:
        combined = _on_top(combined, values) if isinstance(values, Mapping) else values
    return combined


def expand(values: Any) -> Expanded:
    """Write out sweeps and default audits of combined values.

    Raises SimauditError naming the key when a sweep is not one, or two targets would have one name.
    """
    if not isinstance(values, Mapping) or not isinstance(targets := values.get("targets"), Mapping):
        return Expanded(values)
    expanded = Expanded({**values, "targets": {}, "audits": {}})
    names: dict[str, list[str]] = {}
    for entry, content in targets.items():
        for name, target in _targets(str(entry), content):
            _add(expanded, "targets", str(entry), name, target)
            names.setdefault(str(entry), []).append(name)
    audits = values.get("audits") or {}
    if not isinstance(audits, Mapping):
        expanded.values["audits"] = audits
        return expanded
    for entry, content in audits.items():
        audit = {} if content is None else content
        if not isinstance(audit, Mapping):
            _add(expanded, "audits", str(entry), str(entry), audit)
            continue
        target = str(audit.get("target", entry))
        for name in names.get(target, [target]):
            own = f"{entry}{name.removeprefix(target)}"
            if own in audits and own != entry:
                continue  # it has an entry of its own
            _add(expanded, "audits", str(entry), own, {**audit, "target": name})
    named = {
        audit.get("target") for audit in expanded.values["audits"].values() if isinstance(audit, Mapping)
    }
    for name in expanded.values["targets"]:
        if name not in named:
            _add(expanded, "audits", expanded.origin["targets", name], name, {"target": name})
    place = {name: number for number, name in enumerate(expanded.values["targets"])}
    in_order = sorted(
        expanded.values["audits"].items(), key=lambda item: place.get(_target_of(item[1]), len(place))
    )
    expanded.values["audits"] = dict(in_order)
    return expanded


def _target_of(audit: Any) -> Any:
    return audit.get("target") if isinstance(audit, Mapping) else None


def _on_top(base: Any, over: Mapping[str, Any]) -> Any:
    combined = joined(base, {key: value for key, value in over.items() if key not in LISTED})
    for section in LISTED:
        entries, inherited = over.get(section), base.get(section, {})
        if section == "audits" and entries is None and isinstance(over.get("targets"), Mapping):
            here = combined["targets"]
            entries = {
                name: {} for name, audit in inherited.items() if (audit or {}).get("target", name) in here
            }
        if isinstance(entries, Mapping):
            combined[section] = {name: _start(section, name, entries, inherited, ()) for name in entries}
        elif entries is not None or section in base:
            combined[section] = inherited if entries is None else entries
    return combined


def _start(
    section: str, name: str, entries: Mapping[str, Any], base: Mapping[str, Any], seen: tuple[str, ...]
) -> Any:
    """An entry on top of the one that it starts from."""
    own = {} if entries[name] is None else entries[name]
    if not isinstance(own, Mapping):
        return own
    parent: Any = base.get(name, {})
    if "like" in own:
        like = own["like"]
        if like in seen or like == name:
            raise SimauditError(
                f"{section}.{name}.like: goes in a circle; name an entry that stands by itself"
            )
        if like in entries:
            parent = _start(section, like, entries, base, (*seen, name))
        elif like in base:
            parent = base[like]
        else:
            known = ", ".join(map(str, {**base, **entries}))
            raise SimauditError(f"{section}.{name}.like: no such entry; known: {known} (got {like!r})")
        parent = {key: value for key, value in parent.items() if key not in KEYS}
    return joined(parent, {key: value for key, value in own.items() if key != "like"})


def _targets(entry: str, content: Any) -> Iterator[tuple[str, Any]]:
    """The targets that an entry stands for."""
    if not isinstance(content, Mapping):
        yield entry, content
        return
    try:
        sweep = Sweep.model_validate({key: content[key] for key in KEYS & content.keys()})
    except ValidationError as error:
        first = error.errors()[0]
        keys = ".".join(str(part) for part in first["loc"])
        raise SimauditError(f"targets.{entry}.{keys}: {first['msg']} (got {first['input']!r})") from None
    target = {key: value for key, value in content.items() if key not in KEYS}
    for values in product(*sweep.over.values()):
        settings = dict(zip(sweep.over, values, strict=True))
        name = entry
        for key, value in settings.items():
            last = key.split(".")[-1]
            name += ("" if name.endswith(last) else f"-{last}") + _slug(value)
        for place, seed in enumerate(sweep.seeds or [None]):
            seeded = settings if seed is None else settings | {"training.seed": seed}
            yield f"{name}-seed{seed}" if place else name, _set(target, seeded)


def _set(target: Any, settings: Mapping[str, Any]) -> Any:
    for key, value in settings.items():
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        target = joined(target, nested)
    return target


def _slug(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value).lower()
    return text.replace(".", "_").replace("+", "")


def _add(expanded: Expanded, section: str, entry: str, name: str, content: Any) -> None:
    if name in expanded.values[section]:
        other = expanded.origin[section, name]
        raise SimauditError(f"{section}.{entry}: stands for {name}, as {section}.{other} does; rename one")
    expanded.values[section][name] = content
    expanded.origin[section, name] = entry
