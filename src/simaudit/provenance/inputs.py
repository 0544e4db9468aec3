"""Whether the files that jobs are about to read are those that other jobs have made."""

from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from simaudit.provenance.asked import command_again
from simaudit.provenance.records import Record, records_in
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import hashes, sha256_file
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

HASHED_ANEW = 256_000_000
"""Bytes of a job's inputs that are hashed each time, less than a second's work; the hash of what is beyond is looked up
by path, size, time of change and inode, and a bit that flips there is for the checksums in the file to find."""


def require_as_made(jobs: Sequence[Job]) -> None:
    """Require that every file that the jobs of a process read is what the record of the job that made it says.

    A file that no record knows passes, and so does one that a job of the process makes before another reads it. Raises
    SimauditError with the first file that is damaged or missing.
    """
    records, _ = records_in()
    own = {job.name for job in jobs}
    others = [record for record in records.values() if record.job not in own]
    expected = _expected(others, {path for job in jobs for path in job.inputs})
    for file, digest in _digests([path for path in expected if path.is_file()]).items():
        made = expected[Path(file)]
        if digest not in made:
            raise _refusal(file, "not what {} made", made.values())
    for path, made in expected.items():
        if not path.is_file():
            raise _refusal(path.as_posix(), "missing, and {} made it", made.values())


def require_as_given(jobs: Sequence[Job]) -> None:
    """Require that the files that were given to jobs are still what their stamps say, or no longer here at all.

    Raises SimauditError with the first that is another.
    """
    for job in jobs:
        if changed := Stamp.read(paths.stamp(job.name)).changed_files():
            raise SimauditError(f"{changed[0]}: changed since this run began; run the same again")


def _expected(records: Iterable[Record], read: Set[Path]) -> dict[Path, dict[str, str]]:
    """Return by path of what is read who made it: jobs by the SHA-256 of what each recorded, mostly one."""
    expected = dict[Path, dict[str, str]]()
    for record in records:
        for name, digest in record.outputs.items():
            path = Path(name)
            if digest and not read.isdisjoint((path, *path.parents)):
                expected.setdefault(path, {})[digest] = record.job
    return expected


def _digests(files: list[Path]) -> dict[str, str]:
    """Return the SHA-256 of files by path: of small ones hashed anew, of the largest by the cache."""
    left, large, digests = HASHED_ANEW, list[Path](), dict[str, str]()
    for file in sorted(files, key=lambda file: file.stat().st_size):
        left -= file.stat().st_size
        if left < 0:
            large.append(file)
        else:
            digests[file.as_posix()] = sha256_file(file)
    return {**digests, **(hashes(large) if large else {})}


def _refusal(file: str, what: str, makers: Iterable[str]) -> SimauditError:
    maker = next(iter(makers))
    return SimauditError(f"{file}: {what.format(maker)}; make it again with: {command_again([maker])}")
