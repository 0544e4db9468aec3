"""The subcommand that holds two runs against each other."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("first", type=PATH, metavar="A")
@click.argument("second", type=PATH, metavar="B")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Also write all of it as one HTML page."
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="At most so many rows of each table.",
)
def diff(first: Path, second: Path, output: Path | None, rows: int) -> None:
    """Show what differs between the runs A and B: verdicts, grades, controls, AUC and TPR with limits, parameters.

    A and B are folders with results/, or files in results/, such as numbers.json.
    """
    from simaudit.provenance.tree import show
    from simaudit.report.diff.run import Compared
    from simaudit.report.diff.sections import NOTE
    from simaudit.report.diff.shown import diff_page, diff_tables, said
    from simaudit.storage.atomic import atomic_path

    runs, names = (Compared.read(first), Compared.read(second)), (str(first), str(second))
    if output:  # first, since who pipes the tables into a pager may not read to their end
        with atomic_path(output) as temporary:
            temporary.write_text(diff_page(*runs, names), encoding="utf-8")
        click.echo(f"{output}: written", err=True)
    for letter, name, taken in said(*runs, names):
        click.echo(f"{letter}: {name}   {taken}")
    for table in diff_tables(*runs, rows):
        show(table)
    click.echo(NOTE)
