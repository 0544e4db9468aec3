"""The jobs that write what a person reads: every table in three forms, and one page."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simaudit.figures import figure_modules
from simaudit.report import TEMPLATES
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference


def tables_job(contexts: Mapping[str, Mapping[str, Any]]) -> Job:
    """Write every table as Markdown, CSV and LaTeX."""
    return Job("tables", reference(tables), {"targets": contexts}, _read(contexts), {"tables": paths.TABLES})


def tables(job: Job) -> None:
    """Write every table as Markdown, CSV and LaTeX."""
    from simaudit.report.tables.every import every_table
    from simaudit.report.tables.forms import write
    from simaudit.storage.atomic import atomic_path

    findings = _findings(job)
    with atomic_path(job.output("tables")) as temporary:
        write(every_table(findings), findings.ledger, temporary)


def report_job(
    contexts: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, Mapping[str, str | None]],
    splits: Mapping[str, Any],
    knobs: Mapping[str, Any],
    trainings: Iterable[Path],
    records: Iterable[Path],
) -> Job:
    """Write the page. `figures` gives by audit, or RUN, and figure None or why it is not drawn; `splits` are knobs by
    split; `records` are those of the jobs that numbers come from.
    """
    drawn = [
        paths.FIGURES / of / f"{name}.png"
        for of, names in figures.items()
        for name, why in names.items()
        if why is None
    ]
    modules = figure_modules()
    return Job(
        "report",
        reference(report),
        {"targets": contexts, "figures": figures, "splits": splits, "knobs": knobs},
        {**_read(contexts), "figures": drawn, "trainings": list(trainings), "records": list(records)},
        {"page": paths.PAGE},
        tuple(modules[name] for name in knobs),
        {"templates": TEMPLATES},
    )


def report(job: Job) -> None:
    """Write the page that says which controls passed and what each target leaks, with every figure and table."""
    from simaudit.evaluation.results import Run
    from simaudit.figures import RUN, figure_type
    from simaudit.provenance.records import read_records
    from simaudit.report.page.doubts import doubts
    from simaudit.report.page.page import page
    from simaudit.report.page.pictures import picture
    from simaudit.storage.atomic import atomic_path
    from simaudit.storage.json import read_json

    findings = _findings(job)
    run = Run(paths.RESULTS, findings.roles)
    pictures: dict[str, list[Any]] = {}
    undrawn: dict[str, dict[str, str]] = {}
    for of, figures in job.params["figures"].items():
        for name, why_not in figures.items():
            kind = figure_type(name)
            if why_not is not None:
                undrawn.setdefault(of, {})[kind.title] = why_not
                continue
            figure: Any = kind.model_validate(job.params["knobs"][name])
            seen = figure.seen(run) if of == RUN else figure.seen(findings.ledger, of)
            pictures.setdefault(of, []).append(picture(of, name, kind, seen, paths.FIGURES))
    trainings = {Path(path).parent.name: read_json(Path(path)) for path in job.reads["trainings"]}
    shifted = [target for target in findings.audited if findings.is_shifted(target)]
    text = page(findings, pictures, undrawn, doubts(trainings, job.params["splits"], shifted), read_records())
    with atomic_path(job.output("page")) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _read(contexts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "evaluation": [paths.of_target("summary", name) for name in contexts],
        "comparison": [paths.comparison(name) for name in paths.COMPARISONS],
        "numbers": paths.NUMBERS,
    }


def _findings(job: Job) -> Any:
    from simaudit.report.findings import Findings
    from simaudit.vocabulary.roles import Role

    roles = {name: Role(**context) for name, context in job.params["targets"].items()}
    return Findings.read(paths.RESULTS, roles)
