"""Verbs that say where results come from and whether that is true, and hand them on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from simaudit.vocabulary.errors import SimauditError

DISAGREES = 1


@click.command()
@click.argument("what", metavar="ID|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every parameter, command and hash.")
def trace(what: str, as_json: bool) -> None:
    """Show every job that a number of results/numbers.json, or a file, comes from."""
    import rich

    from simaudit.provenance import tree
    from simaudit.provenance.records import read_records
    from simaudit.provenance.trace import NUMBERS, printed_in, trace_file, trace_number
    from simaudit.storage.json import canonical_json, read_json

    records = read_records()
    if Path(what).exists():
        step = trace_file(Path(what).as_posix(), records)
        found: dict[str, Any] = {"file": what, "chain": step.json()}
        drawn = tree.file_tree(what, step)
    else:
        numbers = read_json(NUMBERS)
        step, tables = trace_number(what, numbers, records), printed_in(what)
        found = {"id": what, **numbers[what], "printed_in": tables, "chain": step.json()}
        drawn = tree.number_tree(what, numbers, tables, step)
    if as_json:
        click.echo(canonical_json(found), nl=False)
    else:
        rich.print(drawn)


@click.command()
@click.argument("what", metavar="[ID|FILE]", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Every record, number, table and metric, and dvc.lock."
)
@click.option(
    "--rerun", "again", metavar="PHASE:TARGET", help="Run these jobs again in a clean clone and compare."
)
def verify(what: str | None, everything: bool, again: str | None) -> None:
    """Check what a number or file says of where it is from, or all of a run. Exit code 0 only if everything agrees."""
    from simaudit.provenance.records import read_records

    if sum((what is not None, everything, again is not None)) != 1:
        raise SimauditError("simaudit verify: give one of ID, FILE, --all, --rerun PHASE:TARGET")
    records = read_records()
    if not records:
        raise SimauditError("results/records: no record; make them with: snakemake --cores all")
    checks = _again(again, records) if again else _of(what, records) if what else _all(records)
    found = 0
    for name, disagreements in checks:
        for disagreement in disagreements:
            click.echo(str(disagreement))
            found += 1
        click.echo(f"checked {name}", err=True)
    click.echo(f"{found} disagreements" if found else "everything agrees", err=True)
    sys.exit(DISAGREES if found else 0)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("results/crate"),
    show_default=True,
    help="A folder, or a file whose name ends in .zip.",
)
@click.option(
    "--with-data", is_flag=True, help="Also hold images, weights and scores, not only their hashes."
)
@click.pass_context
def crate(context: click.Context, output: Path, with_data: bool) -> None:
    """Pack the run as a Provenance Run Crate: the program, every job, number, table and figure, for a reviewer."""
    from simaudit.provenance.crate.write import write_crate
    from simaudit.provenance.records import read_records

    root = context.find_root().command
    verbs = root.commands if isinstance(root, click.Group) else {}
    records = read_records()
    write_crate(records, output, with_data, {name: verb.help or "" for name, verb in verbs.items()})
    click.echo(f"{output}: {len(records)} jobs", err=True)


def _all(records: Any) -> Iterator[tuple[str, Any]]:
    from simaudit.provenance import verify as check
    from simaudit.provenance.trace import NUMBERS
    from simaudit.storage.json import read_json

    asked = {job: record for job, record in records.items() if Path(record.stamp).exists()}
    if not asked:
        raise SimauditError("results/params: no stamp of any recorded job; write them with: simaudit stamps")
    if dropped := len(records) - len(asked):
        click.echo(f"{dropped} recorded jobs are no longer asked for by params.yaml: passed over", err=True)
    yield f"the files of {len(asked)} jobs", check.files(asked.values())
    yield "that every file has a record", check.unrecorded(records)
    yield "parameters and code", check.stamps(asked.values())
    if NUMBERS.exists():
        ledger = read_json(NUMBERS)
        yield f"{len(ledger)} numbers where they stand", check.numbers(ledger, ledger)
        yield "every cell of the tables", check.tables(ledger)
    targets = [job.split("/")[1] for job in asked if job.startswith("evaluate/")]
    yield f"the metrics of {len(targets)} targets by scikit-learn", check.metrics(targets)
    yield "dvc.lock", check.dvc()


def _of(what: str, records: Any) -> Iterator[tuple[str, Any]]:
    from simaudit.provenance import verify as check
    from simaudit.provenance.trace import NUMBERS, trace_file, trace_number
    from simaudit.storage.json import read_json

    if Path(what).exists():
        step = trace_file(Path(what).as_posix(), records)
    else:
        ledger = read_json(NUMBERS)
        step = trace_number(what, ledger, records)
        yield f"{what} where it stands", check.numbers(ledger, [what])
    ancestors = {record.job: record for record in step.jobs()}.values()
    yield f"the files of {len(ancestors)} jobs", check.files(ancestors)
    yield "parameters and code", check.stamps(ancestors)
    targets = [record.job.split("/")[1] for record in ancestors if record.job.startswith("evaluate/")]
    yield "metrics by scikit-learn", check.metrics(targets)


def _again(name: str, records: Any) -> Iterator[tuple[str, Any]]:
    from simaudit.provenance.rerun import rerun

    job = name.replace(":", "/", 1)
    wanted = [record for known, record in records.items() if known == job or known.startswith(f"{job}/")]
    if not wanted:
        phases = ", ".join(sorted({known.split("/")[0] for known in records}))
        raise SimauditError(f"--rerun {name}: no record of such a job; phases: {phases}")
    for record in wanted:
        yield f"{record.job}, run again", rerun(record)


@click.command()
def restore() -> None:
    """After git clone and dvc pull: tell Snakemake that all results are there."""
    from simaudit.provenance import handover

    handover.restore()
    click.echo("snakemake finds nothing to do", err=True)


@click.command()
def adopt() -> None:
    """After a direct snakemake run: tell DVC that the results are what they should be."""
    from simaudit.provenance import handover

    handover.adopt()
    click.echo("dvc.lock describes what is there; version it with git, and dvc push", err=True)
