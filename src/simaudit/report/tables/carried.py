"""The table of thresholds from elsewhere: what knobs and thresholds of another audit really give on this one."""

from simaudit.evaluation.comparison.carried import carried_from
from simaudit.evaluation.numbers import number_id
from simaudit.figures.legend import METRICS, look
from simaudit.report.findings import Findings
from simaudit.report.tables.of_run import TARGET
from simaudit.report.tables.of_target import ATTACK
from simaudit.report.tables.table import Column, Table, estimates
from simaudit.vocabulary.metrics import AUC, BALANCED_ACCURACY

SHOWN = {
    AUC: METRICS[AUC],
    BALANCED_ACCURACY: METRICS[BALANCED_ACCURACY],
    "transferred.tpr": "TPR",
    "transferred.fpr": "FPR",
}


def carried(findings: Findings) -> Table:
    """Return one row per audit and attack: the numbers with the other audit's knobs, and with its own beside them."""
    every = findings.comparison["carried"]["carried"]
    left_out: dict[tuple[str, str], list[str]] = {}
    for target, of in every.items():
        for attack, why in of["left_out"].items():
            left_out.setdefault((target, why), []).append(look(attack).name)
    clauses = [f"{', '.join(names)} of {target} ({why})" for (target, why), names in left_out.items()]
    return Table(
        "carried",
        "Thresholds from elsewhere",
        "Knobs and thresholds that were chosen on the calibration fold of another audit, as by an attacker who knows "
        "no member of this one; measured on this one's evaluation fold, beside what its own calibration gives. TPR and "
        "FPR are those of the threshold that has 1 % FPR where it was set."
        + (f" Left out: {'; '.join(clauses)}." if clauses else ""),
        (
            TARGET,
            Column("from", "calibrated on"),
            ATTACK,
            *estimates({f"carried_{_key(name)}": label for name, label in SHOWN.items()}),
            *estimates({f"own_{_key(name)}": f"own {label}" for name, label in SHOWN.items()}),
        ),
        tuple(
            (
                target,
                of["from"],
                attack,
                *_numbers(target, attack, carried_from(of["from"])),
                *_numbers(target, attack),
            )
            for target, of in every.items()
            for attack in of["attacks"]
        ),
        "" if any(of["attacks"] for of in every.values()) else "no audit has calibrate_on",
    )


def _key(name: str) -> str:
    return name.rpartition(".")[2]


def _numbers(target: str, attack: str, of: str = "") -> list[str]:
    """Return the ids of the numbers of one attack, with its own knobs where `of` is empty."""
    parts = (name.rpartition(".") for name in SHOWN)
    return [
        number_id(metric, target, attack, ".".join(filter(None, (of, before))) or None)
        for before, _, metric in parts
    ]
