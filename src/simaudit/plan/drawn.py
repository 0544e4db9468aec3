"""Drawn references: how `references: {of: <target>, splits: n}` of an audit stands for n ordinary splits and targets.

A reference is trained as the target that it is `of`, on members that are drawn at random without looking at who is a
member of the audited split: one that was trained on held-out images alone would give away who is a member.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from simaudit.data.membership import Count
from simaudit.plan.combine import Entry, Place
from simaudit.plan.explain import explain
from simaudit.plan.sweep import MOST_TARGETS
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.errors import SimauditError, printable, shown, some
from simaudit.vocabulary.knobs import Knobs, Name

KEY = "references"
SEEDS = 2**32


class Drawn(Knobs):
    """So many targets like one of the run, each trained on a split of its own, for one audit or several."""

    of: Name
    splits: Annotated[int, Field(gt=0), Most(MOST_TARGETS, "a run may have no more targets")]
    members: Count | None = None
    """How many members each split has; those of the target's split if not said, which then must be a number."""


class WrittenOut(NamedTuple):
    """Audits whose references are names of targets; the splits and targets that these names stand for."""

    audits: list[tuple[str, Entry]]
    splits: dict[str, Entry]
    targets: dict[str, Entry]


def write_out(
    audits: Iterable[tuple[str, Entry]], targets: Mapping[str, Entry], splits: Mapping[str, Entry]
) -> WrittenOut:
    """Write out the drawn references of audits, which may share them.

    Raises SimauditError naming file and key when an audit's references are none, are of no target or of one that cannot
    be trained again, or would have a name that there is already.
    """
    made = WrittenOut([], {}, {})
    for name, audit in audits:
        if not isinstance(audit.values.get(KEY), Mapping):
            made.audits.append((name, audit))
            continue
        drawn = _read(audit)
        names = list(_draw(audit, drawn, targets, splits, made))
        made.audits.append((name, replace(audit, values={**audit.values, KEY: names or None})))
    return made


def _read(audit: Entry) -> Drawn:
    try:
        return Drawn.model_validate(audit.values[KEY])
    except ValidationError as error:
        raise explain(error, audit.values[KEY], lambda keys: audit.where([KEY, *keys])) from None


def _draw(
    audit: Entry, drawn: Drawn, targets: Mapping[str, Entry], splits: Mapping[str, Entry], made: WrittenOut
) -> Iterator[str]:
    """Add the splits and targets of an audit's references; yield the names of the targets."""
    if not targets:
        return  # a mistake that has its line
    if drawn.of not in targets:
        why = f"no such entry; known: {some(targets)} (got {shown(drawn.of)})"
        raise SimauditError(audit.line([KEY, "of"], why))
    target = targets[drawn.of]
    if target.values.get("kind") == "checkpoint":
        why = (
            f"targets.{drawn.of} is a checkpoint, which cannot be trained again; name other targets in a list"
        )
        raise SimauditError(audit.line([KEY, "of"], why))
    split_name = target.values.get("split")
    if split_name not in splits:
        return  # a mistake that has its line
    split = splits[split_name]
    if isinstance(split.values.get("members"), Mapping) and drawn.members is None:
        why = f"must say members, how many each reference is trained on: those of splits.{split_name} are a list"
        raise SimauditError(audit.line([KEY], why))
    here = [place for place in audit.places if place.depth([KEY])]
    says = tuple(Place(place.file, (*place.keys, KEY), place.content[KEY]) for place in here)
    for number in range(1, drawn.splits + 1):
        own_split, own_name = (f"{name}-reference{number}" for name in (split_name, drawn.of))
        of_split = Entry(_other_members(split.values, drawn.members, number), (*says, *split.places))
        trained = _trained_on(target.values, own_split, number)
        of_target = Entry(trained, (*says, *target.places), target.swept)
        _add(made.splits, splits, "splits", own_split, of_split)
        _add(made.targets, targets, "targets", own_name, of_target)
        yield own_name


def _other_members(split: Mapping[str, Any], members: int | None, number: int) -> dict[str, Any]:
    """Return the values of a reference's split: members are drawn by another seed, and all others are held out.

    What a model is trained on alone matters here, so the same image may be on both sides.
    """
    values = {key: value for key, value in split.items() if key not in ("heldout", "limit")}
    other = {"seed": _other_seed(split, number), "allow_duplicates": True}
    return values | other | ({} if members is None else {"members": members})


def _trained_on(target: Mapping[str, Any], split: str, number: int) -> dict[str, Any]:
    """Return the values of a reference: an attacker knows how a target was trained, and not by which seed."""
    values = {**target, "split": split}
    if isinstance(training := target.get("training"), Mapping):
        other = {"seed": _other_seed(training, number), "intermediate_epochs": []}
        values["training"] = {**training, **other}
    return values


def _other_seed(values: Mapping[str, Any], number: int) -> Any:
    """Return the seed of that number after the one that values have; one that is none has its own line."""
    seed = values.get("seed", 0)
    return (seed + number) % SEEDS if isinstance(seed, int) else seed


def _add(made: dict[str, Entry], there: Mapping[str, Entry], section: str, name: str, entry: Entry) -> None:
    if name in there or (name in made and made[name].values != entry.values):
        other = ".".join((there.get(name) or made[name]).places[0].keys)
        why = f"stands for {section}.{printable(name)}, and so does {other}; change one"
        raise SimauditError(entry.line([], why))
    made.setdefault(name, entry)
