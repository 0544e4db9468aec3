"""The files that a crate describes, which of them it holds, and the check that each is what the records say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from simaudit.provenance.records import FOLDER, Record
from simaudit.provenance.verify import files
from simaudit.storage.hashes import hashes
from simaudit.vocabulary.errors import SimauditError

PROGRAM = (
    *("Snakefile", "workflow", "src", "params.yaml", "config", "profiles"),
    *("Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "CITATION.cff"),
)
"""What another person needs to run everything again; what does not exist is left out."""
NEEDED = ("Snakefile", "CITATION.cff")
DATA = {".npy", ".npz", ".parquet", ".safetensors"}
"""Images, weights and scores are large and may be private, so a crate names them by hash."""


@dataclass(frozen=True)
class Content:
    """A file of a run, with its path in the project. `inside` says whether the crate holds it or only names it."""

    path: str
    sha256: str
    size: int
    inside: bool


def contents(records: Mapping[str, Record], with_data: bool) -> dict[str, Content]:
    """Return every file that jobs read or made, their records, and the program, by path.

    Raises SimauditError when there is no record, or when a file or module differs from what a record says, since the
    crate would then state something false.
    """
    if not records:
        raise SimauditError("results/records: no record; make them with: snakemake --cores all")
    for path in NEEDED:
        if not Path(path).is_file():
            raise SimauditError(f"{path}: missing; run in the folder that holds it")
    _refuse([str(changed) for changed in files(records.values())])
    program = hashes(file for name in PROGRAM for file in _all(Path(name)))
    _refuse(
        [
            f"code: {module} (of {record.job}) is not what ran"
            for record in records.values()
            for module, digest in record.code.items()
            if digest not in {program.get(path) for path in module_files(module)}
        ]
    )
    recorded = {
        path: digest
        for record in records.values()
        for path, digest in (*record.inputs.items(), *record.outputs.items())
    }
    known = {**program, **hashes(record_file(job) for job in records), **recorded}
    return {
        path: Content(path, digest, Path(path).stat().st_size, with_data or Path(path).suffix not in DATA)
        if _in_project(path)
        else Content(path, digest, Path(path).stat().st_size, False)
        for path, digest in sorted(known.items())
    }


def module_files(module: str) -> tuple[str, str]:
    """Return the two paths at which the source of a module may be."""
    path = f"src/{module.replace('.', '/')}"
    return f"{path}.py", f"{path}/__init__.py"


def record_file(job: str) -> Path:
    """Return the path of a job's record."""
    return FOLDER / f"{job}.json"


def _refuse(differences: list[str]) -> None:
    if differences:
        more = f", and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise SimauditError(
            f"{differences[0]}{more}; a crate would claim what is not so: run snakemake --cores all again, "
            "and delete the records of jobs that are no longer asked for"
        )


def _all(path: Path) -> Iterable[Path]:
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc")
        return (file for file in inside if not any(part.startswith(".") for part in file.parts))
    return (path,) if path.is_file() else ()


def _in_project(path: str) -> bool:
    return not PurePath(path).is_absolute() and ".." not in PurePath(path).parts
