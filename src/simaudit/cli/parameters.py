"""Verbs about params.yaml: check it, print it, turn it into stamps."""

from pathlib import Path
from typing import Any

import click

from simaudit.cli.options import config_option


@click.command()
@config_option
def params(files: tuple[Path, ...]) -> None:
    """Check the parameters and print them, resolved."""
    import yaml

    click.echo(
        yaml.safe_dump(_params(files).model_dump(mode="json", exclude_none=True), sort_keys=False), nl=False
    )


@click.command()
def schema() -> None:
    """Print the JSON schema of params.yaml."""
    from simaudit.files import canonical_json
    from simaudit.params import model

    click.echo(canonical_json(model().model_json_schema()), nl=False)


@click.command()
@config_option
def stamps(files: tuple[Path, ...]) -> None:
    """Check the parameters and write the stamp of every job (results/params/)."""
    from simaudit.provenance.stamps import write

    write(_params(files))


def _params(files: tuple[Path, ...]) -> Any:
    from simaudit.params import merge, parse

    return parse(merge(files), files)
