"""The table of controls: what must come out if the protocol works, and the number that did, furthest from it."""

from collections.abc import Mapping
from typing import Any

from simaudit.report.findings import Findings
from simaudit.report.tables.table import Column, Table

CHANCE = 0.5
MUST_BE = {"optimal": "near one"}
WORDS = {True: "passed", False: "FAILED"}


def controls(findings: Findings) -> Table:
    """One row a control, those that failed first, with the AUC that lies furthest from what it must be.

    Limits are those of one number at 95 %; the outcome holds all of a kind together, so it takes wider ones.
    """
    found = sorted(findings.comparison["controls"]["controls"], key=lambda control: control["passed"])
    rows = tuple(_row(findings, control) for control in found)
    return Table(
        "controls",
        "Controls",
        "The AUC of each that lies furthest from what it must be, with its own limits; the outcome judges all numbers "
        "of a kind together, so its limits are wider.",
        (
            Column("outcome", "outcome"),
            Column("control", "control"),
            Column("of", "of"),
            Column("attack", "by"),
            Column("must_be", "AUC must be"),
            Column("auc", "AUC", "estimate"),
        ),
        rows,
        "" if rows else "this run has none",
    )


def _row(findings: Findings, control: Mapping[str, Any]) -> tuple[str, ...]:
    of, kind = control["of"], control["kind"]
    must_be = MUST_BE.get(kind, "at chance")
    if kind == "blind":
        by, name = "classifiers", f"{of}.blind.auc"
    else:
        by, name = _furthest(findings, of, kind, control["failed_on"])
    return WORDS[control["passed"]], kind, of, by, must_be, name


def _furthest(findings: Findings, target: str, kind: str, failed_on: list[str]) -> tuple[str, str]:
    """The attack, and the id of its AUC; among those that the control failed on, if it did."""
    if kind == "optimal":
        return "sima", f"{target}.sima.auc"
    of = ".permuted.auc" if kind == "permutation" else ".auc"
    names = {attack: f"{target}.{attack}{of}" for attack in failed_on or findings.attacks(target)}
    attack = max(names, key=lambda attack: abs(findings.ledger.value(names[attack]) - CHANCE))
    return attack, names[attack]
