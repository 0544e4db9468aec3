"""Subcommands about params.yaml: check it, print it, write what follows from it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.paths import PARAMS

FILE = click.Path(path_type=Path, readable=False)  # reading it says what is wrong with it
DEFAULT = (PARAMS,)
config_option = click.option(
    "--config",
    "files",
    type=FILE,
    multiple=True,
    default=DEFAULT,
    help="params.yaml, then an experiment on top of it; repeatable.",
)


@click.command()
@config_option
def params(files: tuple[Path, ...]) -> None:
    """Check the parameters and print them with every sweep written out."""
    import yaml

    plain = load(files).model_dump(mode="json", exclude_none=True)
    click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), nl=False)


@click.command()
def schema() -> None:
    """Print the JSON schema of params.yaml."""
    from simaudit.plan.schema import schema
    from simaudit.storage.json import canonical_json

    click.echo(canonical_json(schema()), nl=False)


@click.command()
@config_option
@click.option(
    "--tidy", is_flag=True, help="Delete scores and figures that nobody asks for any more, and their records."
)
def stamps(files: tuple[Path, ...], tidy: bool) -> None:
    """Check the parameters and write what decides each job (results/params/), and what DVC must know of them."""
    from simaudit.machine.locks import require_no_other
    from simaudit.plan import dvc
    from simaudit.plan.jobs import jobs
    from simaudit.provenance.asked import remember
    from simaudit.provenance.records import tidy as drop
    from simaudit.provenance.stamps import write

    parameters = load(files)
    require_no_other()
    asked = {job.name: job for job in jobs(parameters)}
    write(asked.values())
    if tidy:
        drop(asked)
    remember(files)
    if files == DEFAULT and dvc.refresh(parameters):  # a DVC that runs this has read the old one
        raise SimauditError(
            f"{dvc.FILE}: was not what params.yaml asks for, and is now; run the command again"
        )


def load(files: Sequence[Path], given: Any = None) -> Any:
    """Return the parameters of these files, with further values on top of them."""
    from simaudit.plan.load import load

    return load(files, given)


def jobs_of(files: Sequence[Path], given: Any) -> Iterator[Any]:
    """Return the jobs that parameters ask for."""
    from simaudit.plan.jobs import jobs

    return jobs(load(files, given))
