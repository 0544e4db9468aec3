"""Reading a table that the user wrote, as CSV, TSV, JSON lines or Parquet: the columns that are wanted, as texts."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.coded import Coded
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError, named, some
from simaudit.vocabulary.knobs import GivenPath, ending

NAMES = {"file": ("file", "file_name"), "caption": ("caption", "text")}
"""The names that a column may have, where these are several. The first one that is there counts."""
ENCODING = "utf-8-sig"  # UTF-8, with the mark that Excel writes or without
REMEDY = "save one there, or name another"

_Read = tuple[Sequence[str], Callable[[str], Iterable[Any]], list[str]]
"""The names of the columns, a function that returns the cells of one of them, and what is wrong with the lines."""


@dataclass(frozen=True)
class GivenTable:
    """The wanted columns that a table has, by the first of their NAMES, and the names of all its columns, its `header`.

    Their `cells` are texts, or, of a column that may hold numbers and does so in the file, float64 (N,) with NaN where
    one is empty. Wrong lines are left out, and `mistakes` has a clause about them.
    """

    path: Path
    cells: Mapping[str, Coded | np.ndarray]
    header: Sequence[str]
    mistakes: list[str] = field(default_factory=list)

    @cached_property
    def columns(self) -> Mapping[str, Sequence[str | None]]:
        """The cells of columns of texts, None where one is empty."""
        return {what: column.cells() for what, column in self.cells.items() if isinstance(column, Coded)}

    def require(self, *needed: Collection[str]) -> None:
        """Raise SimauditError unless one column of each of the groups `needed` is there."""
        lacking = [
            " or ".join(name for what in group for name in NAMES.get(what, (what,)))
            for group in needed
            if self.cells.keys().isdisjoint(group)
        ]
        if lacking:
            remedy = "; give those that are meant these names" if self.header else ""
            lack = f"has no column {' and no column '.join(lacking)}"
            why = f"{lack}; its columns are {some(self.header)}{remedy}"
            raise SimauditError(f"{self.path}: {'; '.join([why, *self.mistakes])}")


def read_given_table(path: Path, wanted: Iterable[str], numbers: Collection[str] = ()) -> GivenTable:
    """Return the `wanted` columns of a table whose extension, in any case, is one of READERS.

    Those among `numbers` need not be texts. The names of columns may be in any letters and have spaces around them.
    Raises SimauditError when the file is missing, is no such table, or has several columns of one name.
    """
    kind = path.suffix.lower()
    form = "Parquet" if kind == ".parquet" else "UTF-8"
    with reading(path, f"a {form} table of texts and numbers", REMEDY):
        written, cells, mistakes = READERS[kind](path)
        names = [name.strip().lower() for name in written]
        if twice := [name for name, count in Counter(names).items() if name and count > 1]:
            raise SimauditError(f"{path}: has several columns {some(twice)}; keep one of each")
        as_written = dict(zip(names, written, strict=True))
        there = {
            what: as_written[name]
            for what in wanted
            for name in reversed(NAMES.get(what, (what,)))
            if name in as_written
        }
        columns = {what: _column(cells(name), what in numbers) for what, name in there.items()}
    return GivenTable(path, columns, names, mistakes)


def _csv(path: Path) -> _Read:
    """Read a text file. Semicolons are commas where the first line has no comma, as Excel writes them."""
    with path.open(encoding=ENCODING, newline="") as stream:
        first = stream.readline()
        stream.seek(0)
        comma = ";" if ";" in first and "," not in first else ","
        delimiter = "\t" if path.suffix.lower() == ".tsv" else comma
        lines = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
        rows = [(lines.line_num, row) for row in lines if any(row)]
    header = rows[0][1] if rows else []
    whole = [row for _, row in rows[1:] if len(row) == len(header)]
    wrong = [f"line {number} has {len(row)}" for number, row in rows if len(row) != len(header)]
    mistakes = named(f"lines of other than the header's {len(header)} cells", wrong)
    return header, lambda name: (row[header.index(name)] for row in whole), mistakes


def _json_lines(path: Path) -> _Read:
    """Read a text file with a JSON object on each line, whose keys are the names of the columns."""
    rows, wrong, names = list[dict[str, Any]](), list[str](), Counter[str]()
    with path.open(encoding=ENCODING) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                pairs = json.loads(line, object_pairs_hook=tuple) if line.strip() else ()
            except ValueError:
                pairs = None
            if isinstance(pairs, tuple):
                names |= Counter(name for name, _ in pairs)
                rows += [dict(pairs)] if pairs else []
            else:
                wrong.append(f"line {number}")
    mistakes = named("lines that are no JSON object", wrong)
    return [*names.elements()], lambda name: (row.get(name) for row in rows), mistakes


def _parquet(path: Path) -> _Read:
    file = pq.ParquetFile(path)
    return file.schema_arrow.names, lambda name: file.read([name])[name], []


READERS = {".csv": _csv, ".tsv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}
"""By extension."""
TableFile = Annotated[GivenPath, ending(*READERS)]


def _column(cells: Iterable[Any], may_be_numbers: bool) -> Coded | np.ndarray:
    if isinstance(cells, pa.ChunkedArray) and pa.types.is_nested(cells.type):
        cells = cells.to_pylist()
    if not isinstance(cells, pa.ChunkedArray):
        return Coded.of(map(_text, cells))
    if may_be_numbers and (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
        return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy())
    encoded = cells.dictionary_encode().unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int32)
    return Coded(codes, encoded.dictionary.to_pylist()).mapped(_text)


def _text(cell: Any) -> str | None:
    """Return a cell as a text: None where it is empty or NaN, and a whole number without a point."""
    if isinstance(cell, list | tuple | dict):
        raise ValueError("a cell is a list or a mapping")
    cell = cell.decode() if isinstance(cell, bytes) else cell
    if cell is None or cell != cell or cell == "":
        return None
    text = f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)
    return text.encode().decode()  # JSON can write what is no text, which is refused here
