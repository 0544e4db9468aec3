"""The ledger: every number of a run, with the columns that it is found by and the file that it stands in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import BLIND

BY_AUDIT = {"groups", "against", "carried", "decisive"}
"""First keys of files about the whole run under which the next key names the audit."""

LEARNED = "learned"
"""What the headline numbers of a learned head are of, so that they are never found among those of attacks."""

HEADLINE = "selected"
"""A key that ids leave out, so that the headline numbers of an attack have the shortest ids."""

UNITS = {
    "queries": "queries",
    "timestep": "timestep",
    "threshold": "statistic",
    "members": "samples",
    "heldout": "samples",
    "found": "samples",
    "drawn": "samples",
    "smallest": "samples",
    "largest": "samples",
    "tried": "attacks",
    "independent": "attacks",
    "least": "attacks",
    "accused_by": "attacks",
    "sample_id": "position",
    "member_id": "position",
    "rms": "pixel values",
    "largest_rms": "pixel values",
    "targets": "targets",
    "images": "images",
    "permutations": "permutations",
    "mean_rank": "rank",
    "critical_difference": "rank",
    "seconds": "s",
    "grid_queries": "queries",
    "made_queries": "queries",
    "ms_per_query": "ms",
    "peak_memory": "MB",
    "peak_device_memory": "MB",
}
"""By metric. An estimate may say its own unit; all other numbers are pure: probabilities, correlations, ε and so on."""
PURE = "1"


@dataclass(frozen=True)
class Number:
    """One number, its limits, and where it stands.

    `audit` is the name of the target or split (None for a number of the whole run), `attack` the attack (if it is of
    one), `metric` the last key that leads to the number, and `of` the keys between them, joined with dots (if any):
    `oracle`, `minus_loss`, `epochs.50`; those of the headline numbers of a learned head begin with `learned`.
    `pointer` (RFC 6901) leads to the value in `source`; the limits are beside it. `membership` says how it is known
    that the audit's target was trained on the members; None where no target is.
    A count has itself for limits; a number that a paper reports without limits has none.
    """

    audit: str | None
    attack: str | None
    metric: str
    of: str | None
    value: float
    low: float | None
    high: float | None
    unit: str
    source: str
    pointer: str
    source_sha256: str
    tail_too_small: bool = False
    membership: str | None = None

    @property
    def id(self) -> str:
        """Its key in numbers.json, see `number_id`."""
        return number_id(self.metric, self.audit, self.attack, self.of)

    @property
    def has_limits(self) -> bool:
        """Whether it has limits that are not the number itself."""
        return self.low is not None and (self.low, self.high) != (self.value, self.value)

    @property
    def interval(self) -> dict[str, float]:
        """Its value, low and high for a table that is plotted; NaN for limits that it came without."""
        low, high = (nan if limit is None else limit for limit in (self.low, self.high))
        return {"value": self.value, "low": low, "high": high}


def number_id(metric: str, audit: str | None = None, attack: str | None = None, of: str | None = None) -> str:
    """Return the id of the number with these columns: the columns joined with dots, without those that are None.

    The attack stands after what says which model was attacked (the audit, or one of its epochs) or, for a number of the
    whole run, after all of `of`; and before what says how the number was measured.
    """
    keys = of.split(".") if of else []
    before = len(keys) if audit is None else 2 if keys[:1] == ["epochs"] else 0
    parts = (audit, *keys[:before], attack, *keys[before:], metric)
    return ".".join(part for part in parts if part is not None)


def columns(content: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the columns of the number to which `keys` lead in a file with this `content`.

    A file about one target or one split says so itself; the other files are about the whole run.
    """
    rest = [key for key in keys if key != HEADLINE]
    audit = content.get("target", content.get("split"))
    if audit is None and rest[0] in BY_AUDIT:
        _, audit, *rest = rest
    attack = None
    if "attacks" in rest:
        place = rest.index("attacks")
        attack = rest[place + 1]
        del rest[place : place + 2]
    *between, metric = rest
    return {"audit": audit, "attack": attack, "metric": metric, "of": ".".join(between) or None}


