"""Two runs side by side: which verdicts, attacks, numbers and parameters differ, and by how much."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.markup import escape
from rich.table import Table

from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures.legend import METRICS, look
from simaudit.figures.printed import NONE, estimate
from simaudit.provenance.records import read_records
from simaudit.report import TEMPLATES
from simaudit.storage.json import canonical_json, read_json
from simaudit.vocabulary.paths import RUN_FILES

COMPARED = ("auc", "tpr_at_1pct_fpr", "tpr_at_0.1pct_fpr")
NOTE = (
    "The limits of each run are its own. Numbers differ where these limits do not overlap, which is stricter than a "
    "test at 5 %. Where they overlap, nothing is decided: limits of the difference would need the scores of both runs "
    "together, sample by sample."
)
Rows = list[tuple[str, ...]]
SAME, APART, OVERLAP = "the same", "differs: the limits do not overlap", "not told apart: the limits overlap"
UNKNOWN = "without limits"


@dataclass(frozen=True)
class Compared:
    """One run: its numbers, the verdict on each target, and every parameter of a job as `job: key`."""

    ledger: Ledger
    verdicts: Mapping[str, str]
    params: Mapping[str, str]

    @classmethod
    def read(cls, place: Path) -> "Compared":
        """Read a run from its folder, from the results/ in it, or from a file in results/, such as numbers.json.

        There are no verdicts or parameters where numbers.json stands alone. Raises SimauditError without numbers.json.
        """
        folder = place if place.is_dir() else place.parent
        root = folder if (folder / RUN_FILES["numbers"]).exists() else folder / "results"
        controls, records = root / "comparison/controls.json", root / "records"
        verdicts = read_json(controls)["verdicts"] if controls.exists() else {}
        params = {
            f"{name}: {key}": value
            for name, record in (read_records(records) if records.exists() else {}).items()
            for key, value in _flat(record.params)
        }
        ledger = Ledger.read(root / RUN_FILES["numbers"])
        return cls(ledger, {audit: str(facts["verdict"]) for audit, facts in verdicts.items()}, params)

    @property
    def targets(self) -> list[str]:
        """Every target that a threshold attack was run on."""
        found = self.ledger.find(metric="calibration_auc", of=None)
        return sorted({str(number.audit) for number in found})

    def headline(self) -> dict[str, Number]:
        """Return the metrics of every attack that are compared, by id."""
        return {
            number.id: number
            for metric in COMPARED
            for number in self.ledger.find(metric=metric, of=None)
            if number.audit and number.attack
        }


@dataclass(frozen=True)
class Change:
    """One number of both runs. `difference` is the second minus the first."""

    first: Number
    second: Number

    @property
    def difference(self) -> float:
        return self.second.value - self.first.value

    @property
    def means(self) -> str:
        """What can be said of the two: see NOTE."""
        first, second = self.first, self.second
        if (first.value, first.low, first.high) == (second.value, second.low, second.high):
            return SAME
        if None in (first.low, first.high, second.low, second.high):
            return UNKNOWN
        apart = first.high < second.low or second.high < first.low  # type: ignore[operator]
        return APART if apart else OVERLAP

    @property
    def row(self) -> tuple[str, ...]:
        """The change as the words of a table."""
        number = self.first
        name = f"{METRICS[number.metric]} of {look(str(number.attack)).name} on {number.audit}"
        return name, estimate(number), estimate(self.second), f"{self.difference:+.3f}", self.means


def changes(first: Compared, second: Compared) -> list[Change]:
    """Return every compared number that is not the same in both runs: first what differs, then the largest first."""
    before, after = first.headline(), second.headline()
    both = [Change(before[name], after[name]) for name in before if name in after]
    changed = [change for change in both if change.means != SAME]
    return sorted(changed, key=lambda change: (change.means != APART, -abs(change.difference)))


def sections(first: Compared, second: Compared) -> dict[str, tuple[tuple[str, ...], Rows]]:
    """Return what differs: by title, the heads of a table's columns and its rows."""
    ledgers, params = (first.ledger.numbers, second.ledger.numbers), (first.params, second.params)
    names = sorted({*first.targets, *second.targets})
    found = [(name, _found(first, name), _found(second, name)) for name in names]
    alone: Rows = [
        (name, *_presence(name in ledgers[0])) for name in sorted(set(ledgers[0]) ^ set(ledgers[1]))
    ]
    asked: Rows = [
        (key, params[0].get(key, NONE), params[1].get(key, NONE))
        for key in sorted({*params[0], *params[1]})
        if params[0].get(key) != params[1].get(key)
    ]
    return {
        "Targets": (("target", "A", "B"), [row for row in found if row[1] != row[2]]),
        "Numbers": (
            ("number", "A", "B", "B − A", "what that means"),
            [change.row for change in changes(first, second)],
        ),
        "Numbers in one run only": (("number", "A", "B"), alone),
        "Parameters": (("job: parameter", "A", "B"), asked),
    }


def diff_tables(first: Compared, second: Compared, shown: int) -> Iterator[Table | str]:
    """Yield for each section a table of its first `shown` rows, or a line where nothing differs, for the terminal."""
    for title, (columns, rows) in sections(first, second).items():
        if not rows:
            yield f"{title}: no difference"
            continue
        more = f"and {len(rows) - shown} more; --output has all" if len(rows) > shown else None
        table = Table(title=f"{title}: {len(rows)}", title_justify="left", caption=more)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows[:shown]:
            table.add_row(*map(escape, row))
        yield table


def diff_page(first: Compared, second: Compared, names: tuple[str, str]) -> str:
    """Return all differences as one page of HTML that needs no network; `names` are those of the two runs."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return templates.get_template("diff.html").render(
        sections=sections(first, second), names=names, note=NOTE, style=style
    )


def _found(run: Compared, target: str) -> str:
    """Return the verdict on a target and its best attack, a dash where the run does not have the target."""
    if target not in run.targets:
        return NONE
    return f"{run.verdicts.get(target, 'no verdict')}, best attack {look(run.ledger.best(target)).name}"


def _presence(is_in_first: bool) -> tuple[str, str]:
    return ("yes", NONE) if is_in_first else (NONE, "yes")


def _flat(params: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value within a job's parameters as JSON, with its keys joined with dots."""
    if isinstance(params, Mapping) and params:
        pairs = ((f"{key}.{name}" if key else str(name), value) for name, value in params.items())
        yield from chain.from_iterable(_flat(value, name) for name, value in pairs)
    else:
        yield key, " ".join(canonical_json(params).split())
