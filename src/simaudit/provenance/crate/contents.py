"""Which files a crate tells of, which of them it holds, and that every one is what the records say that it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from simaudit.provenance import code
from simaudit.provenance.asked import changed_code
from simaudit.provenance.records import Record
from simaudit.provenance.stamps import Stamp
from simaudit.provenance.verify import files
from simaudit.storage.hashes import hashes
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

PROGRAM = (
    *("Snakefile", "workflow", "src", "params.yaml", "experiments", "profiles"),
    *("Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "CITATION.cff"),
)
"""What another person needs to run it all again, as far as it is there."""
NEEDED = ("Snakefile", "CITATION.cff")
SOURCE = Path("src/simaudit")
DATA = {".npy", ".npz", ".parquet", ".safetensors"}
"""Images, weights, scores: large, and perhaps not for everybody, so a crate names them by hash."""


@dataclass(frozen=True)
class Content:
    """A file of a run by its path in the project. `inside` says whether the crate holds it or only names it."""

    path: str
    sha256: str
    size: int
    inside: bool


def contents(records: Mapping[str, Record], with_data: bool) -> dict[str, Content]:
    """Return every file that jobs read or made, their records, and the program; by path.

    Raises SimauditError when there is no record, or when a file or module is not what a record says that it was: a
    crate would claim what is not so.
    """
    if not records:
        raise SimauditError("results/records: no record; make them with: snakemake --cores all")
    for path in NEEDED:
        if not Path(path).is_file():
            raise SimauditError(f"{path}: missing; a crate holds the program too, so run in its repository")
    _refuse([str(changed) for changed in files(records.values())])
    if SOURCE.resolve() != code.ROOT.resolve():
        raise SimauditError(f"{SOURCE}: not the simaudit that is running ({code.ROOT}); install it from here")
    _refuse(
        [
            f"code: {module} (of {record.job}) is not what ran"
            for record in records.values()
            for module in changed_code(record, Stamp.read(Path(record.stamp)).job)
        ]
    )
    program = hashes(file for name in PROGRAM for file in _all(Path(name)))
    recorded = {
        path: digest
        for record in records.values()
        for path, digest in (*record.outputs.items(), *record.inputs.items())
    }
    measured = hashes(Path(path) for path, digest in recorded.items() if digest is None)
    others = {path: digest for path, digest in recorded.items() if digest}
    known = {**program, **hashes(paths.record(job) for job in records), **others, **measured}
    return {
        path: Content(path, digest, Path(path).stat().st_size, with_data or Path(path).suffix not in DATA)
        if _in_project(path)
        else Content(path, digest, Path(path).stat().st_size, False)
        for path, digest in sorted(known.items())
    }


def module_files(module: str) -> tuple[str, str]:
    """Return the paths at which the source of a module may be."""
    path = f"src/{module.replace('.', '/')}"
    return f"{path}.py", f"{path}/__init__.py"


def _refuse(found: list[str]) -> None:
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise SimauditError(
            f"{found[0]}{more}; a crate would claim what is not so: run snakemake --cores all again, "
            "and delete the records of jobs that are no longer asked for"
        )


def _all(path: Path) -> Iterable[Path]:
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc")
        return (file for file in inside if not any(part.startswith(".") for part in file.parts))
    return (path,) if path.is_file() else ()


def _in_project(path: str) -> bool:
    return not PurePath(path).is_absolute() and ".." not in PurePath(path).parts
