"""Writing the record of a job that is done."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import simaudit
from simaudit.provenance.records import FOLDER, Record
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import hashes, sha256_file
from simaudit.storage.json import write_json

LOCK = Path(simaudit.__file__).parents[2] / "requirements.lock"


def write_record(path: Path, command: Iterable[str], inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Record a job. Its own stamp is the first of its inputs; `path` may be among its outputs.

    A folder stands for all files in it.
    """
    inputs = list(inputs)
    stamp = Stamp.read(inputs[0])
    record = Record(
        job=path.relative_to(FOLDER).with_suffix("").as_posix(),
        stamp=inputs[0].as_posix(),
        command=list(command),
        params=stamp.params,
        code=stamp.code,
        inputs=hashes(inputs),
        outputs=hashes(file for file in outputs if file != path),
        environment=sha256_file(LOCK) if LOCK.exists() else None,
    )
    write_json(path, asdict(record))
