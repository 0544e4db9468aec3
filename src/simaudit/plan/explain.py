"""What wrong values are answered with: one line for each, with the file, the key, what is wrong, and the value."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from simaudit.vocabulary.errors import SimauditError, shown

WHY = {
    "extra_forbidden": "unknown key; remove it or correct its spelling",
    "missing": "missing; add it",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "invalid_key": "must be a text, as every key",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "too_short": "must have {min_length} or more",
    "too_long": "must have {max_length} or fewer",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} or fewer characters",
    "string_pattern_mismatch": "must match {pattern}",
}
"""What is said in place of pydantic's own words, by its name of the error."""
WITHOUT_VALUE = ("extra_forbidden", "missing")
MOST_PLACES = 3  # in which a mistake is named again
MUST_BE = "must be "
MOST_LINES = 40  # of one refusal

Where = Callable[[Sequence[str]], tuple[str, str]]
"""A function that returns the file and the whole key where the value at these keys was written."""


class Mistake(NamedTuple):
    """What is wrong with the value at `keys`. Mistakes that are the `same`, such as one wrong name, are one line."""

    keys: Sequence[str]
    why: str
    same: Hashable = None


def explain(error: ValidationError, values: Any, where: Where) -> SimauditError:
    """Return the error that has one line for each mistake in `values`, however many targets have it."""
    return refusal(mistakes_in(error, values), where)


def mistakes_in(error: ValidationError, values: Any) -> Iterator[Mistake]:
    """Yield each mistake that an error found in `values`, at its keys there.

    A value that may be of several kinds and is of none is one mistake, which says what each kind would be.
    """
    found: dict[tuple[tuple[str, ...], str, str], list[str]] = {}
    for detail in error.errors():
        if _follows(detail):
            continue
        keys, why = _keys(detail["loc"], values), _why(detail)
        if detail["type"] == "missing" and keys[-1:] != [str(detail["loc"][-1])]:
            keys.append(str(detail["loc"][-1]))
        got = "" if detail["type"] in WITHOUT_VALUE else f" (got {shown(detail['input'])})"
        begins = MUST_BE if got and why.startswith(MUST_BE) else why
        found.setdefault((tuple(keys), begins, got), []).append(why.removeprefix(begins))
    for (at, begins, got), kinds in found.items():
        yield Mistake(at, f"{begins}{' or '.join(dict.fromkeys(kinds))}{got}")


def refusal(mistakes: Iterable[Mistake], where: Where) -> SimauditError:
    """Return the error that has one line for each mistake: where it was written first, and where else."""
    found: dict[Hashable, tuple[str, dict[tuple[str, str], None]]] = {}
    for keys, why, same in mistakes:
        named = [key for key in keys if not key.startswith("[")]
        found.setdefault(same or (why, *named[-1:]), (why, {}))[1][where(keys)] = None
    lines = [_line(why, list(places)) for why, places in found.values()]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more mistakes; correct these first"]
    return SimauditError("\n".join(lines))


def _line(why: str, places: list[tuple[str, str]]) -> str:
    (file, key), others = places[0], places[1:]
    line = ": ".join(filter(None, [file, key, why]))
    if others:
        more = f" and {len(others) - MOST_PLACES} more" if len(others) > MOST_PLACES else ""
        again = [key if other == file else f"{other}: {key}" for other, key in others[:MOST_PLACES]]
        line += f"; also in {', '.join(again)}{more}"
    return line


def _follows(detail: Any) -> bool:
    """Return whether a list is too short only because its items, which have lines of their own, are wrong."""
    is_short = detail["type"] == "too_short" and isinstance(detail["input"], list | tuple)
    return is_short and len(detail["input"]) > detail["ctx"]["actual_length"]


def _why(detail: Any) -> str:
    kind = detail["type"]
    why = WHY[kind].format(**detail.get("ctx", {})) if kind in WHY else str(detail["msg"])
    return why.replace("Input should be ", MUST_BE)


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
