"""Reading what gives members and held-out samples: a table, index arrays, lists of names, or origins of the items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd

from simaudit.data.given_table import ENCODING, REMEDY, read_given_table
from simaudit.data.membership import Given, IndexArrays, NameLists, Origins, RolesTable
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.sides import HELDOUT, MEMBER

Name = int | str
"""What an entry names a sample by: its sample_id, or its file; a text among numbers is none, and names nothing."""
LONGEST_NUMBER = 18  # digits of a sample_id


@dataclass(frozen=True)
class Entry:
    """What one entry says of one sample, in the words of its file; what it does not say is None or empty."""

    name: Name
    role: str
    fold: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Listing:
    """What a list says: its entries, in any order, and what is wrong with it as a whole, one clause each.

    Its entries are `numbered` where they name samples by sample_id, and not by file.
    """

    entries: list[Entry]
    numbered: bool
    mistakes: list[str] = field(default_factory=list)


def read_listing(given: Given, items: pd.DataFrame) -> Listing:
    """Return what is given of the samples `items`, N rows with their columns file and origin.

    Raises SimauditError naming the file when it is missing, or not what it should be.
    """
    match given:
        case RolesTable():
            return _of_table(Path(given.file), has_files=bool(items.file.notna().any()))
        case IndexArrays():
            return _of_arrays(Path(given.indices), given.member_key, given.heldout_key)
        case NameLists():
            return _of_names(Path(given.listed), Path(given.heldout), set(items.file.dropna()))
        case Origins():
            return _of_origins(given, items.origin)
    raise TypeError(f"{type(given).__name__} has no reader")


def _of_table(path: Path, has_files: bool) -> Listing:
    """Read a table. Where it has both, `file` counts and not `sample_id`, unless the images have no file names."""
    table = read_given_table(path, ["file", "sample_id", "role", "fold", "group"])
    table.require(["file", "sample_id"], ["role"])
    columns = table.columns
    names = [name for name in ("file", "sample_id") if name in columns]
    by = names[0] if has_files else names[-1]
    texts, role = ([text or "" for text in columns[name]] for name in (by, "role"))
    said = (columns.get(name, [None] * len(role)) for name in ("fold", "group"))
    rows = zip(_numbers(texts) if by == "sample_id" else texts, role, *said, strict=True)
    return Listing([Entry(*row) for row in rows], by == "sample_id", table.mistakes)


def _of_arrays(path: Path, member_key: str, heldout_key: str) -> Listing:
    keys = {MEMBER: member_key, HELDOUT: heldout_key}
    # ZipFile refuses what is no .npz: NumPy would take it for a pickle, and tell how to load that unsafely.
    with (
        reading(path, "an .npz of whole numbers", REMEDY),
        ZipFile(path),
        np.load(path, allow_pickle=False) as arrays,
    ):
        if lacking := [key for key in keys.values() if key not in arrays]:
            raise SimauditError(
                f"{path}: has no array {some(lacking)}; it has {some(arrays.files)}: name "
                "them by member_key and heldout_key"
            )
        sides = {role: arrays[key] for role, key in keys.items()}
    for role, ids in sides.items():
        if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
            raise SimauditError(
                f"{path}: {keys[role]} must be whole numbers (N,), found {ids.dtype} {ids.shape}; write sample_ids"
            )
    entries = [Entry(number, role) for role, ids in sides.items() for number in ids.tolist()]
    return Listing(entries, numbered=True)


def _of_names(inside: Path, outside: Path, files: set[str]) -> Listing:
    """Read two lists. They hold sample_ids where every line of both is a number and no image has such a name."""
    sides = {}
    for role, path in ((MEMBER, inside), (HELDOUT, outside)):
        with reading(path, "a list in UTF-8", REMEDY):
            text = path.read_text(encoding=ENCODING)
        # Not splitlines, which would cut at U+2028, too.
        sides[role] = [line for line in text.split("\n") if line.strip()]
    texts = [name for names in sides.values() for name in names]
    numbered = files.isdisjoint(texts) and all(map(str.isdecimal, texts))
    names = _numbers(texts) if numbered else texts
    roles = [role for role, texts in sides.items() for _ in texts]
    return Listing([Entry(*pair) for pair in zip(names, roles, strict=True)], numbered)


def _of_origins(given: Origins, origin: pd.Series) -> Listing:
    there, mistakes = list(origin.dropna().unique()), []
    unknown = [name for name in (*given.origin, *given.heldout) if name not in there]
    if unknown and given.unknown == "refuse":
        known = f"there are {some(there)}" if there else "the dataset has no origins"
        mistakes = [f"no image is from {some(unknown)} ({known}; correct it, or set unknown: drop)"]
    sides = {MEMBER: given.origin, HELDOUT: given.heldout}
    entries = [
        Entry(number, role)
        for role, names in sides.items()
        for number in np.flatnonzero(origin.isin(names).to_numpy(bool)).tolist()
    ]
    return Listing(entries, True, mistakes)


def _numbers(texts: Sequence[str]) -> list[Name]:
    return [int(text) if len(text) <= LONGEST_NUMBER and text.strip().isdecimal() else text for text in texts]
