"""What a wrong value in params.yaml is answered with: one line with the file, the key, what is wrong, what it got."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simaudit.storage.yaml import read_yaml

SELECTORS = {"datasets": "source", "targets": "kind"}  # the key that says which class reads an entry


def explain(
    error: ValidationError, values: Any, files: Sequence[Path], known: Mapping[str, Sequence[str]]
) -> str:
    """One line for each wrong value among `values`, which were merged from `files`, later ones over earlier ones.

    `known` gives the keys that exist for sections whose entries are found by name.
    """
    return "\n".join(_line(detail, values, files, known) for detail in error.errors())


def _line(detail: Any, values: Any, files: Sequence[Path], known: Mapping[str, Sequence[str]]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "reference":  # its message names the key itself
        return f"{_file_that_sets(context['key'].split('.'), files)}: {detail['msg']}"
    keys = _keys(detail["loc"], values)
    if detail["type"] == "missing":
        keys.append(str(detail["loc"][-1]))
    if detail["type"].startswith("union_tag"):
        keys.append(SELECTORS[keys[0]])
    why = {
        "extra_forbidden": f"unknown; known: {', '.join(known[keys[0]])}"
        if len(keys) == 2 and keys[0] in known
        else "unknown key; remove it or correct its spelling",
        "missing": "missing; add it",
        "union_tag_not_found": "missing; add it",
        "union_tag_invalid": f"must be one of {context.get('expected_tags')} (got {context.get('tag')!r})",
    }.get(
        detail["type"],
        f"{detail['msg'].replace('Input should be', 'must be')} (got {_shown(detail['input'])})",
    )
    return f"{_file_that_sets(keys, files)}: {'.'.join(keys).replace('.[', '[')}: {why}"


def _keys(loc: Sequence[int | str], values: Any) -> list[str]:
    """The path of an error as keys of the file: pydantic also names union branches, which no user wrote."""
    keys: list[str] = []
    node = values
    for part in loc:
        if isinstance(node, dict) and part in node:
            keys.append(str(part))
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            keys.append(f"[{part}]")
            node = node[part]
    return keys


def _file_that_sets(keys: Sequence[str], files: Sequence[Path]) -> Path:
    """The file that holds most of the path of keys, of equals the last."""

    def depth(file: Path) -> int:
        node = read_yaml(file) if file.exists() else {}
        for found, key in enumerate(keys):
            if not isinstance(node, dict) or key not in node:
                return found
            node = node[key]
        return len(keys)

    return max(reversed(files), key=depth)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
