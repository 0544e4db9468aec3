"""Tables in Parquet files that are whole or absent."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading


def write_table(path: Path, frame: pd.DataFrame, schema: pa.Schema | None = None) -> None:
    """Write a table, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), temporary)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table. Raises SimauditError when the file is missing or not whole."""
    with reading(path, "a whole table"):
        return pd.read_parquet(path)
