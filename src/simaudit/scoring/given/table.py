"""A file of scores that others computed, as rows of one form: one row per sample and statistic."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simaudit.attacks.attack import RESERVED
from simaudit.data.given_table import NAMES, READERS, read_given_table
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


def read_rows(path: Path, attack: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a file, and a line for each kind of mistake in it.

    The columns are `name` (of the sample), `role`, `attack`, `statistic` (float64), `timestep` (float64, NaN where
    there is none), `variant` (the text of one), `fold`, `file`, `group`, `label` (texts or None), `queries` (float64)
    and `path`. Rows without an attack are of `attack`, or else of the one that the file is named after.
    A file that cannot be read, or lacks a column, has no rows.
    """
    lines: list[str] = []
    try:
        columns = _arrays(path) if path.suffix.lower() == ARRAYS else _table(path, lines)
    except SimauditError as error:
        return pd.DataFrame(), [*lines, str(error)]
    rows = pd.DataFrame(columns, dtype=object)
    wrong = _Wrong(path, rows.name, lines)
    rows["role"] = wrong.checked("role", rows.role, _role, "member or heldout, 1 or 0, true or false")
    rows["statistic"] = wrong.checked("statistic", rows.statistic, _finite, "a finite number").astype(float)
    named_by = path.stem if attack is None else attack
    names = rows.attack.fillna(named_by) if "attack" in rows else pd.Series(named_by, index=rows.index)
    rows["attack"] = wrong.checked(
        "attack", names, attack_name, f"a name with letters or digits, and none of {some(sorted(RESERVED))}"
    )
    wanted = f"empty or a number from 0 to {STEPS - 1}"
    rows["timestep"] = wrong.checked("timestep", _column(rows, "timestep"), _timestep, wanted).astype(float)
    said = _column(rows, "variant").fillna("")
    rows["variant"] = wrong.checked(
        "variant", said, _variant, "a text, or a JSON object of texts and numbers"
    )
    wanted = "empty or a whole number of 0 or more"
    rows["queries"] = wrong.checked("queries", _column(rows, "queries"), _count, wanted).astype(float)
    rows["fold"] = wrong.checked("fold", _column(rows, "fold"), _fold, " or ".join(FOLDS))
    for column in ("file", "group", "label"):
        rows[column] = _column(rows, column)
    return rows.assign(path=str(path)), lines


def attack_name(text: str) -> str | None:
    """Return an attack's name in letters that the name of a file may have; None where nothing is left of it."""
    name = re.sub("[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:60]
    return None if name in RESERVED else name or None


class _Wrong:
    """Checks the cells of one file, column by column, and takes down which are wrong."""

    def __init__(self, path: Path, names: pd.Series, lines: list[str]) -> None:
        self._path, self._names, self._lines = path, names, lines

    def checked(self, column: str, cells: pd.Series, read: Callable[[Any], Any], wanted: str) -> pd.Series:
        """Return what `read` makes of each cell that is not empty: None where it is wrong, of which there is a line."""
        values = {cell: read(cell) for cell in cells.dropna().unique()}
        result = cells.map(values).astype(object).where(cells.notna(), None)
        bad = cells.notna() & result.isna()
        if column in ("role", "statistic"):  # which every row must have
            bad |= cells.isna()
        if bad.any():
            cases = [f"{cell} of {name}" for cell, name in zip(cells[bad], self._names[bad], strict=True)]
            clause = named("are not right", cases)[0]
            self._lines.append(f"{self._path}: column {column}: cells {clause}; write {wanted}")
        return result


def _table(path: Path, lines: list[str]) -> Mapping[str, Iterable[str | None]]:
    """Return the columns of a table by name, with `name` for that of each sample."""
    table = read_given_table(path, COLUMNS)
    known = {name for column in COLUMNS for name in NAMES.get(column, (column,))}
    if unknown := [name for name in table.header if name not in known]:
        lines.append(f"{path}: no column may be called {some(unknown)}; known: {some(COLUMNS)}; leave it out")
    table.require(("file", "sample_id"), ("role",), ("statistic",))
    lines += [f"{path}: {mistake}" for mistake in table.mistakes]
    columns = dict(table.columns)
    identity = "sample_id" if "sample_id" in columns else "file"
    names = list(columns[identity])
    if empty := [f"row {number}" for number, name in enumerate(names, start=1) if name is None]:
        lines.append(f"{path}: column {identity}: {named('is empty', empty)[0]}; name every sample")
    if not names:
        raise SimauditError(f"{path}: has no rows; give one for each sample and statistic")
    return {**columns, "name": [name or "" for name in names]}


def _arrays(path: Path) -> Mapping[str, Iterable[Any]]:
    """Return the same columns of an .npz with the scores of members and of held-out samples as two arrays (n,)."""
    sides: dict[str, np.ndarray] = {}
    for key, values in read_arrays(path).items():
        if role := ROLES.get(re.sub("(_scores?|s)$", "", key.strip().lower())):
            sides[role] = values
    if set(sides) != {MEMBER, HELDOUT} or any(values.ndim != 1 for values in sides.values()):
        raise SimauditError(f"{path}: must hold two arrays of one axis, named members and heldout")
    try:
        numbers = {role: values.astype(np.float64).tolist() for role, values in sides.items()}
    except (TypeError, ValueError):
        raise SimauditError(f"{path}: its arrays must hold numbers") from None
    names = [f"{role}-{place}" for role, values in numbers.items() for place in range(len(values))]
    return {
        "name": names,
        "role": [role for role, values in numbers.items() for _ in values],
        "statistic": [repr(value) for values in numbers.values() for value in values],
    }


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name] if name in rows else pd.Series(None, index=rows.index, dtype=object)


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
