"""Records: of each job, what decided it, what it read and made, and what computed it. Equal jobs give equal records.

A job has one record for all its outputs, under the name of its stamp: results/records/score/digits-ddpm/sima.json. What
changes from run to run (time, host, commit) stands in a log beside the job's own, never in a record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simaudit.provenance.environment import environment
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import hashes
from simaudit.storage.json import read_json, write_json
from simaudit.storage.reading import reading
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job


@dataclass(frozen=True)
class Record:
    """`params` and `code` are those of the job's `stamp`, the path of which is among the `inputs`.

    `inputs` and `outputs` are SHA-256 by path, `code` digests by module. `speed` are the knobs that cannot change the
    result, as they were; `environment` says what computed it: see `simaudit.provenance.environment`.
    """

    job: str
    stamp: str
    command: list[str]
    params: Any
    code: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    speed: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def phase(self) -> str:
        """The kind of job."""
        return self.job.split("/")[0]

    def is_by(self, stamp: Stamp) -> bool:
        """Return whether the job was done by this stamp."""
        return self.inputs.get(self.stamp) == stamp.identity

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Raises SimauditError when the file is missing or not a record."""
        with reading(path, "a record"):
            return cls(**read_json(path))


def write_record(job: Job, command: Iterable[str], used: Mapping[str, Any]) -> None:
    """Record a job that is done; `used` are speed knobs as they turned out, such as its device.

    Raises SimauditError when its stamp is not the one that the job was read from.
    """
    path = paths.stamp(job.name)
    stamp = Stamp.read(path)
    if stamp.identity != job.identity:
        raise SimauditError(f"{path}: changed while {job.name} ran by it; run the job again")
    record = Record(
        job=job.name,
        stamp=path.as_posix(),
        command=list(command),
        params=stamp.job.params,
        code=stamp.code,
        inputs=hashes([path, *job.inputs]),
        outputs=hashes(job.outputs),
        speed={**job.speed, **used},
        environment=environment(),
    )
    write_json(paths.record(job.name), asdict(record))


def read_records(folder: Path = paths.RECORDS) -> dict[str, Record]:
    """Read every record of a run by the name of its job."""
    records = (Record.read(path) for path in sorted(folder.rglob("*.json")))
    return {record.job: record for record in records}


def makers(records: Mapping[str, Record]) -> dict[str, Record]:
    """By path of every output the record of the job that made it."""
    return {path: record for record in records.values() for path in record.outputs}
