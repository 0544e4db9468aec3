"""The table of how many attacks accuse members, and how many accuse held-out samples by coincidence."""

from simaudit.evaluation.numbers import Number
from simaudit.figures.printed import mention
from simaudit.report.findings import Findings
from simaudit.report.outcome import AT_RISK
from simaudit.report.tables.of_sets import ACCUSED
from simaudit.report.tables.table import Column, Row, Table, estimates

LEVEL, MEMBER = f"{AT_RISK}.by_", f"{AT_RISK}.member_"
"""What the numbers of a row of the table, and of one of the members that most attacks accuse, are `of`, up to which."""


def at_risk(findings: Findings, target: str) -> Table:
    """Return the members and held-out samples that at least so many attacks accuse, one row per number of attacks."""
    tried, independent = (mention(key, target, of=AT_RISK, limits=False) for key in ("tried", "independent"))
    return Table.of(
        AT_RISK,
        "How many attacks accuse a sample",
        "Samples of the evaluation fold that at least so many attacks accuse, each attack at its threshold of 1 % FPR "
        "on the calibration fold. The held-out samples show what coincidence gives: none of them was trained on. "
        f"Attacks agree with each other, above all those of one kin: {tried} attacks were tried, which vary as much as "
        f"{independent} independent ones do. So that many attacks accuse a sample is weaker evidence than their number "
        "says. The limits of each row hold by themselves.",
        (
            Column("least", "accused by at least", "count"),
            Column("members_count", "members", "count", "members"),
            Column("heldout", "held-out", "count"),
            *estimates({key: f"share of {label}" for key, label in ACCUSED.items()}),
        ),
        (Row((), target, of=row.of) for row in of_each(findings, target, LEVEL)),
        "no attack accuses any sample of the evaluation fold",
    )


def of_each(findings: Findings, target: str, prefix: str) -> list[Number]:
    """Return one number of each row of the table, or of each member that is listed, in their order."""
    metric = "least" if prefix == LEVEL else "accused_by"
    known = findings.ledger.find(audit=target, metric=metric)
    rows = (number for number in known if (number.of or "").startswith(prefix))
    return sorted(rows, key=lambda number: int(str(number.of).removeprefix(prefix)))
