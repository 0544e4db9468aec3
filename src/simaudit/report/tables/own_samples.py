"""The table of the model's own samples: a control that says what an attack measures, and decides nothing."""

from simaudit.figures.printed import mention
from simaudit.report.findings import Findings
from simaudit.report.tables.table import Column, Row, Table

ACCUSED = Column("own_samples", "own samples", "estimate", "accused", "own_samples")
BESIDE = (
    Column("members_accused", "members", "estimate", "tpr", "transferred"),
    Column("heldout_accused", "held-out", "estimate", "fpr", "transferred"),
)


def own_samples(findings: Findings, target: str) -> Table:
    """Return how many images that the target drew each attack accuses, and how many members and held-out images."""
    drawn = mention("drawn", target, of="own_samples", limits=False)
    rows = (Row((attack,), target, attack) for attack in findings.attacks(target))
    return Table.of(
        "own_samples",
        "The model's own samples",
        f"Which share of {drawn} images that the model drew itself each attack accuses, at the threshold with 1 % FPR "
        "on the calibration fold; beside it the shares of members and of held-out images, on the evaluation fold. No "
        "sample is a member: an attack that accuses samples accuses what the model is likely to draw, whether it was "
        "trained on it or not. No verdict depends on this. Attacks that are learned, need references, or measure the "
        "distance to samples have no row.",
        (Column("attack", "attack", is_attack=True), ACCUSED, *BESIDE),
        (row for row in rows if row.cell(ACCUSED) in findings.ledger),
        "no attack on this target is one that can be asked about samples",
    )
