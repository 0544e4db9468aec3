"""Stamps: for each job one small file with all that decides its output, apart from the content of its input files.

A stamp holds the job's own slice of the parameters, what it reads and writes, and the digest of the code that its
function reaches. Its hash is a parameter of the job's rule, and its file, rewritten only when its content changes, is a
dependency of its DVC stage: so a changed parameter or line of code reruns exactly the jobs that it concerns, under
Snakemake and under DVC alike. The job knows what to do from its stamp. Speed knobs, and which jobs one process does,
are in no stamp: a file beside holds each.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from simaudit.provenance import code
from simaudit.storage.hashes import hashes_of_each, sha256_bytes
from simaudit.storage.json import canonical_json, read_json, write_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job, by_process, plain

PACKAGE = "simaudit:"


@dataclass(frozen=True)
class Stamp:
    """A job as its file holds it, without speed knobs. `code` are digests by module.

    `given` are the hashes of the files that no job makes, by the path that the job names and by file.
    """

    job: Job
    code: dict[str, str]
    given: dict[str, dict[str, str]]

    @classmethod
    def of(cls, job: Job) -> "Stamp":
        """Return the stamp of a job with the code and the given files that are here now.

        Given files that are not here count as what they were: raw data may be elsewhere once a job has read them.
        """
        given = {_portable(path): files for path, files in hashes_of_each(job.given).items()}
        before = None if all(given.values()) else cls.readable(paths.stamp(job.name))
        known = before.given if before else {}
        return cls(job, code_of(job), {name: files or known.get(name, {}) for name, files in given.items()})

    @classmethod
    def read(cls, path: Path) -> "Stamp":
        """Return the stamp in a file. Raises SimauditError when it is missing or not a stamp."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = {key: content[key] for key in ("run", "params", "reads", "writes")}
            job = Job(content["job"], **known, plugins=tuple(content["plugins"]))
            given = {name: dict(files) for name, files in content.get("given", {}).items()}
            return cls(job, content["code"], given)
        except FileNotFoundError:
            raise SimauditError(f"{path}: missing; write it with: simaudit stamps") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SimauditError(f"{path}: not a stamp; write it anew with: simaudit stamps") from None

    @classmethod
    def readable(cls, path: Path) -> "Stamp | None":
        """Return the stamp in a file; None where there is none that can be read."""
        try:
            return cls.read(path)
        except SimauditError:
            return None

    @property
    def content(self) -> dict[str, Any]:
        """What the stamp's file holds."""
        job = self.job
        described = {"job": job.name, "run": job.run, "params": job.params}
        described |= {"plugins": list(job.plugins), "code": self.code}
        files = {"reads": plain(job.reads), "writes": plain(job.writes)}
        return {**described, **files, **({"given": self.given} if self.given else {})}

    @cached_property
    def text(self) -> str:
        """The stamp's file, to the byte."""
        return canonical_json(self.content)

    def stands_in(self, path: Path) -> bool:
        """Return whether a file is this stamp, to the byte."""
        return path.is_file() and path.read_bytes() == self.text.encode()

    def changed_files(self) -> list[str]:
        """Return the given files that are here otherwise than the stamp has them."""
        changed = []
        for name, hashes in self._here().items():
            known = self.given[name]
            here = hashes or known  # what is absent has not changed
            differing = [file for file in {*known, *here} if known.get(file) != here.get(file)]
            changed += [_file(name, file) for file in sorted(differing)]
        return changed

    def absent(self) -> list[str]:
        """Return the given files and folders that are no longer here, so that nothing can be said of them."""
        return [name for name, here in self._here().items() if self.given[name] and not here]

    def _here(self) -> dict[str, dict[str, str]]:
        """Return the hashes of the given files as they are here now; nothing of what is absent."""
        here = hashes_of_each(map(_path, self.given))
        return {name: here[_path(name)] for name in self.given}

    def given_files(self) -> dict[str, str]:
        """Return the hash of every given file that is no part of the package, by its path."""
        names = [name for name in self.given if not name.startswith(PACKAGE)]
        return {_file(name, file): digest for name in names for file, digest in self.given[name].items()}

    def relative_files(self) -> dict[str, str]:
        """Return those of them that are named by their path in the run's folder, which a clone lacks."""
        return {file: digest for file, digest in self.given_files().items() if not Path(file).is_absolute()}

    @property
    def identity(self) -> str:
        """SHA-256 of the stamp's content."""
        return sha256_bytes(self.text.encode())


