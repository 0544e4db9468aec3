"""Which samples are members, which are held out, and which fold each belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simaudit.data.sizes import Sizes, fold_sizes, heldout_of
from simaudit.storage.hashes import sha256_bytes
from simaudit.storage.parquet import CHECKED, read_columns, write_table
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER, SIDES, UNUSED

SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("role", pa.string()),
        ("fold", pa.string()),
        ("group", pa.string()),
        ("sha256", pa.string()),
    ]
)
"""Every sample of the dataset; `fold` is null where the sample is unused, and `group` where nothing is said of it."""
RECURRING = ["role", "fold", "group"]  # columns whose texts many samples share
ORIGINS = b"origins"  # key of a file's metadata: members and held-out samples by origin, as JSON
NAMED_PAIRS = 5  # how many pairs of duplicates an error lists


def make_split(
    hashes: Sequence[str] | pd.Series, members: int, calibration: float, seed: int, heldout: int | None = None
) -> pd.DataFrame:
    """Draw `members` of the N samples as members, and `heldout` of the others, or all of them, as held out.

    Return N rows in sample_id order with the columns of SCHEMA. The members and their folds do not depend on
    `heldout`. The same arguments give the same split on every machine. Raises KnobError as `heldout_of` and
    `fold_sizes` do.
    """
    n = len(hashes)
    heldout = heldout_of(n, members, heldout)
    order = np.random.default_rng(seed).permutation(n)
    role = np.full(n, UNUSED, dtype=object)
    role[order[:members]] = MEMBER
    role[order[members : members + heldout]] = HELDOUT
    return split_table(role, draw_folds(role, calibration, seed), np.full(n, None), hashes)


def draw_folds(role: np.ndarray, calibration: float, seed: int) -> np.ndarray:
    """Return the fold of each sample by its role (N,), None where it is unused.

    The calibration fold gets round(calibration × size) samples of each side, drawn at random. Raises KnobError as
    `fold_sizes` does.
    """
    order = np.random.default_rng(seed).permutation(len(role))
    sides = [order[role[order] == side] for side in SIDES]
    members, heldout = map(len, sides)
    fold = np.full(len(role), None, dtype=object)
    for ids, size in zip(sides, fold_sizes(members, heldout, calibration)[CALIBRATION], strict=True):
        fold[ids[:size]], fold[ids[size:]] = CALIBRATION, EVALUATION
    return fold


def limited(role: np.ndarray, fold: np.ndarray, group: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Return which of N samples are among at most `limit` that are drawn from members and held-out samples, (N,) bool.

    `role`, `fold` and `group` are (N,). The share of each side, and of each fold of it where folds are given, stays
    what it is, up to the fractions that whole samples leave; the largest of these are rounded up. The samples of a
    group are drawn together or not at all: one that has no room any more is passed over, and there may be fewer for
    that. Samples that are unused change nothing.
    """
    kinds = [(side, part) for side in SIDES for part in (None, CALIBRATION, EVALUATION)]
    kind = np.full(len(role), -1)
    for number, (side, part) in enumerate(kinds):
        kind[(role == side) & (fold == part)] = number
    used = np.flatnonzero(kind >= 0)
    room = _shares(np.bincount(kind[used], minlength=len(kinds)), limit)
    drawn = np.random.default_rng(seed).permutation(used)
    kept = np.zeros(len(role), dtype=bool)
    for samples in _together(drawn, group[drawn]):
        if not room.any():
            break
        counts = np.bincount(kind[samples], minlength=len(kinds))
        if (counts <= room).all():
            room -= counts
            kept[samples] = True
    return kept


