"""The jobs that write what a person reads: the verdict, every table in three forms, and one page."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simaudit.report import TEMPLATES
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs

NO_RECORDS = "left out, since this page shows nothing of single records (report.show_records is false)"
"""Why a page that is to be shared lacks something."""


class ReportKnobs(Knobs):
    """What the page shows."""

    show_records: bool = True
    """Whether it shows pictures, file names and sample numbers of single images, and the names of groups. Without them
    it can be given to those who must not learn who was in the training set; files beside it still have all of them."""


MEMORY_MB = {"report": 2000}
"""MB of memory that a job needs, by its function."""


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


def verdict_job(
    contexts: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, str],
    access: Mapping[str, Mapping[str, list[str]]],
) -> Job:
    """Write what was found, for machines and for the terminal.

    `datasets` gives the dataset of each split, `access` what each attack of an audit takes, see
    `simaudit.attacks.access`; both are empty where scores were computed elsewhere.
    """
    return Job(
        "verdict",
        reference(verdict),
        {"targets": contexts, "datasets": datasets, "access": access},
        {**_read(contexts), "occasion": paths.OCCASION},
        {"verdict": paths.VERDICT, "summary": paths.SUMMARY},
    )


def verdict(job: Job) -> None:
    """Write what each target leaks, to whom and how surely, with the lines that the terminal shows; and a summary."""
    from simaudit.report.summary import summary
    from simaudit.report.top import with_lines
    from simaudit.report.verdict import Known, verdict
    from simaudit.storage.json import read_json, write_json

    findings, params = _findings(job), job.params
    known = Known(params["datasets"], params["access"], read_json(job.input("occasion")))
    facts = verdict(findings, known)
    write_json(job.output("verdict"), with_lines(facts, findings))
    write_json(job.output("summary"), summary(facts, findings))


def report_job(
    contexts: Mapping[str, Mapping[str, Any]],
    drawn: Mapping[str, list[str]],
    undrawn: Mapping[str, Mapping[str, str]],
    splits: Mapping[str, Any],
    trainings: Mapping[str, Path],
    records: Iterable[Path],
    again: str = "",
    show_records: bool = True,
    images: bool = True,
) -> Job:
    """Write the page.

    `drawn` gives the names of the figures of each audit and of RUN, `undrawn` by title of a figure why it is not drawn,
    `splits` the knobs of each split, `trainings` what the target of each audit says of itself; `records` are those of
    the jobs that numbers come from. `again` is the command that makes everything again, where it is not Snakemake.
    Where it does not `show_records`, nothing of single images is read; without `images` there are no pictures of them.
    """
    figures = [
        paths.FIGURES / of / f"{name}.{suffix}"
        for of, names in drawn.items()
        for name in names
        for suffix in ("png", "json")
    ]
    at_risk = ("at_risk_samples", *(["at_risk_sheet"] if images else []))
    return Job(
        "report",
        reference(report),
        {
            "targets": contexts,
            "drawn": drawn,
            "undrawn": undrawn,
            "splits": splits,
            "show_records": show_records,
        }
        | ({"again": again} if again else {}),
        {
            **_read(contexts),
            "verdict": paths.VERDICT,
            "figures": figures,
            "trainings": trainings,
            "records": list(records),
            **(
                {name: {of: paths.of_target(name, of) for of in contexts} for name in at_risk}
                if show_records
                else {}
            ),
        },
        {"page": paths.PAGE},
        given=(TEMPLATES,),
    )


def report(job: Job) -> None:
    """Write the page that says which controls passed and what each target leaks, with every figure and table."""
    from simaudit.report.page.write import write_page

    params = job.params
    figures = params["drawn"], params["undrawn"]
    known = params["splits"], job.reads["trainings"], params.get("again", "")
    at_risk = [job.reads.get(name, {}) for name in ("at_risk_samples", "at_risk_sheet")]
    findings = replace(_findings(job), show_records=params["show_records"])
    write_page(job.output("page"), paths.RESULTS, findings, *figures, *known, *at_risk)


def _read(contexts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "evaluation": [paths.of_target("summary", name) for name in contexts],
        "comparison": [paths.comparison(name) for name in paths.COMPARISONS],
        "numbers": paths.NUMBERS,
    }


def _findings(job: Job) -> Any:
    from simaudit.report.findings import Findings
    from simaudit.vocabulary.context import AuditContext

    contexts = {name: AuditContext(**context) for name, context in job.params["targets"].items()}
    return Findings.read(paths.RESULTS, contexts)
