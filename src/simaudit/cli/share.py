"""Subcommands that hand results from one engine, or one person, to another."""

import click


@click.command()
def restore() -> None:
    """After git clone and dvc pull: tell Snakemake that all results are there."""
    from simaudit.provenance import handover

    handover.restore()
    click.echo("snakemake finds nothing to do", err=True)


@click.command()
def adopt() -> None:
    """After a direct snakemake run: tell DVC that the results are what they should be."""
    from simaudit.cli.parameters import jobs_of
    from simaudit.provenance import handover

    handover.adopt(jobs_of)
    click.echo("dvc.lock describes what is there; version it with git, and dvc push", err=True)
