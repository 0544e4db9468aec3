"""The ledger of numbers: all that a table, a caption or a figure may print, each with the file that it is from."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simaudit.errors import SimauditError
from simaudit.files import read_json, sha256_file

SILENT = {"attacks", "selected", "groups", "against"}
"""Keys that structure a file and are left out of ids, so that the headline number of an attack has the shortest."""

UNITS = {
    "queries": "queries",
    "timestep": "timestep",
    "threshold": "statistic",
    "members": "samples",
    "heldout": "samples",
    "targets": "targets",
    "images": "images",
    "permutations": "permutations",
    "mean_rank": "rank",
    "critical_difference": "rank",
}
"""By the last key of a number; all others are probabilities, or differences of such."""
PURE = "1"


@dataclass(frozen=True)
class Number:
    """`pointer` (RFC 6901) leads to the value in `source`; its limits are beside it. A count has itself for limits."""

    value: float
    low: float
    high: float
    unit: str
    source: str
    pointer: str
    source_sha256: str
    tail_too_small: bool = False


def ledger(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Every number of `files` by id: what the file is of, then the keys that lead to the number, joined with dots.

    A file says itself what it is of: a `target`, or a `split`; the others are of all targets.
    Raises SimauditError when two numbers would have the same id.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in files:
        content, digest = read_json(path), sha256_file(path)
        prefix = [content[key] for key in ("target", "split") if key in content][:1]
        for keys, node in _numbers(content, ()):
            name = ".".join([*prefix, *(key for key in keys if key not in SILENT)])
            if name in found:
                raise SimauditError(
                    f"{path}: its number {name} is also in {found[name]['source']}; rename the target or split"
                )
            found[name] = asdict(_number(node, keys, path, digest))
    return found


def _number(node: Any, keys: tuple[str, ...], path: Path, digest: str) -> Number:
    estimate = isinstance(node, dict)
    value, low, high = (node[key] for key in ("value", "low", "high")) if estimate else [node] * 3
    pointer = (*keys, "value") if estimate else keys
    return Number(
        value=value,
        low=low,
        high=high,
        unit=UNITS.get(keys[-1], PURE),
        source=path.as_posix(),
        pointer="".join("/" + key.replace("~", "~0").replace("/", "~1") for key in pointer),
        source_sha256=digest,
        tail_too_small=estimate and node.get("tail_too_small", False),
    )


def _numbers(node: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Estimates, which are objects with a value, and plain numbers, each with the keys that lead to it."""
    if isinstance(node, dict) and "value" not in node:
        for key, child in node.items():
            yield from _numbers(child, (*keys, key))
    elif isinstance(node, dict) or (isinstance(node, int | float) and not isinstance(node, bool)):
        yield keys, node
