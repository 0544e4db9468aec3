"""From combined values to one entry per target and per audit: sweeps, references and default audits are written out.

An audit of an entry that stands for several targets is one audit per target. A target that no audit names, not even as
a reference, is audited by everything that applies.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from simaudit.plan import drawn
from simaudit.plan.combine import Combined, Entry
from simaudit.plan.explain import explain
from simaudit.plan.sweep import MOST_TARGETS, Sweep
from simaudit.vocabulary.errors import SimauditError, printable
from simaudit.vocabulary.knobs import joined


def expand(combined: Combined) -> Combined:
    """Write out sweeps, references and default audits.

    Raises SimauditError naming file and key when a sweep is not one, or two targets or audits would have one name.
    """
    entries = combined.listed.get("targets", {})
    targets = _by_name(_few(pair for name, entry in entries.items() for pair in _targets(name, entry)))
    stands_for = {name: [name] for name in targets}
    for entry_name in entries:
        of_entry = [name for name, target in targets.items() if target.places[0].keys[1] == entry_name]
        stands_for[entry_name] = of_entry
    audits = _few(_audits(combined.listed.get("audits", {}), stands_for))
    written, splits, references = drawn.write_out(audits, targets, combined.listed.get("splits", {}))
    audited = {audit.values["target"] for _, audit in written}
    audited |= {name for _, audit in written for name in _named(audit.values.get(drawn.KEY))}
    # An audit of no target is a mistake that has its line.
    audited |= {name for name, audit in written if audit.values["target"] not in targets}
    # Who wrote the target wrote the audit.
    others = [
        (name, Entry({"target": name}, target.places, swept={"target": ()}))
        for name, target in targets.items()
        if name not in audited
    ]
    order = {name: number for number, name in enumerate(targets)}
    in_order = sorted([*written, *others], key=lambda pair: order.get(pair[1].values["target"], len(order)))
    listed = {**combined.listed, "audits": _by_name(in_order)}
    if targets:
        listed["targets"] = dict(_few([*targets.items(), *references.items()]))
    if splits:
        listed["splits"] = {**listed["splits"], **splits}
    return replace(combined, listed=listed)


def _named(references: Any) -> Iterator[str]:
    """Yield the names among an audit's references; anything else is a mistake that has its line."""
    if isinstance(references, list):
        yield from (name for name in references if isinstance(name, str))


def _targets(entry_name: str, entry: Entry) -> Iterator[tuple[str, Entry]]:
    """Yield the targets that an entry stands for, by name."""
    target = {key: value for key, value in entry.values.items() if key not in Sweep.model_fields}
    try:
        sweep = Sweep.model_validate({key: entry.values[key] for key in entry.values.keys() - target.keys()})
    except ValidationError as error:
        raise explain(error, entry.values, entry.where) from None
    if sweep.seeds and not isinstance(target.get("training"), Mapping):
        raise SimauditError(entry.line(["seeds"], "sets the seed of a training, and this target has none"))
    for name, settings in sweep.targets(entry_name):
        swept = {key: ("over", key) if key in (sweep.over or {}) else ("seeds",) for key in settings}
        yield name, replace(entry, values=_with(target, settings), swept=swept)


def _audits(entries: Mapping[str, Entry], stands_for: Mapping[str, list[str]]) -> Iterator[tuple[str, Entry]]:
    """Yield the audits that entries stand for, by name: one per target of the entry that each is of."""
    for entry_name, entry in entries.items():
        target = str(entry.values.get("target") or entry_name)
        if entry.may_vanish and target not in stands_for:
            continue
        for name in stands_for.get(target, [target]):
            own_name = f"{entry_name}{name.removeprefix(target)}"
            if own_name == entry_name or own_name not in entries:  # otherwise it has an entry of its own
                yield own_name, replace(entry, values={**entry.values, "target": name})


def _with(target: Any, settings: Mapping[str, Any]) -> Any:
    for key, value in settings.items():
        for part in reversed(key.split(".")):
            value = {part: value}
        target = joined(target, value)
    return target


def _few(pairs: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, Entry]]:
    """Yield the pairs. Raises SimauditError when they are more than a run may have."""
    for number, (name, entry) in enumerate(pairs):
        if number == MOST_TARGETS:
            why = f"a run may have at most {MOST_TARGETS} targets, and as many audits; write several experiments"
            raise SimauditError(entry.line([], why))
        yield name, entry


def _by_name(pairs: Iterable[tuple[str, Entry]]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for name, entry in pairs:
        if name in entries:
            other = ".".join(entries[name].places[0].keys)
            raise SimauditError(
                entry.line([], f"stands for {printable(name)}, and so does {other}; rename one")
            )
        entries[name] = entry
    return entries
