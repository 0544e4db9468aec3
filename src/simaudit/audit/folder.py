"""The folder of an audit: what is written there before it runs, and for which question it may be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType

import simaudit
from simaudit.audit.question import IMAGES, Question
from simaudit.storage.atomic import atomic_path
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.paths import PARAMS

SNAKEFILE, PROFILE = "Snakefile", "profiles/default/config.yaml"
INCLUDE = f"""\
# The rules of simaudit, wherever it is installed, on the params.yaml beside this file: snakemake --cores all
from simaudit.audit.folder import workflow_file


include: str(workflow_file("{SNAKEFILE}"))


rule audit: # an included file's default does not count
    default_target: True
    input:
        rules.all.input,
"""
PACKAGE = Path(simaudit.__file__).parent
PLACES = (PACKAGE / "pipeline", PACKAGE.parents[1])
"""Where the workflow lies: in an installed package, or in the repository around its source."""


def workflow_file(name: str) -> Path:
    """Return a file of the project's workflow, such as its Snakefile.

    Raises SimauditError where the package was installed without it.
    """
    for place in PLACES:
        if (place / name).is_file():
            return place / name
    raise SimauditError(f"{PLACES[0] / name}: missing; install simaudit again")


def require_usable(output: Path, question: Question) -> None:
    """Require that a folder is empty, or holds an audit of the same model, images and members.

    Raises SimauditError otherwise, and where the folder and the given ones lie in one another.
    """
    for option, given in ("--model", question.model), ("--images", question.images):
        if output.resolve().is_relative_to(given.resolve()) or given.resolve().is_relative_to(
            output.resolve()
        ):
            raise SimauditError(
                f"--output {output}: lies in the folder of {option}, or it in there; name another"
            )
    require_own(output, PARAMS, "audit")
    before = output / PARAMS
    if before.is_file() and (other := _other_subject(before, question)):
        raise SimauditError(f"--output {output}: holds an audit of {other}; name another folder")


def require_own(output: Path, mark: Path, what: str) -> None:
    """Require that a folder can be written, and is empty or holds the file `mark`, by which it is known as `what`.

    Raises SimauditError otherwise.
    """
    if output.exists() and not output.is_dir():
        raise SimauditError(f"--output {output}: is a file; name a folder")
    _require_writable(output)
    is_own = (output / mark).is_file()
    if not is_own and output.is_dir() and any(not path.name.startswith(".") for path in output.iterdir()):
        raise SimauditError(
            f"--output {output}: holds other files and no {what}; name a new or an empty folder"
        )


def _require_writable(output: Path) -> None:
    """Raise SimauditError where files cannot be written in a folder, or it cannot be made."""
    there = next(place for place in (output, *output.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise SimauditError(f"--output {output}: {there} is no folder; name another")
    try:
        with TemporaryFile(dir=there):  # permissions do not tell it of root, or of /proc
            pass
    except OSError as error:
        raise SimauditError(
            f"--output {output}: {there} cannot be written in ({error.strerror}); name another folder"
        ) from None


def _other_subject(params: Path, question: Question) -> str:
    """Return what else than the question's subject an earlier params.yaml is about; nothing where it is the same."""
    values = read_yaml(params)
    try:
        (target,) = values["targets"].values()
        other = question.other_than(values["datasets"][IMAGES], values["splits"][IMAGES], target)
    except (KeyError, TypeError, AttributeError, ValueError, StopIteration):
        return f"something else ({PARAMS} was not written by simaudit audit)"
    return " and ".join(other)


def write(output: Path, params: str, lists: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write what Snakemake needs in the folder: params.yaml, the Snakefile, how it runs jobs, and `lists` by name."""
    files = {
        **lists,
        PARAMS.name: params,
        SNAKEFILE: INCLUDE,
        PROFILE: workflow_file(PROFILE).read_text(encoding="utf-8"),
    }
    for name, content in files.items():
        file = output / name
        if not file.is_file() or file.read_text(encoding="utf-8") != content:
            with atomic_path(file) as temporary:
                temporary.write_text(content, encoding="utf-8", newline="\n")
