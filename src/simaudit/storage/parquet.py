"""Tables in Parquet files that are whole or absent, with a checksum of every page: a bit that flips is noticed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading

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


def read_table(path: Path) -> pd.DataFrame:
    """Read a table. Raises SimauditError when the file is missing or not whole."""
    with reading(path, "a whole table"):
        frame: pd.DataFrame = pq.read_table(path, **CHECKED).to_pandas()
    return frame
