"""A file of scores that others computed, as rows of one form: one row per sample and statistic."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simaudit.attacks.attack import RESERVED
from simaudit.data.coded import Coded
from simaudit.data.given_table import NAMES, READERS, REMEDY, read_given_table
from simaudit.data.matching import ROLES
from simaudit.storage.array import read_arrays
from simaudit.vocabulary.bounds import STEPS
from simaudit.vocabulary.errors import SimauditError, named, some
from simaudit.vocabulary.sides import FOLDS, HELDOUT, MEMBER
from simaudit.vocabulary.variant import variant_text

COLUMNS = (
    *("file", "sample_id", "role", "attack", "statistic", "timestep"),
    *("variant", "fold", "group", "label", "queries"),
)
"""The columns that a table may have. It needs one of the first two, `role` and `statistic`."""
ARRAYS = ".npz"
SUFFIXES = (*READERS, ARRAYS)

YES, NO = ("1", "true"), ("0", "false")
"""What may stand for a member, and for a held-out sample, beside their names: the answer to whether it is a member."""


@dataclass(frozen=True)
class Rows:
    """R rows of given files, one for each sample and statistic.

    `statistic` is (R,) float64. The other columns are `name` (of the sample), `role`, `attack`, `timestep` (a float,
    empty where there is none), `variant` (the text of one), `fold`, `file`, `group`, `label`, `queries` and `path`.
    """

    statistic: np.ndarray
    columns: Mapping[str, Coded]

    def __getitem__(self, name: str) -> Coded:
        return self.columns[name]

    def replace(self, **columns: Coded) -> Rows:
        """Return the rows with other columns in place of theirs."""
        return Rows(self.statistic, {**self.columns, **columns})


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several files, one below the other."""
    columns = {name: Coded.joined([part.columns[name] for part in parts]) for name in parts[0].columns}
    statistic = [part.statistic for part in parts]
    return Rows(statistic[0] if len(parts) == 1 else np.concatenate(statistic), columns)


def read_rows(path: Path, attack: str | None) -> tuple[Rows | None, list[str]]:
    """Return the rows of a file, and a line for each kind of mistake in it.

    Rows without an attack are of `attack`, or else of the one that the file is named after. A file that cannot be read,
    or lacks a column, has no rows.
    """
    lines: list[str] = []
    try:
        columns = _arrays(path) if path.suffix.lower() == ARRAYS else _table(path, lines)
    except SimauditError as error:
        return None, [*lines, str(error)]
    name, statistic = columns["name"], columns["statistic"]
    assert isinstance(name, Coded)
    empty = Coded.same(None, len(name.codes))

    def column(what: str) -> Coded:
        cells = columns.get(what, empty)
        assert isinstance(cells, Coded)
        return cells

    wrong = _Wrong(path, name, lines)
    role = wrong.checked("role", column("role"), _role, "member or heldout, 1 or 0, true or false")
    numbers = wrong.numbers("statistic", statistic, "a finite number")
    names = column("attack").filled(path.stem if attack is None else attack)
    wanted = f"a name with letters or digits, and none of {some(sorted(RESERVED))}"
    attacks = wrong.checked("attack", names, attack_name, wanted)
    wanted = f"empty or a number from 0 to {STEPS - 1}"
    timestep = wrong.checked("timestep", column("timestep"), _timestep, wanted)
    wanted = "a text, or a JSON object of texts and numbers"
    variant = wrong.checked("variant", column("variant").filled(""), _variant, wanted)
    queries = wrong.checked("queries", column("queries"), _count, "empty or a whole number of 0 or more")
    fold = wrong.checked("fold", column("fold"), _fold, " or ".join(FOLDS))
    read = {"name": name, "role": role, "attack": attacks, "timestep": timestep, "variant": variant}
    read |= {"queries": queries, "fold": fold, "path": Coded.same(str(path), len(name.codes))}
    return Rows(numbers, read | {what: column(what) for what in ("file", "group", "label")}), lines


