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
    from simaudit.provenance.records import read_records
    from simaudit.provenance.stamps import Stamp
    from simaudit.report.page.doubts import doubts
    from simaudit.report.page.page import page
    from simaudit.storage.atomic import atomic_path
    from simaudit.storage.json import read_json

    job, findings = _findings(stamp, results)
    trainings = {
        target: read_json(path)
        for target in findings.targets
        if (path := results / "targets" / target / "training.json").exists()
    }
    splits = {
        name: Stamp.read(path).params
        for name in findings.splits
        if (path := results / "params" / "split" / f"{name}.json").exists()
    }
    shifted = [target for target in findings.audited if findings.is_shifted(target)]
    pictures, undrawn = _pictures(job, findings, results)
    records = read_records(results / "records")
    text = page(findings, pictures, undrawn, doubts(trainings, splits, shifted), records)
    with atomic_path(output) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _findings(stamp: Path, results: Path) -> Any:
    """What a stamp asks for, and what was found of the targets that it names."""
    from simaudit.provenance.stamps import Stamp
    from simaudit.report.findings import Findings
    from simaudit.vocabulary.roles import Role

    job = Stamp.read(stamp).params
    return job, Findings.read(results, {target: Role(**role) for target, role in job["targets"].items()})


def _pictures(job: dict[str, Any], findings: Any, results: Path) -> Any:
    """The figures of each target and of all together; and by the same names, by title, why others were not drawn."""
    from simaudit.evaluation.results import Run
    from simaudit.figures import RUN, figure_types
    from simaudit.report.page.pictures import picture

    types, run = figure_types(), Run(results, findings.roles)
    pictures: dict[str, list[Any]] = {}
    undrawn: dict[str, dict[str, str]] = {}
    for of, figures in job["figures"].items():
        for name, why_not in figures.items():
            if why_not is not None:
                undrawn.setdefault(of, {})[types[name].title] = why_not
                continue
            figure: Any = types[name].model_validate(job["knobs"][name])
            seen = figure.seen(run) if of == RUN else figure.seen(findings.ledger, of)
            pictures.setdefault(of, []).append(picture(of, name, types[name], seen, results / "figures"))
    return pictures, undrawn
