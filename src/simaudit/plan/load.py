"""Reading parameters: files combined, expanded and validated, or one line for each mistake."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simaudit.attacks.attack import attack_modules
from simaudit.data.source import source_modules
from simaudit.figures.figure import figure_modules
from simaudit.plan.expand import combine, expand
from simaudit.plan.explain import Sources, explain
from simaudit.plan.params import Params, validate
from simaudit.storage.yaml import read_yaml
from simaudit.targets.family import family_modules
from simaudit.vocabulary.errors import SimauditError

DEFAULT = Path("params.yaml")


def load(files: Sequence[Path] = (DEFAULT,), given: Any = None) -> Params:
    """The parameters of params.yaml and of experiments on top of it; `given` are further values, as on a command line.

    Raises SimauditError with one line for each mistake, naming the file and the key.
    """
    contents = [(file, read_yaml(file)) for file in files]
    return parse([*contents, (Path("--config"), given)] if given else contents)


def parse(files: Sources) -> Params:
    """The parameters of files that have been read: pairs of a name and its content, later ones on top.

    Raises SimauditError as `load` does.
    """
    try:
        expanded = expand(combine([content for _, content in files]))
    except SimauditError as error:
        raise SimauditError(f"{files[-1][0]}: {error}") from None
    try:
        return validate(expanded.values)
    except ValidationError as error:
        known = {
            "datasets": list(source_modules()),
            "targets": list(family_modules()),
            "attacks": list(attack_modules()),
            "figures": list(figure_modules()),
        }
        raise SimauditError(explain(error, expanded, files, known)) from None
