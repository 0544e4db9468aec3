"""All tables of a run: those of all targets together, and those of each."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from simaudit.report.findings import Findings
from simaudit.report.tables import of_run
from simaudit.report.tables.carried import carried
from simaudit.report.tables.controls import controls
from simaudit.report.tables.near_duplicates import near_duplicates
from simaudit.report.tables.of_target import TARGET_TABLES
from simaudit.report.tables.table import Table
from simaudit.vocabulary.paths import RUN

RUN_TABLES: tuple[Callable[[Findings], Table], ...] = (
    of_run.verdicts,
    controls,
    of_run.blind,
    near_duplicates,
    of_run.against,
    carried,
    of_run.autoencoders,
    of_run.quality,
    of_run.seeds,
    of_run.ranks,
    of_run.published,
)
"""In the order of print. A new one is a function from `Findings` to a `Table`, named here."""


def run_tables(findings: Findings) -> list[Table]:
    """Return the tables of all targets together."""
    return [_finished(findings, table(findings)) for table in RUN_TABLES]


def target_tables(findings: Findings, target: str) -> list[Table]:
    """Return the tables of one target."""
    return [_finished(findings, table(findings, target)) for table in TARGET_TABLES]


def every_table(findings: Findings) -> Iterator[tuple[str, Table]]:
    """Yield each table that has a file, with the target that it is of, or RUN.

    The attacks of all targets in one table are among them, for those who compute; a page shows each target's own.
    """
    for table in (*run_tables(findings), _finished(findings, of_run.all_attacks(findings))):
        yield RUN, table
    for target in findings.targets:
        for table in target_tables(findings, target):
            yield target, table


def _finished(findings: Findings, table: Table) -> Table:
    """Return a table without empty columns, with a note on those of its audits whose members are not verified.

    A mark that all numbers of a column have stands in its label.
    """
    cells = {cell for row in table.rows for cell in row}
    audits = cells | {findings.ledger.numbers[cell].audit for cell in cells if cell in findings.ledger}
    note = findings.membership_note(name for name in findings.targets if name in audits)
    return replace(table.without_empty(findings.ledger).marked(findings.ledger), note=note)
