"""A table before it has a form: its cells are words, or ids of the ledger; it cannot hold a number of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from simaudit.evaluation.numbers import Ledger, number_id
from simaudit.figures.legend import look
from simaudit.figures.printed import NONE, TAIL, count, estimate
from simaudit.vocabulary.metrics import READABLE_TAIL

TAIL_NOTE = (
    f"the rate rests on fewer than {READABLE_TAIL} false positives, so it is too uncertain to be quoted; at 1 % FPR "
    f"that many need {READABLE_TAIL * 100:,} held-out samples in the fold that sets the threshold (or members, where "
    f"held-out samples are the positive class), at 0.1 % they need {READABLE_TAIL * 1000:,}"
)
NO_IMAGES = "the images were not given"
"""Why a table of what only images tell is absent."""


@dataclass(frozen=True)
class Column:
    """One column of a table; `key` is its name in CSV, `label` in print.

    Its cells are words, or ids of numbers that are printed with their limits (an estimate) or without (a count).
    `metric` (its key if not given) and `of` are those of its numbers; the row says of which audit and attack they are.
    `missing` is printed where there is no number. Words that are an attack (`is_attack`) are printed as its name, and
    stand in CSV as the entry of params.yaml. Where all numbers have the mark of a small tail, the label has it, and
    they are printed without (`is_marked`).
    """

    key: str
    label: str
    holds: Literal["words", "count", "estimate"] = "words"
    metric: str = ""
    of: str | None = None
    missing: str = NONE
    is_attack: bool = False
    is_marked: bool = False

    def marked(self) -> "Column":
        """Return the column with the mark of a small tail in its label, since all of its numbers have it."""
        return replace(self, label=f"{self.label} {TAIL}", is_marked=True)


MEMBERS = Column("members", "members")
"""How it is known that the targets of a row were trained on their members. In CSV every table with targets has it."""


def estimates(labels: Mapping[str, str], of: str | None = None) -> tuple[Column, ...]:
    """Return one column of numbers with limits per metric, whose labels these are."""
    return tuple(Column(metric, label, "estimate", of=of) for metric, label in labels.items())


@dataclass(frozen=True)
class Row:
    """One row: the words in its first columns, and what its numbers share; `of` stands before that of a column."""

    words: tuple[str, ...]
    audit: str | None = None
    attack: str | None = None
    of: str | None = None

    def cell(self, column: Column) -> str:
        """Return the id of the row's number in a column."""
        of = ".".join(filter(None, (self.of, column.of))) or None
        return number_id(column.metric or column.key, self.audit, self.attack, of)


@dataclass(frozen=True)
class Table:
    """Rows of cells, one per column. `caption` may mention numbers, see `simaudit.figures.printed.fill`.

    `note` is what a reader must know of the audits in it; the page says it of a target's tables together. `shown` is
    how many rows the page has; files have all.

    A table without rows says in `absent` why. Raises ValueError when it does not, when a row is not as wide as the
    table, or when words are a number: then it is not known where that number is from. Raises it, too, when two columns
    have the same key; files add a column with that of MEMBERS.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    absent: str = ""
    note: str = ""
    shown: int | None = None

    @property
    def on_page(self) -> "Table":
        """The table as the page shows it: its first `shown` rows, and a word that there are more in the files."""
        if self.shown is None or len(self.rows) <= self.shown:
            return self
        more = f"{self.caption} These are the first {self.shown} rows; the files below have all."
        return replace(self, caption=more, rows=self.rows[: self.shown])

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        caption: str,
        columns: tuple[Column, ...],
        rows: Iterable[Row],
        absent: str = "",
        shown: int | None = None,
    ) -> "Table":
        """Return a table whose rows begin with words and go on with numbers; `absent` counts where there is no row."""
        cells = tuple(
            (*row.words, *(row.cell(column) for column in columns[len(row.words) :])) for row in rows
        )
        return cls(name, title, caption, columns, cells, "" if cells else absent, shown=shown)

    def __post_init__(self) -> None:
        if bool(self.rows) == bool(self.absent):
            raise ValueError(f"table {self.name}: has rows, or a reason why not")
        keys = [MEMBERS.key, *(column.key for column in self.columns if column != MEMBERS)]
        if len(set(keys)) < len(keys):
            raise ValueError(f"table {self.name}: two columns of its file would have one name")
        for row in self.cells():
            for column, cell in row:
                if column.holds == "words" and _is_number(cell):
                    raise ValueError(f"table {self.name}: {cell!r} must be an id of the ledger, not a number")

    def without_empty(self, ledger: Ledger) -> "Table":
        """Return the table without the columns of words, or of numbers, in which no row has any."""

        def holds_something(place: int, column: Column) -> bool:
            cells = [row[place] for row in self.rows]
            return any(cells if column.holds == "words" else (cell in ledger for cell in cells))

        known = [
            place
            for place, column in enumerate(self.columns)
            if not self.rows or holds_something(place, column)
        ]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in known),
            rows=tuple(tuple(row[place] for place in known) for row in self.rows),
        )

    def marked(self, ledger: Ledger) -> "Table":
        """Return the table with the mark of a small tail in the labels of the columns all of whose numbers have it."""

        def all_have_it(place: int) -> bool:
            known = [ledger.numbers[row[place]] for row in self.rows if row[place] in ledger]
            return bool(known) and all(number.tail_too_small for number in known)

        return replace(
            self,
            columns=tuple(
                column.marked() if column.holds == "estimate" and all_have_it(place) else column
                for place, column in enumerate(self.columns)
            ),
        )

    def cells(self) -> Iterator[list[tuple[Column, str]]]:
        """Yield each row as pairs of a column and what stands there."""
        for row in self.rows:
            yield list(zip(self.columns, row, strict=True))

    def members(self, ledger: Ledger) -> list[str]:
        """Return what MEMBERS holds in each row, by the numbers in it; an empty list where it holds nothing."""
        if MEMBERS in self.columns:
            return []
        rows = [[ledger.numbers[cell].membership for cell in row if cell in ledger] for row in self.rows]
        words = [", ".join(dict.fromkeys(filter(None, row))) for row in rows]
        return words if any(words) else []

    def has_mark(self, ledger: Ledger) -> bool:
        """Return whether a tail that is too small is printed in it."""
        return any(
            ledger.numbers[cell].tail_too_small
            for row in self.cells()
            for column, cell in row
            if column.holds == "estimate" and cell in ledger
        )


def printed(column: Column, cell: str, ledger: Ledger) -> str:
    """Return a cell in print: words, an attack by its name, a number from the ledger, or what stands for none."""
    if column.holds == "words":
        return look(cell).name if column.is_attack else cell
    if cell not in ledger:
        return column.missing
    number = ledger.numbers[cell]
    if column.holds == "count":
        return count(number)
    return estimate(number).removesuffix(TAIL) if column.is_marked else estimate(number)


def _is_number(text: str) -> bool:
    try:
        float(text.strip(" %+-−"))
    except ValueError:
        return False
    return True