def _shares(sizes: np.ndarray, limit: int) -> np.ndarray:
    """Return how many of each of several sets of these sizes make up `limit`, or all where they are no more."""
    total = min(limit, int(sizes.sum()))
    exact = sizes * (total / max(int(sizes.sum()), 1))
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def _together(samples: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    """Return samples (n,) by their group (n,), one by one where it is None, in the order of the first of each."""
    number, names = pd.factorize(group)
    alone = number < 0
    number[alone] = len(names) + np.arange(alone.sum())
    first, which = pd.factorize(number)
    order = np.argsort(first, kind="stable")
    return np.split(samples[order], np.cumsum(np.bincount(first, minlength=len(which)))[:-1])


def split_table(
    role: np.ndarray, fold: np.ndarray, group: np.ndarray, hashes: Sequence[str | None] | pd.Series
) -> pd.DataFrame:
    """Return the columns of SCHEMA of all N samples; each argument is of length N, in sample_id order."""
    ids = np.arange(len(role))
    return pd.DataFrame({"sample_id": ids, "role": role, "fold": fold, "group": group, "sha256": hashes})


def measured_sizes(is_member: np.ndarray, is_calibration: np.ndarray) -> Sizes:
    """Return the sizes of a split, of which both arrays are (N,) bool."""
    folds = {CALIBRATION: is_calibration, EVALUATION: ~is_calibration}
    return {
        fold: (int((is_member & rows).sum()), int((~is_member & rows).sum())) for fold, rows in folds.items()
    }


def sizes_of(split: pd.DataFrame) -> Sizes:
    """Return the sizes of a split with the columns of SCHEMA."""
    used = split[split.role != UNUSED]
    return measured_sizes((used.role == MEMBER).to_numpy(), (used.fold == CALIBRATION).to_numpy())


def duplicates_across_roles(split: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the pairs (member's sample_id, held-out sample_id) that are the same image, byte for byte."""
    columns = split[["sample_id", "sha256"]]
    members, heldout = (columns[split.role == side] for side in SIDES)
    heldout = heldout[heldout.sha256.isin(members.sha256)]  # few, and to pair all takes ten times the memory
    pairs = members[members.sha256.isin(heldout.sha256)].merge(heldout, on="sha256")
    return list(zip(pairs.sample_id_x.tolist(), pairs.sample_id_y.tolist(), strict=True))


def refuse_duplicates(split: pd.DataFrame, files: pd.Series | None = None) -> None:
    """Raise SimauditError, naming the pairs, when the same image is on both sides of the split.

    `files` (N,) are the names of the images, where they have names.
    """
    pairs = duplicates_across_roles(split)
    if pairs:
        named = files is not None and bool(files.notna().all())
        names = files.tolist() if files is not None and named else range(len(split))
        shown = some([f"{names[member]}={names[heldout]}" for member, heldout in pairs], NAMED_PAIRS)
        raise SimauditError(
            f"the same image is member and held out ({'files' if named else 'sample_id pairs'} {shown}); "
            "remove the copies, or set allow_duplicates: true"
        )


def write_split(path: Path, split: pd.DataFrame, origin: pd.Series | None = None) -> None:
    """Write a split as Parquet, atomically, and how many members and held-out samples come from each `origin` (N,)."""
    counts: dict[str, list[int]] = {}
    if origin is not None and origin.notna().any():
        table = pd.crosstab(origin, split.role).reindex(columns=SIDES, fill_value=0)
        counts = dict(zip(table.index, table.to_numpy().tolist(), strict=True))
    write_table(path, split, SCHEMA.with_metadata({ORIGINS: json.dumps(counts, sort_keys=True)}))


@dataclass(frozen=True)
class Split:
    """The samples of a split that are used, in sample_id order; what is unused no later phase sees.

    sample_id (int64), role, fold, group (None where none is given) and sha256 are each of length N. sample_id is the
    position in the dataset, and has gaps where samples are unused. `origins` gives the members and the held-out samples
    from each origin, where images have one.
    """

    path: Path
    sample_id: np.ndarray
    role: np.ndarray
    fold: np.ndarray
    group: np.ndarray
    sha256: np.ndarray
    origins: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Split:
        """Read a split. Raises SimauditError when the file is missing, truncated or not a split."""
        options = {"read_dictionary": RECURRING, **CHECKED}
        with reading(path, "a whole split file"), pq.ParquetFile(path, **options) as file:
            table = read_columns(file, SCHEMA.names)
            used = table.filter(pc.not_equal(table["role"], UNUSED))
            origins = json.loads(file.schema_arrow.metadata[ORIGINS])
            columns = {
                name: _texts(used[name]) if name in RECURRING else used[name].to_numpy()
                for name in SCHEMA.names
            }
            return cls(path, origins=origins, **columns)

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def is_member(self) -> np.ndarray:
        """Whether each sample is a member, (N,) bool."""
        return np.asarray(self.role == MEMBER)

    @property
    def is_calibration(self) -> np.ndarray:
        """Whether each sample is in the calibration fold, (N,) bool."""
        return np.asarray(self.fold == CALIBRATION)

    @property
    def one_sided(self) -> dict[str, list[str]]:
        """By side the origins that the other side has no sample of; empty where both sides have the same origins."""
        places = enumerate(SIDES)
        alone = {
            side: [name for name, counts in self.origins.items() if counts[place] and not counts[1 - place]]
            for place, side in places
        }
        return {side: names for side, names in alone.items() if names}

    @property
    def member_ids(self) -> np.ndarray:
        """The sample_id of every member, ascending."""
        return np.asarray(self.sample_id[self.is_member])

    @property
    def member_hash(self) -> str:
        """SHA-256 over the members' image hashes in sample_id order, which identifies a training set."""
        return sha256_bytes("\n".join(self.sha256[self.is_member]).encode())


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    """Return the texts (N,) of a column of dictionaries, None where there is none; equal ones are one object."""
    encoded = column.unify_dictionaries().combine_chunks()
    texts = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return np.asarray(texts[encoded.indices.fill_null(len(texts) - 1).to_numpy()])