def attack_name(text: str) -> str | None:
    """Return an attack's name in letters that the name of a file may have; None where nothing is left of it."""
    name = re.sub("[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:60]
    return None if name in RESERVED else name or None


class _Wrong:
    """Checks the cells of one file, column by column, and takes down which are wrong."""

    def __init__(self, path: Path, names: Coded, lines: list[str]) -> None:
        self._path, self._names, self._lines = path, names, lines

    def checked(self, column: str, cells: Coded, read: Callable[[str], Any], wanted: str) -> Coded:
        """Return what `read` makes of each cell that is not empty: None where it is wrong, of which there is a line."""
        result = cells.mapped(read)
        may_be_empty = column != "role"
        bad = result.is_empty & ~cells.is_empty if may_be_empty else result.is_empty
        self._say(column, bad, cells.cells, wanted)
        return result

    def numbers(self, column: str, cells: Coded | np.ndarray, wanted: str) -> np.ndarray:
        """Return the numbers (R,) that cells are, of which each must be one and finite, or there is a line."""
        if isinstance(cells, Coded):
            numbers = cells.mapped(_finite).numbers()
            self._say(column, np.isnan(numbers), cells.cells, wanted)
            return numbers
        numbers = cells
        self._say(column, ~np.isfinite(numbers), lambda rows: _number_texts(numbers[rows]), wanted)
        return numbers

    def _say(
        self, column: str, bad: np.ndarray, texts: Callable[[np.ndarray], list[Any]], wanted: str
    ) -> None:
        if bad.any():
            rows = np.flatnonzero(bad)
            cells = zip(texts(rows), self._names.cells(rows), strict=True)
            clause = named("are not right", [f"{cell} of {name}" for cell, name in cells])[0]
            self._lines.append(f"{self._path}: column {column}: cells {clause}; write {wanted}")


def _table(path: Path, lines: list[str]) -> Mapping[str, Coded | np.ndarray]:
    """Return the columns of a table by name, with `name` for that of each sample."""
    table = read_given_table(path, COLUMNS, numbers=["statistic"])
    known = {name for column in COLUMNS for name in NAMES.get(column, (column,))}
    if unknown := [name for name in table.header if name not in known]:
        lines.append(f"{path}: no column may be called {some(unknown)}; known: {some(COLUMNS)}; leave it out")
    table.require(("file", "sample_id"), ("role",), ("statistic",))
    lines += [f"{path}: {mistake}" for mistake in table.mistakes]
    columns = dict(table.cells)
    identity = "sample_id" if "sample_id" in columns else "file"
    names = columns[identity]
    assert isinstance(names, Coded)
    if empty := [f"row {number}" for number in (np.flatnonzero(names.is_empty) + 1).tolist()]:
        lines.append(f"{path}: column {identity}: {named('is empty', empty)[0]}; name every sample")
    if not len(names.codes):
        raise SimauditError(f"{path}: has no rows; give one for each sample and statistic")
    return {**columns, "name": names.filled("")}


def _arrays(path: Path) -> Mapping[str, Coded | np.ndarray]:
    """Return the same columns of an .npz with the scores of members and of held-out samples as two arrays (n,)."""
    sides: dict[str, np.ndarray] = {}
    for key, values in read_arrays(path, REMEDY).items():
        if role := ROLES.get(re.sub("(_scores?|s)$", "", key.strip().lower())):
            sides[role] = values
    if set(sides) != {MEMBER, HELDOUT} or any(values.ndim != 1 for values in sides.values()):
        raise SimauditError(f"{path}: must hold two arrays of one axis, named members and heldout")
    try:
        numbers = {role: values.astype(np.float64) for role, values in sides.items()}
    except (TypeError, ValueError):
        raise SimauditError(f"{path}: its arrays must hold numbers") from None
    names = (f"{role}-{place}" for role, values in numbers.items() for place in range(len(values)))
    return {
        "name": Coded.of(names),
        "role": Coded.of(role for role, values in numbers.items() for _ in values),
        "statistic": np.concatenate(list(numbers.values())),
    }


def _number_texts(numbers: np.ndarray) -> list[str | None]:
    return [None if np.isnan(number) else str(number) for number in numbers.tolist()]


def _role(text: str) -> str | None:
    word = text.strip().lower()
    role = MEMBER if word in YES else HELDOUT if word in NO else ROLES.get(word)
    return role if role in (MEMBER, HELDOUT) else None


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _timestep(text: str) -> float | None:
    number = _finite(text)
    return number if number is not None and 0 <= number < STEPS else None


def _count(text: str) -> float | None:
    number = _finite(text)
    return number if number is not None and number >= 0 and number.is_integer() and number < 2**31 else None


def _fold(text: str) -> str | None:
    word = text.strip().lower()
    return word if word in FOLDS else None


def _variant(text: str) -> str | None:
    """Return the text of a variant: that of a JSON object, or of the knob `variant`, whose value the text is."""
    if not text.lstrip().startswith("{"):
        return variant_text({"variant": text} if text else {})
    try:
        variant = json.loads(text)
        plain = all(type(value) in (str, int, float) for value in variant.values())
        return variant_text(variant) if plain else None
    except ValueError:
        return None
