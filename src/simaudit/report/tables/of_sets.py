"""The tables of what holds of sets of samples of one target, and of each class and group by itself."""

from simaudit.evaluation.numbers import Number
from simaudit.evaluation.sets.levels import FEWEST, with_members
from simaudit.figures.legend import METRICS, look
from simaudit.report.findings import Findings
from simaudit.report.jobs import NO_RECORDS
from simaudit.report.tables.table import Column, Row, Table, estimates
from simaudit.vocabulary.metrics import AUC, TPR_AT_1PCT

NOT_MEASURED = "sets were not measured"
OF_GROUPS = ("group_sets.", "by_group.")
SHOWN = 20  # rows of the page: there may be a thousand classes
TOO_FEW = f"A dash: fewer than {FEWEST} members or held-out samples in the evaluation fold."
P, BLIND_P = Column("p", "p", "count"), Column("blind_p", "blind p", "count")
ACCUSED = {"members_accused": "members accused", "heldout_accused": "held-out accused"}
"""The shares of the two sides that are accused, in print."""
SIZES = (Column("size", "members", "count", "members"), Column("heldout", "held-out", "count"))


def smallest_set(findings: Findings, target: str) -> str:
    """Return what the numbers of the smallest set that is told are `of`; of no number where none is told."""
    smallest = findings.ledger.get("smallest", target, of="sets")
    return f"sets.{with_members(int(smallest.value))}" if smallest else "sets"


def sets(findings: Findings, target: str) -> Table:
    """Return p over the size of a set, by attacks and by the images alone."""
    rows = _numbers(findings, target, "sets.")
    return Table.of(
        "sets",
        "Sets of members",
        "Members against as many held-out samples of the evaluation fold: p of Welch's one-sided t-test on the scores "
        "of a classifier of all attacks' statistics, which was learned on the calibration fold. The median over sets "
        "drawn at random, and the range of nine sets in ten. Blind: the same from features of the images alone. Where "
        "the blind p is small, p says nothing of the model.",
        (
            SIZES[0],
            P,
            Column("p_from", "from", "count", "p_low"),
            Column("p_to", "to", "count", "p_high"),
            BLIND_P,
            Column("blind_p_from", "from", "count", "blind_p_low"),
            Column("blind_p_to", "to", "count", "blind_p_high"),
        ),
        (Row((), target, of=row.of) for row in sorted(rows, key=lambda row: row.value)),
        NOT_MEASURED,
    )


def group_sets(findings: Findings, target: str) -> Table:
    """Return p of the members of each group, the least first."""
    rows, absent = _named_rows(findings, target, "group_sets.", "the split gives no groups")

    def p(row: Number) -> float:
        number = findings.ledger.get("p", target, of=row.of)
        return number.value if number else 2.0

    return Table.of(
        "group_sets",
        "Groups as sets",
        "All members of a group in the evaluation fold against its held-out samples, or against those of all groups "
        f"where it has fewer than {FEWEST}. The corrected p is p times the number of groups that are tested. {TOO_FEW}",
        (
            Column("group", "group"),
            *SIZES,
            P,
            Column("corrected_p", "corrected p", "count"),
            BLIND_P,
        ),
        (Row((_named(row, "group"),), target, of=row.of) for row in sorted(rows, key=p)),
        absent,
    )


def by_class(findings: Findings, target: str) -> Table:
    """Return how exposed each class is, the most exposed first."""
    return _parts(findings, target, "class", "classes", "the images have no labels, or all the same one")


def by_group(findings: Findings, target: str) -> Table:
    """Return how exposed each group is, the most exposed first."""
    return _parts(findings, target, "group", "groups", "the split gives no groups, or one alone")


def _parts(findings: Findings, target: str, kind: str, several: str, absent: str) -> Table:
    """Return AUC and TPR within each part, the highest lower limit of an AUC first; those not measured stand last."""
    rows, absent = _named_rows(findings, target, f"by_{kind}.", absent)

    def low(row: Number) -> float:
        auc = findings.ledger.get(AUC, target, row.attack, row.of)
        return -1.0 if auc is None or auc.low is None else auc.low

    attack = look(str(rows[0].attack)).name if rows else ""
    return Table.of(
        f"by_{kind}",
        f"By {kind}",
        f"{attack}, which did best on the calibration fold, within each {kind} of the evaluation fold. The most "
        f"exposed {several} stand first. The last two columns give the share of members and of held-out samples that "
        f"the attack accuses with one threshold for all {several}, which has 1 % FPR on the calibration fold. The "
        f"limits of all {several} hold together. {TOO_FEW}",
        (
            Column(kind, kind),
            *SIZES,
            *estimates({metric: METRICS[metric] for metric in (AUC, TPR_AT_1PCT)}),
            *estimates(ACCUSED),
        ),
        (
            Row((_named(row, kind),), target, row.attack, row.of)
            for row in sorted(rows, key=low, reverse=True)
        ),
        absent,
        shown=SHOWN,
    )


def _named_rows(findings: Findings, target: str, prefix: str, absent: str) -> tuple[list[Number], str]:
    """Return the number of members of each part, and why there is none: nothing is measured, or else `absent`.

    A group may be a single person, so there are no groups where records must not be named.
    """
    rows = _numbers(findings, target, prefix)
    if rows and prefix in OF_GROUPS and not findings.show_records:
        return [], NO_RECORDS
    return rows, absent if findings.ledger.get("largest", target, of="sets") else NOT_MEASURED


def _numbers(findings: Findings, target: str, prefix: str) -> list[Number]:
    """Return the number of members of each row: that of everything whose numbers are `of` this prefix and a name."""
    known = findings.ledger.find(audit=target, metric="members")
    return [number for number in known if number.of and number.of.startswith(prefix)]


def _named(row: Number, kind: str) -> str:
    """Return a part in words, which no label may take for a number: class 3."""
    return f"{kind} {str(row.of).partition('.of_')[2]}"
