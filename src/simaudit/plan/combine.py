"""From the files of parameters to one set of values: experiments on top of params.yaml, and entries `like` others.

Under LISTED sections an experiment lists exactly the entries that it wants, each starting from the entry of the same
name, or of the one that `like` names. Everything else is merged key by key. Where each value was written is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from simaudit.plan.sweep import Sweep
from simaudit.vocabulary.errors import SimauditError, printable, shown, some
from simaudit.vocabulary.knobs import joined

LONGEST_CHAIN = 20  # entries that are `like` one another
LISTED = ("datasets", "splits", "targets", "audits")
DROPPED = ("attacks", "figures")
"""The sections in which an experiment drops an entry by the value null."""


class Place(NamedTuple):
    """Where an entry is written: the file, the keys that lead to it, and what stands there."""

    file: Path
    keys: tuple[str, ...] = ()
    content: Any = None

    def depth(self, keys: Sequence[str]) -> int:
        """Return how many of these keys, one inside the other, the content has."""
        content = self.content
        for count, key in enumerate(keys):
            if not isinstance(content, Mapping) or key not in content:
                return count
            content = content[key]
        return len(keys)

    def where(self, keys: Sequence[str]) -> tuple[str, str]:
        """Return the file, and the whole key of the value at these keys of the content."""
        return str(self.file), ".".join(map(printable, [*self.keys, *keys])).replace(".[", "[")

    def line(self, keys: Sequence[str], why: str) -> str:
        """Return what is wrong with the value at these keys of the content, after the file and the whole key."""
        return ": ".join(filter(None, [*self.where(keys), why]))

    def require_mapping(self) -> None:
        """Raise SimauditError when the content is no mapping."""
        if not isinstance(self.content, Mapping):
            raise SimauditError(
                self.line([], f"must be a mapping of keys to values (got {shown(self.content)})")
            )


@dataclass(frozen=True)
class Entry:
    """The combined values of a section, or of one entry of a LISTED section, and where they were written.

    `places` has the one that counts most first. `swept` gives, for each dotted key that a sweep sets, the keys that
    say so. An audit `may_vanish` with its target where an experiment lists targets and no audits.
    """

    values: Any = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    swept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_vanish: bool = False

    def where(self, keys: Sequence[str]) -> tuple[str, str]:
        """Return the file and the whole key where the value at these keys was written."""
        place = max(self.places, key=lambda place: place.depth(keys))  # the first of equals
        dotted, is_written = ".".join(keys), place.depth(keys) == len(keys)
        for key, sweep in self.swept.items():
            if key == dotted or (key.startswith(f"{dotted}.") and not is_written):
                return self.where(sweep)
        return place.where(keys)

    def line(self, keys: Sequence[str], why: str) -> str:
        """Return what is wrong with the value at these keys, after the file and the key where it was written."""
        return ": ".join(filter(None, [*self.where(keys), why]))


@dataclass(frozen=True)
class Combined:
    """The combined entries: by section, or under LISTED sections by name. `file` is where a missing section belongs."""

    file: Path
    sections: Mapping[str, Entry] = field(default_factory=dict)
    listed: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """The values alone."""
        sections: dict[str, Any] = {section: entry.values for section, entry in self.sections.items()}
        for section, entries in self.listed.items():
            sections[section] = {name: entry.values for name, entry in entries.items()}
        return sections

    def where(self, keys: Sequence[str]) -> tuple[str, str]:
        """Return the file and the whole key where the value at these keys was written."""
        if entry := self.sections.get(keys[0]):
            return entry.where(keys[1:])
        if len(keys) > 1 and (entry := self.listed.get(keys[0], {}).get(keys[1])):
            return entry.where(keys[2:])
        return Place(self.file).where(keys)


def combine(files: Sequence[tuple[Path, Any]]) -> Combined:
    """Combine files that have been read, later ones on top: pairs of a name and its content.

    Raises SimauditError naming file and key when a file, a section that is LISTED or an entry in one is no mapping,
    when `like` names no entry or goes in a circle, or when an entry is dropped in a section that no file below has.
    """
    combined = Combined(files[0][0])
    for file, content in files:
        Place(file, (), content).require_mapping()
        said = {str(section): values for section, values in content.items() if values is not None}
        combined = _on_top(combined, file, said)
    return combined


def _on_top(base: Combined, file: Path, content: Mapping[str, Any]) -> Combined:
    sections, lists = dict(base.sections), dict(base.listed)
    for section, values in content.items():
        place = Place(file, (section,), values)
        if section not in LISTED:
            below = sections.get(section, Entry())
            if section in DROPPED and section not in sections:
                _require_values(place)
            sections[section] = Entry(joined(below.values, values), (place, *below.places))
        else:
            place.require_mapping()
            entries = {str(name): {} if entry is None else entry for name, entry in values.items()}
            places = {name: Place(file, (section, name), entry) for name, entry in entries.items()}
            lists[section] = {name: _start(name, places, base.listed.get(section, {})) for name in places}
    if "targets" in content and "audits" not in content:
        inherited = lists.get("audits", {})
        lists["audits"] = {name: replace(audit, may_vanish=True) for name, audit in inherited.items()}
    return replace(base, sections=sections, listed=lists)


def _require_values(place: Place) -> None:
    """Raise SimauditError where a section of the first file that has it drops an entry: a name alone does so as well.

    Of a later file that is no mistake: it may drop what not every file below has.
    """
    for name, entry in place.content.items() if isinstance(place.content, Mapping) else ():
        if entry is None:
            why = "has no value, which drops an entry, and there is none to drop; write its knobs, or {} for none"
            raise SimauditError(place.line([str(name)], why))


def _start(
    name: str, entries: Mapping[str, Place], base: Mapping[str, Entry], seen: tuple[str, ...] = ()
) -> Entry:
    """Return an entry on top of the one that it starts from."""
    place, seen = entries[name], (*seen, name)
    place.require_mapping()
    own, below = dict(place.content), base.get(name, Entry())
    if "like" in own:
        like = str(own.pop("like"))
        if like in seen:
            raise SimauditError(place.line(["like"], "goes in a circle; name an entry that stands by itself"))
        if like not in entries and like not in base:
            known = some(sorted({*base, *entries} - {name}))
            raise SimauditError(place.line(["like"], f"no such entry; known: {known} (got {shown(like)})"))
        if len(seen) > LONGEST_CHAIN:
            why = f"goes through more than {LONGEST_CHAIN} entries; name one that stands by itself"
            raise SimauditError(place.line(["like"], why))
        below = _start(like, entries, base, seen) if like in entries else base[like]
        inherited = {key: value for key, value in below.values.items() if key not in Sweep.model_fields}
        below = Entry(inherited, below.places)
    return Entry(joined(below.values, own), (place, *below.places))
