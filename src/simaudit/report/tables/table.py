"""A table before it has a form: its cells are words, or ids of the ledger; a number of its own it cannot hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simaudit.evaluation.numbers import Ledger

TAIL_NOTE = "fewer than ten false positives are allowed, too few to be read"


@dataclass(frozen=True)
class Column:
    """`key` is the column's name in CSV, `label` in print.

    Its cells are words, or ids of numbers that are printed with their limits (an estimate) or without (a count).
    """

    key: str
    label: str
    holds: Literal["words", "count", "estimate"] = "words"


@dataclass(frozen=True)
class Table:
    """Rows of cells, one a column. `caption` may mention numbers as `[[id]]`, see `Ledger.fill`.

    A table without rows says in `absent` why. Raises ValueError when it does not, when a row is not as wide as the
    table, or when words are a number: then it is not known where that number is from.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    absent: str = ""

    def __post_init__(self) -> None:
        if bool(self.rows) == bool(self.absent):
            raise ValueError(f"table {self.name}: has rows, or a reason why not")
        for row in self.rows:
            for column, cell in zip(self.columns, row, strict=True):
                if column.holds == "words" and _is_number(cell):
                    raise ValueError(f"table {self.name}: {cell!r} must be an id of the ledger, not a number")

    def cells(self) -> Iterator[list[tuple[Column, str]]]:
        """Each row as pairs of a column and what stands there."""
        for row in self.rows:
            yield list(zip(self.columns, row, strict=True))

    def has_mark(self, ledger: Ledger) -> bool:
        """Whether a tail that is too small is printed in it."""
        return any(
            ledger.numbers[cell]["tail_too_small"]
            for row in self.cells()
            for column, cell in row
            if column.holds == "estimate" and cell in ledger
        )


def printed(column: Column, cell: str, ledger: Ledger) -> str:
    """A cell as it is read: words as they are, a number from the ledger, a dash where there is none."""
    if column.holds == "words":
        return cell
    return ledger.count(cell) if column.holds == "count" else ledger.estimate(cell)


def _is_number(text: str) -> bool:
    try:
        float(text.strip(" %+-−"))
    except ValueError:
        return False
    return True
