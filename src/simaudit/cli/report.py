"""Verbs that write what a person reads: tables, report."""

from pathlib import Path
from typing import Any

import click

from simaudit.cli.options import FILE, FOLDER, results_option, stamp_option


@click.command()
@stamp_option
@results_option
@click.option("--output", type=FOLDER, required=True, help="Where the tables go, a folder a target.")
def tables(stamp: Path, results: Path, output: Path) -> None:
    """Write every table as Markdown, CSV and LaTeX."""
    from simaudit.report.tables.every import every_table
    from simaudit.report.tables.forms import write
    from simaudit.storage.atomic import atomic_path

    _, findings = _findings(stamp, results)
    with atomic_path(output) as temporary:
        write(every_table(findings), findings.ledger, temporary)


@click.command()
@stamp_option
@results_option
@click.option("--output", type=FILE, required=True, help="Where the page goes, HTML.")
def report(stamp: Path, results: Path, output: Path) -> None:
    """Write the page that says which controls passed and what each target leaks, with every figure and table."""
    from simaudit.provenance.stamps import Stamp
    from simaudit.report.page.write import write_page

    job, findings = _findings(stamp, results)
    splits = {
        name: Stamp.read(path).params
        for name in findings.splits
        if (path := results / "params" / "split" / f"{name}.json").exists()
    }
    write_page(output, results, findings, job["drawn"], job["undrawn"], splits)


def _findings(stamp: Path, results: Path) -> Any:
    """Return the parameters of a stamp, and the findings on the targets that it names."""
    from simaudit.provenance.stamps import Stamp
    from simaudit.report.findings import Findings
    from simaudit.vocabulary.context import AuditContext

    job = Stamp.read(stamp).params
    contexts = {target: AuditContext(**context) for target, context in job["targets"].items()}
    return job, Findings.read(results, contexts)
