"""A table that says what is known of the pictures of a folder: label, caption, origin."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

import pyarrow.parquet as pq

from simaudit.data.pictures.labels import label_numbers
from simaudit.storage.reading import listed, reading
from simaudit.vocabulary.errors import SimauditError, some

COLUMNS = {
    "file": ("file", "file_name"),
    "label": ("label",),
    "caption": ("caption", "text"),
    "origin": ("origin",),
}
"""What is known of a picture, and the columns that may hold it, the first one that is there."""
DELIMITERS = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
NAMED = 50  # pictures of one mistake that a message names

Known = dict[str, Any]
"""label, caption and origin of a picture, those of them that the table has: the arguments of an Item."""


def read_metadata(path: Path, files: Sequence[str], with_labels: bool) -> dict[str, Known]:
    """Return what a table knows of each of these files, by file. Other columns than COLUMNS are passed over.

    Raises SimauditError when it is no such table, has no column that is needed, or does not list every file once; all
    files that it lists twice, that are not there and that it lacks are named together.
    """
    with reading(path, "a whole table", "correct it, or name another"):
        rows = _rows(path)
    columns = _columns(path, rows, ["file", "label"] if with_labels else ["file"])
    texts = [name for name in ("caption", "origin") if name in columns]
    names = [_name(row.get(columns["file"])) for row in rows]
    if mistakes := [f"{what}: {some(named, NAMED)}" for what, named in _mistakes(names, files) if named]:
        raise SimauditError(f"{path}: must list every picture once; {'; '.join(mistakes)}")
    known: list[Known] = [{name: _text(row.get(columns[name])) for name in texts} for row in rows]
    if with_labels:
        written = [row.get(columns["label"]) for row in rows]
        try:
            numbers = label_numbers(written)
        except SimauditError as error:
            raise SimauditError(f"{path}: {error}") from None
        known = [entry | {"label": numbers[label]} for entry, label in zip(known, written, strict=True)]
    return dict(zip(names, known, strict=True))


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        wanted = {name for names in COLUMNS.values() for name in names}
        there = pq.read_schema(path).names
        few = [name for name in there if name in wanted] or there  # to name what there is
        rows: list[Mapping[str, Any]] = pq.read_table(path, columns=few).to_pylist()
        return rows
    if kind not in DELIMITERS and kind not in LINES:
        raise SimauditError(f"{path}: must be a .csv, .tsv, .jsonl or .parquet file; name one")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if kind in LINES:
            return [_object(line) for line in stream if line.strip()]
        return [_cells(row) for row in csv.DictReader(stream, delimiter=DELIMITERS[kind], strict=True)]


def _object(line: str) -> Mapping[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"{line.strip()[:40]} is no object")
    return row


def _cells(row: dict[str | None, Any]) -> Mapping[str, Any]:
    if None in row or None in row.values():
        raise ValueError(
            f"a row has {'more' if None in row else 'fewer'} cells than the first: {[*row.values()][:3]}"
        )
    return {name: cell for name, cell in row.items() if name is not None}


def _columns(path: Path, rows: Iterable[Mapping[str, Any]], needed: Iterable[str]) -> dict[str, str]:
    """Return the column of each thing that is known."""
    there = list(dict.fromkeys(name for row in rows for name in row))
    columns = {what: name for what, names in COLUMNS.items() for name in reversed(names) if name in there}
    for what in needed:
        if what not in columns:
            raise SimauditError(
                f"{path}: has no column {' or '.join(COLUMNS[what])}; its columns are {listed(there)}"
            )
    return columns


def _name(cell: Any) -> str:
    """Return the name of a file as `picture_files` gives it."""
    return normalize("NFC", PurePosixPath(str(cell)).as_posix())


def _text(cell: Any) -> str | None:
    return None if cell in (None, "") else str(cell)


def _mistakes(names: Sequence[str], files: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    count, there = Counter(names), set(files)
    yield "listed twice", [name for name in count if count[name] > 1]
    yield "no picture of the folder", [name for name in count if name not in there]
    yield "without a row", [name for name in files if name not in count]
