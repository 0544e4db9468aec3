"""The table of held-out samples that are nearly the same image as a member."""

from simaudit.figures.printed import mention, near_duplicates_of
from simaudit.report.findings import Findings
from simaudit.report.jobs import NO_RECORDS
from simaudit.report.tables.table import NO_IMAGES, Column, Row, Table

OF = "near_duplicates"


def near_duplicates(findings: Findings) -> Table:
    """Return the nearest pairs of each split, the nearest first; how many there are stands in the caption."""
    if not _counted(findings):
        return _absent(NO_IMAGES)
    if not findings.show_records:
        return _absent(f"{NO_RECORDS}; there are {_counts(findings)}")
    return Table.of(
        OF,
        "Near duplicates",
        "Held-out samples that are nearly the same image as a member: the root mean square (RMS) difference of their "
        f"pixels, which run from −1 to 1, is at most {_limit(findings, 'largest_rms')}, and the correlation of their "
        f"edges at least {_limit(findings, 'smallest_correlation')}. They are {_counts(findings)}; the nearest pairs "
        "are shown.",
        (
            Column("split", "split"),
            Column("sample_id", "held-out sample", "count"),
            Column("member_id", "member", "count"),
            Column("rms", "RMS difference", "count"),
            Column("correlation", "correlation of edges", "count"),
        ),
        (
            Row((split,), split, of=pair.of)
            for split in _counted(findings)
            for pair in findings.ledger.find(metric="member_id", audit=split)
        ),
        f"none was found ({_counts(findings)})",
    )


def _absent(why: str) -> Table:
    return Table(OF, "Near duplicates", "", (Column("split", "split"),), (), why)


def _limit(findings: Findings, name: str) -> str:
    """Return one of the two limits, which all splits have in common."""
    return mention(name, _counted(findings)[0], of=OF, limits=False)


def _counts(findings: Findings) -> str:
    return ", ".join(map(near_duplicates_of, _counted(findings)))


def _counted(findings: Findings) -> list[str]:
    """Return the splits whose images are known."""
    return [split for split in findings.splits if findings.ledger.get("found", split, of=OF)]
