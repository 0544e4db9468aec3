"""The table of controls: what must come out if the protocol works, and the number furthest from it."""

from collections.abc import Mapping
from typing import Any

from simaudit.evaluation.controls.controls import PERMUTED, SELECTED
from simaudit.evaluation.sets.levels import LEVEL
from simaudit.report.findings import Findings
from simaudit.report.tables.table import Column, Row, Table
from simaudit.vocabulary import metrics

AUC = Column(metrics.AUC, "AUC", "estimate")
DECISIVE = Column("decisive_auc", "AUC, limits that decide", "estimate", metrics.AUC, SELECTED)


def controls(findings: Findings) -> Table:
    """Return one row per control, those that failed first, with the AUC that lies furthest from what it must be."""
    failed_first = sorted(findings.comparison["controls"]["controls"], key=lambda control: control["passed"])
    return Table.of(
        "controls",
        "Controls",
        "Tests of the measurement itself. Each row shows the AUC that lies furthest from the expected one. Because "
        "many values are checked at once, the test uses wider limits than those of a single value: the limits that "
        "decide hold for all values of one kind together. For sets of samples, the median p of every size must be as "
        "expected.",
        (
            Column("outcome", "outcome"),
            Column("control", "control"),
            Column("of", "of"),
            Column("attack", "by", is_attack=True),
            Column("must_be", "expected"),
            AUC,
            DECISIVE,
        ),
        (_row(findings, control) for control in failed_first),
        "this run has none",
    )


def _row(findings: Findings, control: Mapping[str, Any]) -> Row:
    kind, of = control["kind"], control["of"]
    outcome = "passed" if control["passed"] else "FAILED"
    if kind == "sets":
        return Row((outcome, kind, of, "all attacks together", f"p {LEVEL} or more"), of, of=kind)
    measured, decisive = ("permuted", PERMUTED) if kind == "permutation" else (None, SELECTED)
    if kind == "blind":
        attack = "blind"
    elif kind == "optimal":
        attack = control["by"]
    else:
        attack = max(
            control["failed_on"] or [*findings.attacks(of), *findings.heads(of)],
            key=lambda attack: abs(
                findings.ledger.number(metrics.AUC, of, attack, decisive).value - metrics.CHANCE[metrics.AUC]
            ),
        )
    words = (
        outcome,
        kind,
        of,
        "classifiers" if kind == "blind" else attack,
        "near one" if kind == "optimal" else "at chance",
    )
    return Row(words, of, attack, measured)
