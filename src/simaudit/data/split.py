"""Which samples are members, which are held out, and which fold each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.sizes import Sizes, fold_sizes
from simaudit.storage.hashes import sha256_bytes
from simaudit.storage.parquet import CHECKED, write_table
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER

SCHEMA = pa.schema(
    [("sample_id", pa.int64()), ("role", pa.string()), ("fold", pa.string()), ("sha256", pa.string())]
)
NAMED_PAIRS = 5  # how many pairs of duplicates an error lists


def make_split(hashes: list[str], members: int, calibration: float, seed: int) -> pd.DataFrame:
    """Draw `members` of the N samples as members; the rest are held out.

    Return N rows in sample_id order with columns sample_id, role, fold, sha256. The calibration fold gets
    round(calibration × size) samples of each role. The same arguments give the same split on every machine.
    Raises KnobError as `fold_sizes` does.
    """
    n = len(hashes)
    calibrating = fold_sizes(n, members, calibration)[CALIBRATION]
    order = np.random.default_rng(seed).permutation(n)
    role = np.full(n, HELDOUT, dtype=object)
    role[order[:members]] = MEMBER
    fold = np.full(n, EVALUATION, dtype=object)
    for group, size in zip((order[:members], order[members:]), calibrating, strict=True):
        fold[group[:size]] = CALIBRATION
    return pd.DataFrame({"sample_id": np.arange(n), "role": role, "fold": fold, "sha256": hashes})


def measured_sizes(is_member: np.ndarray, is_calibration: np.ndarray) -> Sizes:
    """Return the sizes of a split, of which both arrays are (N,) bool."""
    folds = {CALIBRATION: is_calibration, EVALUATION: ~is_calibration}
    return {
        fold: (int((is_member & rows).sum()), int((~is_member & rows).sum())) for fold, rows in folds.items()
    }


def duplicates_across_roles(split: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the pairs (member's sample_id, held-out sample_id) that are the same image, byte for byte."""
    columns = split[["sample_id", "sha256"]]
    pairs = columns[split.role == MEMBER].merge(columns[split.role == HELDOUT], on="sha256")
    return list(zip(pairs.sample_id_x.tolist(), pairs.sample_id_y.tolist(), strict=True))


def refuse_duplicates(split: pd.DataFrame) -> None:
    """Raise SimauditError, naming the pairs, when the same image is on both sides of the split."""
    pairs = duplicates_across_roles(split)
    if pairs:
        shown = ", ".join(f"{member}={heldout}" for member, heldout in pairs[:NAMED_PAIRS])
        more = f" and {len(pairs) - NAMED_PAIRS} more" if len(pairs) > NAMED_PAIRS else ""
        raise SimauditError(
            f"the same image is member and held out (sample_id pairs {shown}{more}); "
            "remove the copies, or set allow_duplicates: true"
        )


def write_split(path: Path, split: pd.DataFrame) -> None:
    """Write a split as Parquet, atomically."""
    write_table(path, split, SCHEMA)


@dataclass(frozen=True)
class Split:
    """A split as read from its file: sample_id (int64), role and fold, each of length N, in sample_id order."""

    path: Path
    sample_id: np.ndarray
    role: np.ndarray
    fold: np.ndarray
    sha256: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Split:
        """Read a split. Raises SimauditError when the file is missing, truncated or not a split."""
        with reading(path, "a whole split file"):
            frame = pq.read_table(path, schema=SCHEMA, **CHECKED).to_pandas()
        return cls(path, *(frame[column].to_numpy() for column in SCHEMA.names))

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
    def member_ids(self) -> np.ndarray:
        """The sample_id of every member, ascending."""
        return np.asarray(self.sample_id[self.is_member])

    @property
    def member_hash(self) -> str:
        """SHA-256 over the members' image hashes in sample_id order, which identifies a training set."""
        return sha256_bytes("\n".join(self.sha256[self.is_member]).encode())
