"""What differs between two runs: verdicts, grades, controls, numbers and parameters, and by how much."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simaudit.evaluation.numbers import Number
from simaudit.figures.legend import METRICS, look
from simaudit.figures.printed import NONE, estimate
from simaudit.report.diff.run import Compared
from simaudit.report.tables.table import Column

NOTE = (
    "The limits of each run are its own. Numbers differ where these limits do not overlap, which is stricter than a "
    "test at 5 %. Where they overlap, nothing is decided: limits of the difference would need the scores of both runs "
    "together, sample by sample."
)
SAME, APART, OVERLAP = "the same", "differs: the limits do not overlap", "not told apart: the limits overlap"
UNKNOWN = "without limits"


@dataclass(frozen=True)
class Section:
    """The differences of one kind: the heads of a table's columns, and its rows of words."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    @property
    def heading(self) -> str:
        """The title, with how much differs."""
        return f"{self.title}: {len(self.rows) or 'no difference'}"

    @property
    def columns(self) -> list[Column]:
        """The columns, of words all of them."""
        return [Column(head, head) for head in self.heads]

    def cells(self) -> Iterator[list[tuple[Column, str]]]:
        """Yield each row as pairs of a column and what stands there."""
        for row in self.rows:
            yield list(zip(self.columns, row, strict=True))


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


def sections(first: Compared, second: Compared) -> list[Section]:
    """Return what differs. What is said of a target is compared where both runs have the target, and say it.

    Numbers of a target, or of a split, that one run has alone are not listed.
    """
    of_first, of_second = (
        {number.audit for number in run.ledger.numbers.values()} for run in (first, second)
    )
    both = of_first & of_second
    numbers = [
        {name for name, number in run.ledger.numbers.items() if number.audit in both}
        for run in (first, second)
    ]
    rows = [change.row for change in changes(first, second)]
    return [
        Section("Targets", ("target", "what", "A", "B"), _of_targets(first, second)),
        _alone("Targets in one run only", "target", first.targets, second.targets),
        _settings("Controls", "control", first.outcomes, second.outcomes),
        Section("Numbers", ("number", "A", "B", "B − A", "what that means"), rows),
        _alone("Numbers in one run only", "number", *numbers),
        _settings("Parameters", "job: parameter", first.params, second.params),
    ]


def _of_targets(first: Compared, second: Compared) -> list[tuple[str, ...]]:
    rows = []
    for target in sorted({*first.targets} & {*second.targets}):
        before, after = first.of_target(target), second.of_target(target)
        rows += [
            (
                target,
                what,
                *(look(said).name if what == "best attack" else said for said in (one, after[what])),
            )
            for what, one in before.items()
            if what in after and after[what] != one
        ]
    return rows


def _alone(title: str, name: str, first: Collection[str], second: Collection[str]) -> Section:
    """Return what one of the runs has alone."""
    rows = [
        (one, *(("yes", NONE) if one in first else (NONE, "yes"))) for one in sorted({*first} ^ {*second})
    ]
    return Section(title, (name, "A", "B"), rows)


def _settings(title: str, name: str, first: Mapping[str, str], second: Mapping[str, str]) -> Section:
    """Return what has another value in either run, or a value in one of them alone."""
    rows = [
        (key, first.get(key, NONE), second.get(key, NONE))
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key)
    ]
    return Section(title, (name, "A", "B"), rows)
