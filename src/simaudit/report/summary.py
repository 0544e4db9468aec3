"""What summary.json holds: a run in a few plain numbers, for programs that lay runs side by side."""

from simaudit.report.findings import Findings
from simaudit.report.grades import FOUND
from simaudit.report.outcome import failed
from simaudit.report.verdict import Facts
from simaudit.vocabulary.metrics import AUC, TPR_AT_1PCT

DECIMALS = 3


def summary(facts: Facts, findings: Findings) -> Facts:
    """Return how many targets were audited and leak, how many controls there are and failed, and what the worst leaks.

    `facts` are those of `simaudit.report.verdict`, made of the same findings. `worst` names the target that leaks most;
    its numbers are those of the attack that did best on the calibration fold, with their limits, to three decimals.
    Where no target is audited, there is none of these.
    """
    controls, audits = findings.comparison["controls"]["controls"], facts["audits"]
    counts = {
        "audited": len(audits),
        "leaking": sum(audit["grade"] in FOUND for audit in audits.values()),
        "controls": len(controls),
        "controls_failed": len(failed(controls)),
    }
    if facts["worst"] is None:
        return counts
    worst = audits[facts["worst"]]
    limits = {
        f"{metric}{suffix}": round(worst[metric][key], DECIMALS)
        for metric in (AUC, TPR_AT_1PCT)
        for key, suffix in {"value": "", "low": "_low", "high": "_high"}.items()
    }
    return {**counts, "worst": facts["worst"], **limits}
