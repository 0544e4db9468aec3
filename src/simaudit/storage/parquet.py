"""Tables in Parquet files that are whole or absent."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.storage.atomic import atomic_path
from simaudit.vocabulary.errors import SimauditError


def write_table(path: Path, frame: pd.DataFrame, schema: pa.Schema | None = None) -> None:
    """Write a table, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), temporary)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table. Raises SimauditError when the file is missing or not whole."""
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; make it with: snakemake --cores all {path}") from None
    except pa.ArrowException as error:
        raise SimauditError(f"{path}: not a whole file ({error}); delete it and run again") from None
