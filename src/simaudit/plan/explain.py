"""What a wrong value in params.yaml is answered with: one line with the file, the key, what is wrong, and the value."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simaudit.plan.expand import LISTED, Expanded

SELECTORS = {"datasets": "source", "targets": "kind"}  # the key that says which class reads an entry
Sources = Sequence[tuple[Path, Any]]
"""The files that values were combined from, later ones on top, each with its content."""


def explain(
    error: ValidationError, expanded: Expanded, files: Sources, known: Mapping[str, Sequence[str]]
) -> str:
    """One line for each wrong value, each once, however many targets of a sweep have it.

    `known` gives by section the names of plug-ins: keys of the section, or values of its SELECTORS.
    """
    lines = (_line(detail, expanded, files, known) for detail in error.errors())
    return "\n".join(dict.fromkeys(lines))


def _line(detail: Any, expanded: Expanded, files: Sources, known: Mapping[str, Sequence[str]]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "reference":  # its message names the key itself
        file, keys = place(context["key"].split("."), expanded, files)
        return f"{file}: {_dotted(keys)}: {context['why']}"
    keys = _keys(detail["loc"], expanded.values)
    if detail["type"] == "missing":
        keys.append(str(detail["loc"][-1]))
    if detail["type"].startswith("union_tag"):
        keys.append(SELECTORS[keys[0]])
    section = keys[0] if keys else ""
    kinds = ", ".join(map(repr, known.get(section, ())))
    why = {
        "extra_forbidden": f"unknown; known: {', '.join(known[section])}"
        if len(keys) == 2 and section in known and section not in SELECTORS
        else "unknown key; remove it or correct its spelling",
        "missing": "missing; add it",
        "union_tag_not_found": "missing; add it",
        "union_tag_invalid": f"must be one of {kinds} (got {context.get('tag')!r})",
    }.get(
        detail["type"],
        f"{detail['msg'].replace('Input should be', 'must be')} (got {_shown(detail['input'])})",
    )
    file, keys = place(keys, expanded, files)
    return f"{file}: {_dotted(keys)}: {why}"


def place(keys: Sequence[str], expanded: Expanded, files: Sources) -> tuple[Path, list[str]]:
    """The file that holds a key, and the key as it stands there: in the entry that the user wrote, or the one that this
    entry is like. Of files that hold as much of the key the last.
    """
    keys = list(keys)
    if len(keys) > 1 and keys[0] in LISTED:
        keys[1] = expanded.origin.get((keys[0], keys[1]), keys[1])
    best = _depth(keys, files)
    candidate = keys
    while len(keys) > 2 and keys[0] in LISTED and (like := _like(candidate, files)):
        candidate = [keys[0], like, *keys[2:]]
        deeper = _depth(candidate, files)
        if deeper[0] > best[0]:
            best, keys = deeper, candidate
    return best[1], keys


def _depth(keys: Sequence[str], files: Sources) -> tuple[int, Path]:
    def depth(content: Any) -> int:
        for count, key in enumerate(keys):
            if not isinstance(content, Mapping) or key not in content:
                return count
            content = content[key]
        return len(keys)

    return max(((depth(content), file) for file, content in reversed(files)), key=lambda known: known[0])


def _like(keys: Sequence[str], files: Sources) -> str | None:
    for _, content in reversed(files):
        section = content.get(keys[0]) if isinstance(content, Mapping) else None
        entry = section.get(keys[1]) if isinstance(section, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(entry.get("like"), str) and entry["like"] != keys[1]:
            return str(entry["like"])
    return None


def _keys(loc: Sequence[int | str], values: Any) -> list[str]:
    """The path of an error as keys of the file: pydantic also names union branches, which no user wrote."""
    keys: list[str] = []
    node = values
    for part in loc:
        if isinstance(node, dict) and part in node:
            keys.append(str(part))
            node = node[part]
        elif isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
            keys.append(f"[{part}]")
            node = node[part]
    return keys


def _dotted(keys: Sequence[str]) -> str:
    return ".".join(keys).replace(".[", "[")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
