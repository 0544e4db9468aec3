"""What a table says of the pictures of a folder: label, caption, origin."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from simaudit.data.given_table import read_given_table
from simaudit.data.pictures.labels import numbered
from simaudit.data.source import composed
from simaudit.vocabulary.errors import SimauditError, named

Known = dict[str, Any]
"""What the table has of label, class_name, caption and origin of a picture: the arguments of an Item."""


def read_metadata(
    path: Path, files: Sequence[str], with_labels: bool, of_more: bool = False
) -> dict[str, Known]:
    """Return what a table knows of each of these files, by file; with `of_more` it may list others too.

    Raises SimauditError when it is no table, has no column that is needed, or does not list every file once; all files
    that it lists twice, that are not there and that it lacks are named together.
    """
    labels = ["label"] if with_labels else []
    table = read_given_table(path, ["file", "caption", "origin", *labels])
    table.require(["file"], *([name] for name in labels))
    columns = dict(table.columns)
    names = [_name(cell or "") for cell in columns.pop("file")]
    count, there = Counter(names), set(files)
    mistakes = [
        *table.mistakes,
        *named("listed twice", [name for name in count if count[name] > 1]),
        *named("no picture of the folder", [name for name in count if name not in there and not of_more]),
        *named("without a row", [name for name in files if name not in count]),
    ]
    if mistakes:
        raise SimauditError(f"{path}: must list every picture once; {'; '.join(mistakes)}")
    known: list[Known] = [
        {name: column[row] for name, column in columns.items()} for row in range(len(names))
    ]
    if with_labels:
        try:
            labels_of = numbered(columns["label"])
        except SimauditError as error:
            raise SimauditError(f"{path}: {error}") from None
        for entry in known:
            entry["label"], entry["class_name"] = labels_of[entry["label"]]
    return dict(zip(names, known, strict=True))


def _name(cell: str) -> str:
    """Return the name of a file as `picture_files` gives it."""
    return composed(PurePosixPath(cell).as_posix()) if cell else cell
