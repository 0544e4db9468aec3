"""The table of numbers that papers report, beside this run's of the same attacks: other data, models and protocols."""

from simaudit.report.findings import Findings
from simaudit.report.tables.of_target import ATTACK, estimates
from simaudit.report.tables.table import Column, Table

PUBLISHED = "published.sima"
METRICS = {"auc": "AUC", "asr": "ASR", "tpr_heldout_positive": "TPR at 1 % FPR, held-out positive"}


def published(findings: Findings) -> Table:
    """By attack, what SimA's version 1 (arXiv:2509.25003) reports and what is found here, of each target once."""
    reported = {parts[:-1] for parts in findings.ledger.under(PUBLISHED)}
    rows = [
        (attack, "published", f"{model}, {sides.replace('-vs-', ' against ')}", condition, *_ids(prefix))
        for model, sides, condition, attack in sorted(reported)
        for prefix in [f"{PUBLISHED}.{model}.{sides}.{condition}.{attack}"]
    ]
    known = {attack for attack, *_ in rows}
    rows += [
        (attack, "this run", target, "none", *_ids(f"{target}.{attack}"))
        for target in findings.audited
        if findings.roles[target].group == target
        for attack in findings.attacks(target)
        if attack in known
    ]
    return Table(
        "published",
        "Published numbers and this run's",
        "What SimA's version 1 reports comes without limits, with timesteps chosen on the test set; data, models and "
        "protocols differ. Members against held-out images; the condition is that of the denoiser.",
        (
            ATTACK,
            Column("from", "from"),
            Column("of", "of"),
            Column("condition", "condition"),
            *estimates(METRICS),
        ),
        tuple(sorted(rows)),
        "" if rows else "no published numbers are in the ledger",
    )


def _ids(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{metric}" for metric in METRICS)
