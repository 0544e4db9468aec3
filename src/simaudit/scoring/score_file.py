"""The score file: the only thing between attacks and evaluation. Knows nothing of models, never imports torch."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.split import Split
from simaudit.storage.parquet import CHECKED, CHECKSUMS
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, FOLDS, HELDOUT, MEMBER, SIDES
from simaudit.vocabulary.variant import Column, parse_variant, variant_text

LOG_SNR = "log_snr"  # key of a file's metadata: by timestep, as JSON
KIND = "kind"
"""Key of a file's metadata: the kind of the attack, whatever its entry is named; that of given scores is empty."""
LEARNED = "learned"
"""Key of a file's metadata: `true` where the statistics are those of a learned head, see `Attack.learned`."""
AGAINST_FLOAT32 = "against_float32"
"""Key of a file's metadata where its precision is not float32: what that changes, see `Scores.against_float32`."""
_LABEL = pa.dictionary(pa.int8(), pa.string())
_VARIANT = pa.dictionary(pa.int16(), pa.string())
SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("role", _LABEL),
        ("fold", _LABEL),
        ("timestep", pa.int16()),
        ("variant", _VARIANT),
        ("statistic", pa.float32()),
        ("queries", pa.int32()),
    ]
)

WIDE = SCHEMA.set(SCHEMA.get_field_index("statistic"), pa.field("statistic", pa.float64()))
"""SCHEMA for statistics that others computed: rounded to float32, two of them might become equal."""

Key = tuple[int | None, str]
"""The timestep of a statistic and the text of its variant."""


ROWS = 2**20
"""Most rows of a row group: what reads or writes a file holds one group beside the statistics."""


class ScoreWriter:
    """Streams row groups into a Parquet file of SCHEMA, or WIDE. A context manager; `metadata` is the file's own."""

    def __init__(self, path: Path, metadata: dict[str, str], schema: pa.Schema = SCHEMA) -> None:
        self._schema = schema.with_metadata(metadata)
        # The statistic is nearly all distinct values: a dictionary of it would only cost.
        dictionary = [name for name in SCHEMA.names if name != "statistic"]
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=dictionary, **CHECKSUMS
        )

    def __enter__(self) -> "ScoreWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, columns: Sequence[Column], split: Split, rows: slice, values: np.ndarray) -> None:
        """Write `values` (len(columns), B), for the samples `rows` of `split`, in row groups of at most ROWS rows."""
        ids = split.sample_id[rows]
        heldout, evaluation = split.role[rows] == HELDOUT, split.fold[rows] == EVALUATION
        step = max(ROWS // len(columns), 1)
        for first in range(0, len(ids), step):
            part = slice(first, first + step)
            self._write_group(columns, ids[part], heldout[part], evaluation[part], values[:, part])

    def _write_group(
        self,
        columns: Sequence[Column],
        ids: np.ndarray,
        is_heldout: np.ndarray,
        is_evaluation: np.ndarray,
        values: np.ndarray,
    ) -> None:
        statistics, samples = values.shape
        timesteps = np.array([-1 if c.timestep is None else c.timestep for c in columns], dtype=np.int16)
        queries = np.array([-1 if c.queries is None else c.queries for c in columns], dtype=np.int32)
        variant, variants = pd.factorize(np.array([variant_text(c.variant) for c in columns], dtype=object))
        arrays = [
            pa.array(np.tile(ids, statistics)),
            labels(np.tile(is_heldout, statistics), SIDES),
            labels(np.tile(is_evaluation, statistics), FOLDS),
            pa.array(timesteps.repeat(samples), mask=(timesteps < 0).repeat(samples)),
            pa.DictionaryArray.from_arrays(variant.astype(np.int16).repeat(samples), variants),
            pa.array(np.ascontiguousarray(values).ravel()).cast(self._schema.field("statistic").type),
            pa.array(queries.repeat(samples), mask=(queries < 0).repeat(samples)),
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


def labels(index: np.ndarray, names: Sequence[str]) -> pa.Array:
    """Return one of a few names per row, stored as a dictionary; `index` (rows,) says which, False and True for two."""
    return pa.DictionaryArray.from_arrays(index.astype(np.int8), list(names))


@dataclass(frozen=True)
class Scores:
    """A score file in memory: `statistic` is (K, N), one row for each of the K `columns`.

    The N samples are in sample_id order; `is_member` and `is_calibration` are (N,) bool.
    """

    attack: str
    member_when: str
    columns: list[Column]
    sample_id: np.ndarray
    is_member: np.ndarray
    is_calibration: np.ndarray
    statistic: np.ndarray
    log_snr: Mapping[int, float] = field(default_factory=dict)
    """By timestep, log(a_t²/s_t²) of the target's schedule (of DDPM's, log(ᾱ_t/(1 − ᾱ_t))), where the file says it."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """All that the file says of itself."""

    @property
    def kind(self) -> str:
        """The kind of the attack; its name where the file says none."""
        return self.metadata.get(KIND, self.attack)

    @property
    def is_learned(self) -> bool:
        """Whether the statistics were learned from samples of both sides of the calibration fold."""
        return self.metadata.get(LEARNED) == "true"

    @property
    def against_float32(self) -> dict[Key, tuple[float, float]]:
        """Of each statistic, its largest relative error and its AUC minus that in float32, on a few samples.

        They stand in files of another precision. See `simaudit.scoring.precision_error`.
        """
        rows = json.loads(self.metadata.get(AGAINST_FLOAT32, "[]"))
        return {(timestep, variant): (error, difference) for timestep, variant, error, difference in rows}

    def same_samples(self, other: "Scores | Split") -> bool:
        """Return whether both are of the same samples in the same roles and folds."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("sample_id", "is_member", "is_calibration")
        )

    def statistic_at(self, timestep: int | None, variant: str) -> np.ndarray:
        """Return the statistic (N,) at a timestep and a variant, its text. Raises ValueError where there is none."""
        keys = [(column.timestep, variant_text(column.variant)) for column in self.columns]
        values: np.ndarray = self.statistic[keys.index((timestep, variant))]
        return values

    @classmethod
    def read(cls, path: Path, only: Collection[Key] | None = None) -> "Scores":
        """Return a file's scores, its columns in the order of the file; `only` those of these keys that it has.

        One row group is in memory at a time beside them. Raises SimauditError when the file is missing, truncated, or
        lacks a statistic of some sample.
        """
        with reading(path, "a whole score file"), pq.ParquetFile(path, **CHECKED) as file:
            return cls._read(path, file, only)

    @classmethod
    def _read(cls, path: Path, file: pq.ParquetFile, only: Collection[Key] | None) -> "Scores":
        if not any(map(file.schema_arrow.equals, (SCHEMA, WIDE))):
            raise SimauditError(f"{path}: not a score file (other columns); delete it and run again")
        metadata = {key.decode(): value.decode() for key, value in file.schema_arrow.metadata.items()}
        samples = _samples(file)
        columns = {key: of for key, of in _columns(file).items() if only is None or key in only}
        sample_id, rows = samples["sample_id"].to_numpy(), {key: k for k, key in enumerate(columns)}
        dtype = file.schema_arrow.field("statistic").type.to_pandas_dtype()
        statistic = np.full((len(columns), len(sample_id)), np.nan, dtype=dtype)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, ["sample_id", "timestep", "variant", "statistic"])
            number, keys = _numbered(table)
            row = np.array([rows.get(key, -1) for key in keys], dtype=np.intp)[number]
            ids, values = (table[name].to_numpy() for name in ("sample_id", "statistic"))
            if only is not None:
                ids, values, row = (of[row >= 0] for of in (ids, values, row))
            if not np.isfinite(values).all():
                bad = int(np.flatnonzero(~np.isfinite(values))[0])
                where = f"{list(columns.values())[row[bad]]}, sample_id {ids[bad]}"
                raise SimauditError(
                    f"{path}: the statistic is {values[bad]} at {where}; delete the file and score again, or leave "
                    "that timestep or variant out"
                )
            statistic[row, np.searchsorted(sample_id, ids)] = values
        for column, values in zip(columns.values(), statistic, strict=True):
            if np.isnan(values).any():
                raise SimauditError(
                    f"{path}: sample_id {sample_id[np.isnan(values).argmax()]} lacks {column}; "
                    "delete the file and run again"
                )
        return cls(
            attack=metadata["attack"],
            member_when=metadata["member_when"],
            columns=list(columns.values()),
            sample_id=sample_id,
            is_member=(samples["role"] == MEMBER).to_numpy(),
            is_calibration=(samples["fold"] == CALIBRATION).to_numpy(),
            statistic=statistic,
            log_snr={int(t): value for t, value in json.loads(metadata.get(LOG_SNR, "{}")).items()},
            metadata=metadata,
        )