@dataclass(frozen=True)
class Ledger:
    """The numbers of results/numbers.json by id: the only source of a number in a figure, a table or the page."""

    numbers: Mapping[str, Number]

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Read the ledger of a run. Raises SimauditError when the file is missing or is not a ledger."""
        with reading(path, "a ledger of numbers"):
            return cls({name: Number(**row) for name, row in read_json(path).items()})

    def __contains__(self, name: str) -> bool:
        return name in self.numbers

    def number(
        self, metric: str, audit: str | None = None, attack: str | None = None, of: str | None = None
    ) -> Number:
        """Return the number with these columns. Raises KeyError where there is none."""
        return self.numbers[number_id(metric, audit, attack, of)]

    def get(
        self, metric: str, audit: str | None = None, attack: str | None = None, of: str | None = None
    ) -> Number | None:
        """Return the number with these columns, or None where there is none."""
        return self.numbers.get(number_id(metric, audit, attack, of))

    def find(self, **wanted: str | None) -> list[Number]:
        """Return every number whose columns have these values, in the order of ids."""
        return [
            number
            for number in self.numbers.values()
            if all(getattr(number, column) == value for column, value in wanted.items())
        ]

    @property
    def audits(self) -> list[str]:
        """Every audit that a threshold attack was run on, and no split, on which only blind classifiers were."""
        measured = self.find(metric="calibration_auc", of=None)
        return sorted({str(number.audit) for number in measured if number.attack != BLIND})

    def attacks(self, audit: str) -> list[str]:
        """Return every threshold attack that was run on a target."""
        return [str(number.attack) for number in self._on_calibration(audit)]

    def best(self, audit: str) -> str:
        """Return the threshold attack with the highest AUC on the calibration fold, which chose its knobs as well."""
        return str(max(self._on_calibration(audit), key=lambda number: number.value).attack)

    def _on_calibration(self, audit: str) -> list[Number]:
        return self.find(audit=audit, metric="calibration_auc", of=None)


def ledger(
    files: Iterable[Path], membership: Mapping[str, str] = MappingProxyType({})
) -> dict[str, dict[str, Any]]:
    """Return what numbers.json holds: every number of `files` by id. `membership` is by audit.

    Raises SimauditError when two numbers would have the same id.
    """
    rows: dict[str, dict[str, Any]] = {}
    for path in files:
        content, digest = read_json(path), sha256_file(path)
        for keys, node in _numbers(content, ()):
            found_by = columns(content, keys)
            known = membership.get(found_by["audit"])
            number = _number(node, keys, found_by, path, digest, known)
            if number.id in rows:
                raise SimauditError(
                    f"{path}: its number {number.id} is also in {rows[number.id]['source']}; rename the target or split"
                )
            rows[number.id] = asdict(number)
    return rows


def _number(
    node: Any, keys: tuple[str, ...], found_by: dict[str, Any], path: Path, digest: str, known: str | None
) -> Number:
    estimate = isinstance(node, dict)
    value, low, high = (node[key] for key in ("value", "low", "high")) if estimate else [node] * 3
    pointer = (*keys, "value") if estimate else keys
    return Number(
        **found_by,
        value=value,
        low=low,
        high=high,
        unit=(estimate and node.get("unit")) or UNITS.get(keys[-1], PURE),
        source=path.as_posix(),
        pointer="".join("/" + key.replace("~", "~0").replace("/", "~1") for key in pointer),
        source_sha256=digest,
        tail_too_small=estimate and node.get("tail_too_small", False),
        membership=known,
    )


def _numbers(node: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield estimates, which are objects with a value, and plain numbers, each with the keys that lead to it."""
    if isinstance(node, dict) and "value" not in node:
        for key, child in node.items():
            if key != "variant":  # what a variant holds are knobs
                yield from _numbers(child, (*keys, key))
    elif isinstance(node, dict) or (isinstance(node, int | float) and not isinstance(node, bool)):
        yield keys, node
