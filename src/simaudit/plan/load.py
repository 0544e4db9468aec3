"""Reading parameters: files combined, expanded and validated, or one line for each mistake."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simaudit.plan.cohere import mistakes
from simaudit.plan.combine import combine
from simaudit.plan.expand import expand
from simaudit.plan.explain import explain, refusal
from simaudit.plan.params import Params
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary.errors import EntryError, SimauditError
from simaudit.vocabulary.paths import PARAMS


def load(files: Sequence[Path] = (PARAMS,), given: Any = None) -> Params:
    """Return the parameters of params.yaml and of experiments on top of it.

    `given` are further values, as on a command line. Raises SimauditError with one line for each mistake, naming the
    file and the key.
    """
    return parse(_contents(files, given))


def located(error: EntryError, files: Sequence[Path], given: Any = None) -> EntryError:
    """Return the error of a job with the name of the file, and the key, where its entry was written."""
    try:
        file, key = expand(combine(_contents(files, given))).where(error.keys)
    except SimauditError:  # the files are others by now
        return error
    return EntryError([key], error.why, file)


def _contents(files: Sequence[Path], given: Any) -> list[tuple[Path, Any]]:
    contents = [(file, read_yaml(file)) for file in files]
    return [*contents, (Path("--config"), given)] if given else contents


def parse(files: Sequence[tuple[Path, Any]]) -> Params:
    """Return the parameters of files that have been read: pairs of a name and its content, later ones on top.

    Raises SimauditError as `load` does.
    """
    expanded = expand(combine(files))
    values = expanded.values
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise explain(error, values, expanded.where) from None
    if found := list(mistakes(params)):
        raise refusal(found, expanded.where)
    return params
