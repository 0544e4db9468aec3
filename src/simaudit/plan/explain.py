"""What wrong values are answered with: one line for each, with the file, the key, what is wrong, and the value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from simaudit.vocabulary.errors import SimauditError

WHY = {
    "extra_forbidden": "unknown key; remove it or correct its spelling",
    "missing": "missing; add it",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "too_short": "must have {min_length} or more",
    "too_long": "must have {max_length} or fewer",
    "string_too_short": "must have {min_length} or more characters",
    "string_pattern_mismatch": "must match {pattern}",
}
"""What is said in place of pydantic's own words, by its name of the error."""
WITHOUT_VALUE = ("extra_forbidden", "missing")

Line = Callable[[Sequence[str], str], str]
"""A function that puts file and key before what is wrong with the value at these keys."""


def explain(error: ValidationError, values: Any, line: Line) -> SimauditError:
    """Return the error that has one line for each mistake in `values`, each once, however many targets have it."""
    details = [detail for detail in error.errors() if not _follows(detail)]
    lines = dict.fromkeys(line(*_mistake(detail, values)) for detail in details)
    return SimauditError("\n".join(lines))


def _follows(detail: Any) -> bool:
    """Return whether a list is too short only because its items, which have lines of their own, are wrong."""
    return bool(detail["type"] == "too_short" and len(detail["input"]) > detail["ctx"]["actual_length"])


def _mistake(detail: Any, values: Any) -> tuple[list[str], str]:
    kind, keys = detail["type"], _keys(detail["loc"], values)
    why = WHY[kind].format(**detail.get("ctx", {})) if kind in WHY else detail["msg"]
    why = why.replace("Input should be", "must be")
    if kind == "missing" and keys[-1:] != [str(detail["loc"][-1])]:
        keys.append(str(detail["loc"][-1]))
    return keys, why if kind in WITHOUT_VALUE else f"{why} (got {_shown(detail['input'])})"


def _keys(loc: Sequence[int | str], values: Any) -> list[str]:
    """Return an error's location as keys of the file: pydantic also names branches of unions, which no user wrote."""
    keys: list[str] = []
    for part in loc:
        if isinstance(values, Mapping) and part in values:
            keys.append(str(part))
            values = values[part]
        elif isinstance(values, list | tuple) and isinstance(part, int) and part < len(values):
            keys.append(f"[{part}]")
            values = values[part]
    return keys


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
