"""The score file: the only thing between attacks and evaluation. Knows nothing of models, never imports torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.split import Split
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER

LOG_SNR = "log_snr"  # key of a file's metadata: by timestep, as JSON
ROLES, FOLDS = [MEMBER, HELDOUT], [CALIBRATION, EVALUATION]
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


@dataclass(frozen=True)
class Column:
    """What one statistic is: its timestep (None where an attack has none), variant, and queries a sample."""

    timestep: int | None
    variant: str
    queries: int


class ScoreWriter:
    """Streams row groups into a Parquet file of SCHEMA. A context manager; `metadata` is the file's own."""

    def __init__(self, path: Path, metadata: dict[str, str]) -> None:
        self._schema = SCHEMA.with_metadata(metadata)
        # The statistic is nearly all distinct values: a dictionary of it would only cost.
        dictionary = [name for name in SCHEMA.names if name != "statistic"]
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", use_dictionary=dictionary)

    def __enter__(self) -> "ScoreWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, columns: Sequence[Column], split: Split, rows: slice, values: np.ndarray) -> None:
        """One row group: `values` is (len(columns), B), for the samples `rows` of `split`."""
        samples, statistics = values.shape[1], len(columns)
        variants = list(dict.fromkeys(column.variant for column in columns))
        codes = np.array([variants.index(column.variant) for column in columns], dtype=np.int16)
        timesteps = np.array([-1 if c.timestep is None else c.timestep for c in columns], dtype=np.int16)
        timesteps = timesteps.repeat(samples)
        queries = np.array([column.queries for column in columns], dtype=np.int32)
        arrays = [
            pa.array(np.tile(split.sample_id[rows], statistics)),
            labels(np.tile(split.role[rows] == HELDOUT, statistics), ROLES),
            labels(np.tile(split.fold[rows] == EVALUATION, statistics), FOLDS),
            pa.array(timesteps, mask=timesteps < 0),
            pa.DictionaryArray.from_arrays(codes.repeat(samples), variants),
            pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel()),
            pa.array(queries.repeat(samples)),
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


def labels(is_second: np.ndarray, names: list[str]) -> pa.Array:
    """One of two names a row, by bool (rows,), stored as a dictionary."""
    return pa.DictionaryArray.from_arrays(is_second.astype(np.int8), names)


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
    """By timestep, log(ᾱ/(1 − ᾱ)) of the target's schedule, where the file says it."""

    def same_samples(self, other: "Scores") -> bool:
        """Whether both are of the same samples in the same roles and folds."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("sample_id", "is_member", "is_calibration")
        )

    @classmethod
    def read(cls, path: Path) -> "Scores":
        """Raises SimauditError when the file is missing, truncated, or lacks a statistic of some sample."""
        try:
            with pq.ParquetFile(path) as file:
                return cls._read(path, file)
        except FileNotFoundError:
            raise SimauditError(f"{path}: missing; make it with: snakemake --cores all {path}") from None
        except (pa.ArrowException, KeyError) as error:
            raise SimauditError(
                f"{path}: not a whole score file ({error}); delete it and run again"
            ) from None

    @classmethod
    def _read(cls, path: Path, file: pq.ParquetFile) -> "Scores":
        if not file.schema_arrow.equals(SCHEMA):
            raise SimauditError(f"{path}: not a score file (other columns); delete it and run again")
        metadata = {key.decode(): value.decode() for key, value in file.schema_arrow.metadata.items()}
        samples, is_member, is_calibration, columns = _samples_and_columns(file)
        index = {(c.timestep, c.variant): k for k, c in enumerate(columns)}
        statistic = np.full((len(columns), len(samples)), np.nan, dtype=np.float32)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, ["sample_id", "timestep", "variant", "statistic"])
            code, kinds = _statistics_of(table)
            row = np.array([index[kind] for kind in kinds])[code]
            sample_id, values = (table[name].to_numpy() for name in ("sample_id", "statistic"))
            if not np.isfinite(values).all():
                bad = int(np.flatnonzero(~np.isfinite(values))[0])
                timestep, variant = kinds[code[bad]]
                raise SimauditError(
                    f"{path}: the statistic is {values[bad]} at timestep {timestep}, variant {variant}, sample_id "
                    f"{sample_id[bad]}; delete the file and score again, or leave that timestep or variant out"
                )
            statistic[row, np.searchsorted(samples, sample_id)] = values
        missing = np.argwhere(np.isnan(statistic))
        if len(missing):
            column, sample = columns[missing[0][0]], samples[missing[0][1]]
            raise SimauditError(
                f"{path}: sample_id {sample} lacks timestep {column.timestep}, variant {column.variant}; "
                "delete the file and run again"
            )
        return cls(
            attack=metadata["attack"],
            member_when=metadata["member_when"],
            columns=columns,
            sample_id=samples,
            is_member=is_member,
            is_calibration=is_calibration,
            statistic=statistic,
            log_snr={int(t): value for t, value in json.loads(metadata.get(LOG_SNR, "{}")).items()},
        )


def _samples_and_columns(file: pq.ParquetFile) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Column]]:
    """The distinct samples in order of sample_id, (N,), whether each is a member and is for calibration, (N,) bool, and
    the distinct statistics in file order.
    """
    samples: list[tuple[np.ndarray, ...]] = []
    columns: dict[tuple[int | None, str], Column] = {}
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, ["sample_id", "role", "fold", "timestep", "variant", "queries"])
        sample_id, first = np.unique(table["sample_id"].to_numpy(), return_index=True)
        samples.append((sample_id, _is(table["role"], MEMBER)[first], _is(table["fold"], CALIBRATION)[first]))
        code, kinds = _statistics_of(table)
        first = np.unique(code, return_index=True)[1]
        for (timestep, variant), queries in zip(kinds, table["queries"].to_numpy()[first], strict=True):
            columns.setdefault((timestep, variant), Column(timestep, variant, int(queries)))
    sample_id, is_member, is_calibration = map(np.concatenate, zip(*samples, strict=True))
    sample_id, first = np.unique(sample_id, return_index=True)
    return sample_id, is_member[first], is_calibration[first], list(columns.values())


def _is(column: pa.ChunkedArray, label: str) -> np.ndarray:
    """Where a column of labels, stored as a dictionary, has this one: (rows,) bool."""
    codes = column.combine_chunks()
    found: np.ndarray = np.array([name == label for name in codes.dictionary.to_pylist()])[
        codes.indices.to_numpy()
    ]
    return found


def _statistics_of(table: pa.Table) -> tuple[np.ndarray, list[tuple[int | None, str]]]:
    """Which statistic each row is of: a number (rows,), counted in file order, and (timestep, variant) by number.

    Millions of rows hold a few hundred distinct keys, so no key is looked up or compared row by row.
    """
    variants = table["variant"].combine_chunks()
    timestep = table["timestep"].fill_null(-1).to_numpy().astype(np.int64)
    key = (timestep + 1) * len(variants.dictionary) + variants.indices.to_numpy()
    first = np.full(key.max() + 1, -1)
    first[key[::-1]] = np.arange(len(key))[::-1]  # of equal keys the last assignment stays: the first row
    first_rows = np.sort(first[first >= 0])
    number = np.empty(len(first), dtype=np.int64)
    number[key[first_rows]] = np.arange(len(first_rows))
    kinds = [
        (None if timestep[row] < 0 else int(timestep[row]), variants[row].as_py())
        for row in first_rows.tolist()
    ]
    return number[key], kinds
