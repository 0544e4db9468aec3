"""The ledger of numbers: all that a table, a caption or a figure may print, each with the file that it is from."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import Any

from simaudit.evaluation.statistics.intervals import Interval
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json
from simaudit.vocabulary.errors import SimauditError

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
    "seconds": "s",
    "peak_memory": "MB",
    "peak_device_memory": "MB",
}
"""By the last key of a number; all others are probabilities, or differences of such."""
PURE = "1"

TAIL, NONE = "†", "–"
"""What stands beside a rate whose tail is too small to be read, and in the place of a number that there is none of."""

_MENTION = re.compile(r"\[\[(#?)([^\]]+)\]\]")


@dataclass(frozen=True)
class Number:
    """`pointer` (RFC 6901) leads to the value in `source`; its limits are beside it.

    A count has itself for limits; what a paper reports without any has none.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    source: str
    pointer: str
    source_sha256: str
    tail_too_small: bool = False


@dataclass(frozen=True)
class Ledger:
    """results/numbers.json, to be printed: the only source of a number in a table, a caption or a page."""

    numbers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Raises SimauditError when the file is missing or not valid JSON."""
        return cls(read_json(path))

    def __contains__(self, name: str) -> bool:
        return name in self.numbers

    def value(self, name: str) -> float:
        """The number itself. Raises KeyError where there is none."""
        return float(self.numbers[name]["value"])

    def interval(self, name: str) -> Interval:
        """The number with its limits, NaN where it came without. Raises KeyError where there is no such number."""
        number = self.numbers[name]
        low, high = (nan if number[key] is None else number[key] for key in ("low", "high"))
        return Interval(number["value"], low, high)

    def count(self, name: str) -> str:
        """A number in print without limits; a dash where there is none."""
        return f"{self.numbers[name]['value']:.4g}" if name in self.numbers else NONE

    def estimate(self, name: str) -> str:
        """A number in print with its limits, and the mark of a tail that is too small; a dash where there is none."""
        if name not in self.numbers:
            return NONE
        number = self.numbers[name]
        if number["low"] is None:  # as it was published
            return f"{number['value']:.4g}"
        mark = TAIL if number["tail_too_small"] else ""
        value, low, high = (
            f"{number[key]:.3f}".replace("-0.000", "0.000") for key in ("value", "low", "high")
        )
        return f"{value} [{low}, {high}]{mark}"

    def tail_too_small(self, name: str) -> bool:
        """Whether a number's tail is too small to be read."""
        return bool(self.numbers[name]["tail_too_small"])

    def under(self, prefix: str) -> list[tuple[str, ...]]:
        """What follows a prefix in the ids that begin with it, part by part, in their order."""
        start = f"{prefix}."
        return [tuple(name.removeprefix(start).split(".")) for name in self.numbers if name.startswith(start)]

    def attacks(self, target: str) -> list[str]:
        """Every attack that was run on a target."""
        return [parts[0] for parts in self.under(target) if parts[1:] == ("calibration_auc",)]

    def best(self, target: str) -> str:
        """The attack with the highest AUC on a target, on the calibration fold, where its knobs were chosen, too."""
        return max(self.attacks(target), key=lambda attack: self.value(f"{target}.{attack}.calibration_auc"))

    def fill(self, text: str, wrap: Callable[[str, str], str] = lambda name, printed: printed) -> str:
        """A text with its numbers: `[[id]]` with limits, `[[#id]]` without; `wrap` gets each id and what is printed."""

        def printed(mention: re.Match[str]) -> str:
            plain, name = mention.groups()
            return wrap(name, self.count(name) if plain else self.estimate(name))

        return _MENTION.sub(printed, text)


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
            if key != "variant":  # what a variant holds are knobs
                yield from _numbers(child, (*keys, key))
    elif isinstance(node, dict) or (isinstance(node, int | float) and not isinstance(node, bool)):
        yield keys, node
