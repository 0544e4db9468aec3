"""The report of a run, from its result files to the page in one file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simaudit.provenance.records import read_records
from simaudit.report.findings import Findings
from simaudit.report.page.at_risk import records_at_risk
from simaudit.report.page.doubts import doubts
from simaudit.report.page.page import is_folded, page
from simaudit.report.page.pictures import pictures_within
from simaudit.report.top import top
from simaudit.storage.atomic import atomic_path
from simaudit.storage.json import read_json
from simaudit.vocabulary.paths import VERDICT

LARGEST = 2_000_000
"""Bytes of a page."""
BUDGET = 1_200_000
"""Characters of all pictures of a page together; fewer where the rest of the page needs the room."""


def write_page(
    output: Path,
    results: Path,
    findings: Findings,
    drawn: Mapping[str, Sequence[str]],
    undrawn: Mapping[str, Mapping[str, str]],
    splits: Mapping[str, Mapping[str, Any]],
    trainings: Mapping[str, str],
    again: str = "",
    at_risk: Mapping[str, str] = MappingProxyType({}),
    sheets: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the page about the run under `results`, atomically.

    `drawn` are the names of the figures of each target and of RUN; `undrawn` says by the same key, then by the title of
    a figure, why it could not be drawn; `splits` are the parameters of each split, `trainings` the
    training.json of each audit's target. `again` is the command that makes everything again, where it is not Snakemake.
    `at_risk` are the tables of samples by how many attacks accuse them, of each target, `sheets` the pictures of the
    first members in them; where `findings` may not show records, they are not read.
    Raises SimauditError when a result file is missing or damaged.
    """
    summaries = {audit: read_json(Path(path)) for audit, path in trainings.items()}
    shifted = [target for target in findings.audited if findings.is_shifted(target)]
    folded = {target for target in findings.targets if is_folded(findings, target)}
    doubted = doubts(summaries, splits, shifted, findings.with_near_duplicates)
    said = top(read_json(results / VERDICT.name), findings)
    found = {
        of: records_at_risk(findings, of, Path(path), Path(sheets[of]) if of in sheets else None)
        for of, path in at_risk.items()
        if findings.show_records
    }
    records = read_records(results / "records")

    def content(budget: int) -> tuple[str, int]:
        pictures = pictures_within(budget, drawn, results / "figures", folded)
        text = page(findings, said, pictures, undrawn, doubted, records, again, found)
        return text, sum(len(shown.data) for of in pictures.values() for shown in of)

    with atomic_path(output) as temporary:
        temporary.write_text(fitting(content, BUDGET, LARGEST), encoding="utf-8", newline="\n")


def fitting(content: Callable[[int], tuple[str, int]], budget: int, largest: int) -> str:
    """Return a text that has at most `largest` bytes, unless it has more without any pictures.

    `content` gets how many characters pictures may take, at first `budget`; it returns the text, and how many of its
    characters they do take.
    """
    text, taken = content(budget)
    while taken and (excess := len(text.encode("utf-8")) - largest) > 0:
        text, taken = content(max(0, taken - excess))
    return text
