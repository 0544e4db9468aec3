"""The page that a person reads first: verdicts and controls, then every figure and table; one file, no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simaudit.provenance.records import Record
from simaudit.report import TEMPLATES
from simaudit.report.findings import Findings
from simaudit.report.outcome import are_trusted, at_risk_line, clauses, heading
from simaudit.report.page.at_risk import RecordAtRisk, counted
from simaudit.report.page.columns import in_two_columns
from simaudit.report.page.numbers import Numbers, paragraphs
from simaudit.report.page.pictures import Picture
from simaudit.report.page.sources import packed, sources
from simaudit.report.rendering import joined, templates
from simaudit.report.tables.every import run_tables, target_tables
from simaudit.report.tables.table import TAIL_NOTE, Table
from simaudit.report.top import Top
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary.paths import RUN

FIRST = ("verdicts", "controls")  # the tables of the run that stand in the page's first screen
FOREST = "forest"  # the figure of the run that stands there
UNFOLDED = 6  # targets that are seen in full at first
STYLES, SCRIPTS = ("style.css", "print.css"), ("contents.js", "provenance.js", "tables.js", "unfold.js")


@dataclass(frozen=True)
class Section:
    """One target on the page, or all together. Of a `folded` one only the title is seen until it is unfolded.

    `membership` says that its members are not verified, where they are not. `at_risk` are the members that most attacks
    accuse, None where the page may not show them.
    """

    target: str
    verdict: str
    membership: str
    is_shifted: bool
    folded: bool
    tables: list[Table]
    pictures: list[Picture]
    at_risk: list[RecordAtRisk] | None = None


def page(
    findings: Findings,
    top: Top,
    pictures: Mapping[str, list[Picture]],
    undrawn: Mapping[str, Mapping[str, str]],
    doubts: list[str],
    records: Mapping[str, Record],
    again: str = "",
    at_risk: Mapping[str, list[RecordAtRisk]] = MappingProxyType({}),
) -> str:
    """Return the report in HTML, which begins with what is said at its `top`. The same arguments give the same text.

    `pictures` are those of each target and of RUN; `undrawn` says by the same name, then by title of a figure, why it
    could not be drawn; `records` are those of all jobs, which say where numbers come from; `again` is the command that
    makes everything again, where it is not Snakemake.
    `at_risk` are the members of each target that most attacks accuse, where the page may show them.
    """
    numbers = Numbers(findings.ledger)
    pages = templates()
    pages.filters |= {"number_text": numbers.text, "plain": numbers.plain, "packed": packed}
    of_run, controls = run_tables(findings), findings.comparison["controls"]["controls"]
    sections = [
        _section(
            findings, target, in_two_columns(pictures.get(target, []), numbers.plain), at_risk.get(target)
        )
        for target in findings.targets
    ]
    tables = {table.name: table for table in of_run}
    drawn = {picture.name: picture for picture in pictures.get(RUN, [])}
    body = pages.get_template("body.html").render(
        top=top,
        forest=drawn.pop(FOREST, None),
        heading=heading(controls),
        failed=clauses(controls, False),
        passed=clauses(controls, True),
        trusted=are_trusted(controls),
        doubts=[*top.notes, *doubts],
        first=[tables[name] for name in FIRST],
        glossary=read_yaml(TEMPLATES / "glossary.yaml"),
        run=Section(
            RUN,
            "",
            "",
            False,
            False,
            [t for t in of_run if t.name not in FIRST],
            in_two_columns(list(drawn.values()), numbers.plain),
        ),
        sections=sections,
        absences=_absences(of_run, sections, undrawn, pictures),
        tail_note=TAIL_NOTE,
        numbers=numbers,
        paragraphs=lambda texts: paragraphs(texts, numbers),
        counted=counted,
        at_risk_line=lambda target: at_risk_line(findings.ledger, target),
    )
    # After the body, since only then is it known which numbers are printed.
    known = sources(findings.ledger, list(numbers.printed), records, again)
    return pages.get_template("page.html").render(
        body=body,
        packed=packed(known),
        has_jobs=bool(known["jobs"]),
        sections=sections,
        style=joined(STYLES),
        script=joined(SCRIPTS),
    )


def is_folded(findings: Findings, target: str) -> bool:
    """Return whether only the title of a target is seen at first.

    So it is with further seeds and settings of a sweep, with controls, and with all targets after the first UNFOLDED.
    """
    swept = [name for name in findings.audited if findings.contexts[name].arm]
    whole = [
        name for name in findings.audited if findings.contexts[name].group == name and name not in swept[1:]
    ]
    return target not in whole[:UNFOLDED]


def _section(
    findings: Findings, target: str, pictures: list[Picture], at_risk: list[RecordAtRisk] | None
) -> Section:
    return Section(
        target,
        findings.verdict(target),
        findings.membership_note([target]),
        findings.is_shifted(target),
        is_folded(findings, target),
        [table.on_page for table in target_tables(findings, target)],
        pictures,
        at_risk,
    )


def _absences(
    of_run: list[Table],
    sections: list[Section],
    undrawn: Mapping[str, Mapping[str, str]],
    pictures: Mapping[str, list[Picture]],
) -> list[dict[str, Any]]:
    """Return each table and figure that is not there, or not all of it, with the reason, once; `of` are the targets
    without it.
    """
    absences: dict[tuple[str, str], list[str]] = {}
    for of, tables in ((RUN, of_run), *((section.target, section.tables) for section in sections)):
        for table in tables:
            if table.absent:
                absences.setdefault((table.title, table.absent), []).append(of)
    for of in (RUN, *(section.target for section in sections)):
        for title, reason in undrawn.get(of, {}).items():
            absences.setdefault((title, reason), []).append(of)
        for caption in (picture.caption for picture in pictures.get(of, ())):
            if caption.left_out:
                absences.setdefault((caption.title, caption.left_out), []).append(of)
    return [
        {"title": title, "reason": reason, "of": [name for name in of if name != RUN]}
        for (title, reason), of in absences.items()
    ]
