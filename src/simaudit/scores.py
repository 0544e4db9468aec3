"""The score file: the only thing between attacks and evaluation. Knows nothing of models, never imports torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.data.split import CALIBRATION, EVALUATION, HELDOUT, MEMBER, Split
from simaudit.errors import SimauditError

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
            _labels(split.role[rows] == HELDOUT, ROLES, statistics),
            _labels(split.fold[rows] == EVALUATION, FOLDS, statistics),
            pa.array(timesteps, mask=timesteps < 0),
            pa.DictionaryArray.from_arrays(codes.repeat(samples), variants),
            pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel()),
            pa.array(queries.repeat(samples)),
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


def _labels(is_second: np.ndarray, names: list[str], times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.tile(is_second.astype(np.int8), times), names)


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
        samples, columns = _samples_and_columns(file)
        index = pd.MultiIndex.from_frame(columns[["timestep", "variant"]])
        statistic = np.full((len(columns), len(samples)), np.nan, dtype=np.float32)
        for group in range(file.num_row_groups):
            frame = file.read_row_group(group, ["sample_id", "timestep", "variant", "statistic"]).to_pandas()
            keys = frame[["timestep", "variant"]].fillna({"timestep": -1})
            # A few thousand distinct keys stand in millions of rows: look each up once.
            code = keys.groupby(["timestep", "variant"], sort=False, observed=True).ngroup().to_numpy()
            distinct = pd.MultiIndex.from_frame(keys.drop_duplicates())
            row = index.get_indexer(distinct)[code]
            statistic[row, np.searchsorted(samples.index, frame.sample_id)] = frame.statistic
        missing = np.argwhere(np.isnan(statistic))
        if len(missing):
            column, sample = columns.iloc[missing[0][0]], samples.index[missing[0][1]]
            raise SimauditError(
                f"{path}: sample_id {sample} lacks timestep {column.timestep}, variant {column.variant}; "
                "delete the file and run again"
            )
        return cls(
            attack=metadata["attack"],
            member_when=metadata["member_when"],
            columns=[
                Column(None if t < 0 else int(t), str(variant), int(queries))
                for t, variant, queries in columns.itertuples(index=False)
            ],
            sample_id=samples.index.to_numpy(),
            is_member=(samples.role == MEMBER).to_numpy(),
            is_calibration=(samples.fold == CALIBRATION).to_numpy(),
            statistic=statistic,
        )


def _samples_and_columns(file: pq.ParquetFile) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The distinct samples (role and fold by sample_id, sorted) and the distinct statistics, in file order."""
    samples, columns = [], []
    for group in range(file.num_row_groups):
        frame = file.read_row_group(group).to_pandas()
        samples.append(
            frame[["sample_id", "role", "fold"]].drop_duplicates().astype({"role": str, "fold": str})
        )
        columns.append(
            frame[["timestep", "variant", "queries"]]
            .drop_duplicates()
            .fillna({"timestep": -1})
            .astype({"timestep": int, "variant": str})
        )
    return (
        pd.concat(samples).drop_duplicates().set_index("sample_id").sort_index(),
        pd.concat(columns).drop_duplicates(ignore_index=True),
    )
