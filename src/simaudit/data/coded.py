"""Columns in which many cells are equal: each different cell is held once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Coded(NamedTuple):
    """A column: `codes` (N,) int32 has the place of each cell in `values`, which differ, and −1 where it is empty."""

    codes: np.ndarray
    values: list[Any]

    @classmethod
    def of(cls, cells: Iterable[Any]) -> Coded:
        """Return a column of these cells, None where one is empty."""
        places: dict[Any, int] = {}
        codes = [-1 if cell is None else places.setdefault(cell, len(places)) for cell in cells]
        return cls(np.array(codes, dtype=np.int32), list(places))

    @classmethod
    def same(cls, cell: Any, count: int) -> Coded:
        """Return a column of so many equal cells, in no more memory than one; all are empty where it is None."""
        return cls(
            np.broadcast_to(np.int32(-1 if cell is None else 0), (count,)), [] if cell is None else [cell]
        )

    @classmethod
    def joined(cls, columns: Sequence[Coded]) -> Coded:
        """Return columns as one, one below the other."""
        if len(columns) == 1:
            return columns[0]
        values = cls.of(value for column in columns for value in column.values)
        parts, start = [], 0
        for column in columns:
            places = values.codes[start : start + len(column.values)]
            parts.append(_looked_up(places, column.codes))
            start += len(column.values)
        return cls(np.concatenate(parts), values.values)

    def mapped(self, read: Callable[[Any], Any]) -> Coded:
        """Return what `read` makes of each cell that is not empty, of equal ones once; None becomes an empty cell."""
        values = Coded.of(map(read, self.values))
        return Coded(_looked_up(values.codes, self.codes), values.values)

    def filled(self, cell: Any) -> Coded:
        """Return the column with `cell` where it is empty."""
        if not (self.codes < 0).any():
            return self
        whole = Coded.of([*self.values, cell])
        return Coded(whole.codes[self.codes], whole.values)  # the last is that of −1

    @property
    def is_empty(self) -> np.ndarray:
        """Where cells are empty, (N,) bool."""
        return np.asarray(self.codes < 0)

    def cells(self, rows: np.ndarray | slice = slice(None)) -> list[Any]:
        """Return the cells of some rows, None where one is empty."""
        values = [*self.values, None]
        return [values[code] for code in self.codes[rows].tolist()]

    def numbers(self) -> np.ndarray:
        """Return cells that are numbers, (N,) float64, NaN where one is empty."""
        return _looked_up(np.array(self.values, dtype=np.float64), self.codes, np.nan)


def _looked_up(table: np.ndarray, codes: np.ndarray, empty: float = -1) -> np.ndarray:
    """Return the entries of a table by `codes`, `empty` for −1; those of `Coded.same` take as little memory again."""
    whole = np.append(table, table.dtype.type(empty))
    if codes.strides == (0,) and len(codes):
        return np.broadcast_to(whole[codes[0]], codes.shape)
    return np.asarray(whole[codes])
