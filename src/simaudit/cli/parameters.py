"""Verbs about params.yaml: check it, print it, turn it into stamps, say which figures it asks for."""

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
    from simaudit.plan.params import model
    from simaudit.storage.json import canonical_json

    click.echo(canonical_json(model().model_json_schema()), nl=False)


@click.command()
@config_option
def stamps(files: tuple[Path, ...]) -> None:
    """Check the parameters and write the stamp of every job (results/params/)."""
    from simaudit.provenance.stamps import write

    write(_params(files))


@click.command()
@config_option
def figures(files: tuple[Path, ...]) -> None:
    """List every figure that the parameters ask for, and why one cannot be drawn."""
    from simaudit.vocabulary.paths import RUN

    asked = _params(files)
    for folder in (RUN, *asked.targets):
        found = asked.figures_of_run if folder == RUN else asked.figures_of(folder)
        for figure, why_not in found.items():
            click.echo(f"{folder}/{figure}" + (f": not drawn, {why_not}" if why_not else ""))


def _params(files: tuple[Path, ...]) -> Any:
    from simaudit.plan.params import merge, parse

    return parse(merge(files), files)
