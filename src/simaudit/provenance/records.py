"""Records: of each job, what it was asked, what it read and what it made, by hash. The same job gives the same record.

A job has one record for all its outputs, under the name of its stamp: results/records/score/digits-ddpm/sima.json. What
changes from run to run (time, host, commit) stands in a log beside the job's own, never in a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.storage.json import read_json
from simaudit.vocabulary.errors import SimauditError

FOLDER = Path("results/records")


@dataclass(frozen=True)
class Record:
    """Of one job. `inputs` and `outputs` are SHA-256 by path, `code` by module; `environment` is that of the lock.

    `stamp` is the path of the stamp that asked for it, one of its inputs, and `params` what it asked.
    """

    job: str
    stamp: str
    command: list[str]
    params: Any
    code: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    environment: str | None

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Raises SimauditError when the file is missing or not a record."""
        content = read_json(path)
        try:
            return cls(**content)
        except TypeError:
            raise SimauditError(f"{path}: not a record; delete it and run again") from None


def read_records(folder: Path = FOLDER) -> dict[str, Record]:
    """Every record of a run by the name of its job."""
    records = (Record.read(path) for path in sorted(folder.rglob("*.json")))
    return {record.job: record for record in records}


def makers(records: Mapping[str, Record]) -> dict[str, Record]:
    """By path of every output the record of the job that made it."""
    return {path: record for record in records.values() for path in record.outputs}
