"""Records: of each job, what decided it, what it read and made, and what computed it. Equal jobs give equal records.

A job has one record for all its outputs, under the name of its stamp: results/records/score/digits-ddpm/sima.json. What
changes from run to run (time, host, commit) stands in a log beside the job's own, never in a record.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simaudit.provenance.environment import environment
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import hashes, sha256_bytes
from simaudit.storage.json import canonical_json, read_json, write_json
from simaudit.storage.reading import reading
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

SHARING = ("figure", "score")
"""The phases whose jobs write into one folder for each audit."""


@dataclass(frozen=True)
class Record:
    """`params` and `code` are those of the job's `stamp`, the path of which is among the `inputs`.

    `inputs` and `outputs` are SHA-256 by path, None for an output that was measured and comes out otherwise each time;
    `code` are digests by module. `speed` are the knobs that cannot change the result, as they were; `environment` says
    what computed it: see `simaudit.provenance.environment`. The file also holds `sha256`, that of all the rest.
    """

    job: str
    stamp: str
    command: list[str]
    params: Any
    code: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str | None]
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
        """Return the record in a file. Raises SimauditError when it is missing or not a record."""
        with reading(path, "a record"):
            content = dict(read_json(path))
            if content.pop("sha256", None) != _digest(content):
                raise ValueError("it was changed after it was written")
            return cls(**content)

    def write(self, path: Path) -> None:
        """Write the record's file."""
        content = asdict(self)
        write_json(path, {**content, "sha256": _digest(content)})


def write_record(job: Job, command: Iterable[str], used: Mapping[str, Any]) -> None:
    """Record a job that is done; `used` are speed knobs as they turned out, such as its device.

    Raises SimauditError when its stamp is not the one that the job was read from.
    """
    path = paths.stamp(job.name)
    stamp = Stamp.read(path)
    if stamp.identity != job.identity:
        raise SimauditError(f"{path}: changed while {job.name} ran by it; run the job again")
    measured = [file.as_posix() for file in job.outputs if any(map(file.is_relative_to, paths.MEASURED))]
    record = Record(
        job=job.name,
        stamp=path.as_posix(),
        command=list(command),
        params=stamp.job.params,
        code=stamp.code,
        inputs=hashes([path, *job.inputs]),
        outputs={**hashes(job.outputs), **dict.fromkeys(measured)},
        speed={**job.speed, **used},
        environment=environment(stamp.code),
    )
    record.write(paths.record(job.name))


def records_in(folder: Path = paths.RECORDS) -> tuple[dict[str, Record], dict[str, SimauditError]]:
    """Read every record of a run that can be read, by the name of its job; and what is wrong with every other."""
    records, damage = {}, {}
    for path in sorted(folder.rglob("*.json")):
        try:
            record = Record.read(path)
            if path != folder / f"{record.job}.json":
                raise SimauditError(f"{path}: a record of {record.job}; delete it and run again")
            records[record.job] = record
        except SimauditError as error:
            damage[path.relative_to(folder).with_suffix("").as_posix()] = error
    return records, damage


def read_records(folder: Path = paths.RECORDS) -> dict[str, Record]:
    """Read every record of a run by the name of its job. Raises SimauditError when one cannot be read."""
    records, damage = records_in(folder)
    for error in damage.values():
        raise error
    return records


def tidy(asked: Container[str]) -> None:
    """Delete what jobs made that are not among those asked for, and their records, in the folders that jobs share.

    In DVC's eyes such a folder, as that of all scores of an audit, is one output: what nobody asks for any more would
    stay in it. Files that other jobs made too are left, and so is whatever has a folder of its own, as weights do.
    """
    records, _ = records_in()
    kept = makers({name: record for name, record in records.items() if name in asked})
    for name, record in records.items():
        if name not in asked and record.phase in SHARING:
            for file in record.outputs.keys() - kept.keys():
                Path(file).unlink(missing_ok=True)
            paths.record(name).unlink()


def makers(records: Mapping[str, Record]) -> dict[str, Record]:
    """Return the record of the job that made each output, by its path."""
    return {path: record for record in records.values() for path in record.outputs}


def _digest(content: Mapping[str, Any]) -> str:
    return sha256_bytes(canonical_json(content).encode())