def require_finite(
    path: Path | str, columns: list[Column], values: np.ndarray, sample_ids: np.ndarray
) -> None:
    """Raise SimauditError, naming the file or attack, and the first statistic (K, B) that is not finite, if any."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, sample = bad[0]
        raise SimauditError(
            f"{path}: the statistic is {values[row, sample]} at {columns[row]}, sample_id {sample_ids[sample]}; check "
            "the target's weights, or leave that timestep or variant out"
        )


def _samples(file: pq.ParquetFile) -> pd.DataFrame:
    """Return sample_id, role and fold of each sample of a score file, in order of sample_id."""
    groups = [
        file.read_row_group(group, ["sample_id", "role", "fold"]).to_pandas().drop_duplicates("sample_id")
        for group in range(file.num_row_groups)
    ]
    samples: pd.DataFrame = pd.concat(groups).drop_duplicates("sample_id").sort_values("sample_id")
    return samples


def _columns(file: pq.ParquetFile) -> dict[Key, Column]:
    """Return each statistic of a score file by its key, in the order of the file."""
    columns: dict[Key, Column] = {}
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, ["timestep", "variant", "queries"])
        number, keys = _numbered(table)
        first = np.unique(number, return_index=True)[1]
        for key, queries in zip(keys, table["queries"].take(first).to_pylist(), strict=True):
            columns.setdefault(key, Column(key[0], parse_variant(key[1]), queries))
    return columns


def _numbered(table: pa.Table) -> tuple[np.ndarray, list[Key]]:
    """Number the statistics of a table as they first appear. Returns each row's number (rows,), and the key of each.

    Millions of rows hold a few hundred keys, so rows are compared as integers and no text is looked up row by row.
    """
    variants = table["variant"].combine_chunks()
    names = variants.dictionary.to_pylist()
    timesteps = table["timestep"].fill_null(-1).to_numpy().astype(np.int64)
    number, codes = pd.factorize(timesteps * len(names) + variants.indices.to_numpy())
    keys = (divmod(code, len(names)) for code in codes.tolist())
    return number, [(None if timestep < 0 else timestep, names[variant]) for timestep, variant in keys]
