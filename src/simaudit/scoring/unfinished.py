"""What is finished of scores that are not: the statistics of some batches, in files that a killed job leaves."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simaudit.storage.array import save_arrays
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Column, parse_variant, variant_text

OFTEN = 10.0
"""Seconds between two files at least: what a killed job loses."""

PARTS = ("columns", "spent", "values")
"""What the file of a piece holds of it, by the end of its name."""


class Piece(NamedTuple):
    """What the K statistics of an attack are, their values (K, B) for a batch, and the seconds that it took alone.

    `queries` and `made` are as in `questions.Asked`.
    """

    columns: list[Column]
    values: np.ndarray
    seconds: float
    queries: int = 0
    made: int = 0


class Unfinished:
    """The pieces in a folder, by a key that says all that decides them, and the rows of the split that they are of.

    Several processes may add to one folder. Each file holds the pieces of some batches, and names them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}
        self._new: dict[str, np.ndarray] = {}
        self._opened: tuple[Path, Any] | None = None
        self._written = time.monotonic()
        for file in sorted(folder.glob("*.npz")):
            try:
                with reading(file, "whole"), np.load(file) as arrays:
                    self._files |= dict.fromkeys(arrays.files, file)
            except SimauditError:  # cut off by whatever killed the job
                file.unlink(missing_ok=True)

    def has(self, key: str, rows: slice) -> bool:
        """Return whether there is a piece of that key for these rows, with all of its parts."""
        names = [f"{_name(key, rows)}.{part}" for part in PARTS]
        return all(name in self._files or name in self._new for name in names)

    def add(self, key: str, rows: slice, piece: Piece) -> None:
        """Add a piece, and write what has been added where the last time is some seconds ago."""
        name = _name(key, rows)
        text = json.dumps(
            [[column.timestep, variant_text(column.variant), column.queries] for column in piece.columns]
        )
        self._new |= {
            f"{name}.columns": np.frombuffer(text.encode(), dtype=np.uint8),
            f"{name}.spent": np.array([piece.seconds, piece.queries, piece.made], dtype=np.float64),
            f"{name}.values": piece.values,
        }
        if time.monotonic() - self._written > OFTEN:
            self.write()

    def write(self) -> None:
        """Write what has been added since the last time."""
        if self._new:
            file = self._folder / f"{next(iter(self._new)).rpartition('.')[0]}.npz"
            save_arrays(file, self._new)
            self._files |= dict.fromkeys(self._new, file)
            self._new = {}
        self._written = time.monotonic()

    def read(self, key: str, rows: slice) -> Piece:
        """Return the piece of that key for these rows. Raises SimauditError where its file is damaged."""
        columns, spent, values = (self._array(f"{_name(key, rows)}.{part}") for part in PARTS)
        known, (seconds, *counts) = json.loads(columns.tobytes()), spent.tolist()
        statistics = [Column(t, parse_variant(text), queries) for t, text, queries in known]
        return Piece(statistics, values, seconds, *map(int, counts))

    def _array(self, name: str) -> np.ndarray:
        if name in self._new:
            return self._new[name]
        file = self._files[name]
        with reading(file, "whole"):
            # Neighbouring batches mostly stand in one file.
            if self._opened is None or self._opened[0] != file:
                self._opened = file, np.load(file)
            array: np.ndarray = self._opened[1][name]
            return array


def _name(key: str, rows: slice) -> str:
    return f"{rows.start}-{rows.stop}-{key}"
