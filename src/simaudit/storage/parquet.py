"""Tables in Parquet files that are whole or absent, with a checksum of every page: a bit that flips is noticed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading

pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps for itself what was freed
CHECKSUMS = {"write_page_checksum": True}
"""What every writer of a Parquet file is told."""
CHECKED = {"page_checksum_verification": True}
"""What every reader of a Parquet file is told; a file that another program wrote may have no checksums."""


def write_table(path: Path, frame: pd.DataFrame, schema: pa.Schema | None = None) -> None:
    """Write a table, atomically."""
    with atomic_path(path) as temporary:
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        pq.write_table(table, temporary, **CHECKSUMS)


def row_count(path: Path) -> int:
    """Return how many rows a table has, from the end of its file; 0 where there is no whole file yet."""
    try:
        rows: int = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowInvalid):
        return 0
    return rows


def read_columns(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns of a table, which is read one row group at a time.

    Otherwise what is read of all of them, compressed and not, is in memory at once.
    """
    groups = range(file.num_row_groups)
    parts = [file.read_row_group(group, columns=columns, use_threads=False) for group in groups]
    return pa.concat_tables(parts) if parts else file.schema_arrow.empty_table().select(columns)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table. Raises SimauditError when the file is missing or not whole."""
    with reading(path, "a whole table"):
        frame: pd.DataFrame = pq.read_table(path, **CHECKED).to_pandas()
    return frame