def _portable(path: Path) -> str:
    """Return a path as a stamp holds it: inside the package, wherever that is installed, as simaudit:<path>."""
    inside = path.is_relative_to(code.ROOT)
    return PACKAGE + path.relative_to(code.ROOT).as_posix() if inside else path.as_posix()


def _file(name: str, file: str) -> str:
    """Return the path of a file in a given folder; the name itself where it is that of a file."""
    return name if Path(name).name == file else f"{name}/{file}"


def _path(name: str) -> Path:
    """Return the path that a stamp holds under this name."""
    return code.ROOT / name.removeprefix(PACKAGE) if name.startswith(PACKAGE) else Path(name)


def code_of(job: Job) -> dict[str, str]:
    """Return the code that is here now for a job: digests by module."""
    return code.digest([job.run, *job.plugins])


def read_job(name: str) -> Job:
    """Read the job of that name from its stamp, with its speed knobs and its identity.

    Raises SimauditError when its stamp, or the file of speed knobs, is missing or damaged.
    """
    stamp = Stamp.read(paths.stamp(name))
    speed = read_json(paths.SPEED).get(name, {}) if paths.SPEED.exists() else {}
    return replace(stamp.job, speed=speed, identity=stamp.identity)


def read_jobs(name: str) -> list[Job]:
    """Read the jobs that the process of that name does, one at least, in order. Raises SimauditError as `read_job`."""
    processes = read_json(paths.PROCESSES) if paths.PROCESSES.exists() else {}
    return [read_job(job) for job in processes.get(name, [name])]


def changes(jobs: Iterable[Job], folder: Path = paths.STAMPS) -> tuple[dict[Path, Stamp], list[Path]]:
    """Return what keeps `folder` from being in line with `jobs`: stamps that are not there as they should be, by path,
    and files that nobody asks for.
    """
    wanted = {folder / f"{job.name}.json": Stamp.of(job) for job in jobs}
    changed = {path: stamp for path, stamp in wanted.items() if not stamp.stands_in(path)}
    return changed, [path for path in folder.rglob("*.json") if path not in wanted]


def write(
    jobs: Iterable[Job],
    folder: Path = paths.STAMPS,
    speed: Path = paths.SPEED,
    processes: Path = paths.PROCESSES,
) -> None:
    """Bring `folder` in line with `jobs`: write what changed, leave what did not, drop what nobody asks for."""
    jobs = list(jobs)
    changed, dropped = changes(jobs, folder)
    for path, stamp in changed.items():
        write_json(path, stamp.content)
    for path in dropped:
        path.unlink()
    names = {process: [job.name for job in done] for process, done in by_process(jobs).items()}
    several = {process: of_it for process, of_it in names.items() if of_it != [process]}
    for file, content in ((speed, {job.name: job.speed for job in jobs if job.speed}), (processes, several)):
        if not file.exists() or file.read_bytes() != canonical_json(content).encode():
            write_json(file, content)


def require(jobs: Iterable[Job], folder: Path = paths.STAMPS) -> None:
    """Require that `folder` is in line with `jobs`: another Snakemake runs jobs by it, so that it must not change.

    Raises SimauditError when it is not.
    """
    changed, dropped = changes(jobs, folder)
    if first := next(iter([*changed, *dropped]), None):
        raise SimauditError(
            f"{first}: another Snakemake runs in this folder by other parameters or code; wait until it has ended"
        )
