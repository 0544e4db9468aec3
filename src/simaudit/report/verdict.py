"""What verdict.json holds: what was audited and when, whether controls passed, and what each target leaks to whom."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simaudit.attacks.access import ACCESS
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.report.findings import Findings
from simaudit.report.grades import GRADES
from simaudit.report.outcome import are_trusted, clauses
from simaudit.vocabulary.metrics import AUC, TPR_AT_1PCT

Facts = dict[str, Any]
"""Plain JSON: a number in it is an object with its `id` in numbers.json, and its value and limits there."""


@dataclass(frozen=True)
class Known:
    """What is known of a run apart from its findings.

    `datasets` gives the dataset of each split, where there is one; `access` the keys of ACCESS by audit and attack, and
    no audit whose scores were computed elsewhere; `occasion` says when, and by which code, numbers were taken.
    """

    datasets: Mapping[str, str]
    access: Mapping[str, Mapping[str, list[str]]]
    occasion: Mapping[str, Any]


def verdict(findings: Findings, known: Known) -> Facts:
    """Return the facts of a run, see `Facts`: its audits in the order of their names, of which `worst` is one."""
    controls = findings.comparison["controls"]
    audits = {target: _audit(findings, known, target) for target in sorted(findings.audited)}
    return {
        **known.occasion,
        "controls": {
            "passed": controls["passed"],
            "trusted": are_trusted(controls["controls"]),
            "number": len(controls["controls"]),
            "failed": clauses(controls["controls"], False),
            "absent": controls["absent"],
        },
        "worst": min(audits, key=lambda target: _rank(audits[target]), default=None),
        "attackers": _attackers(findings, known.access),
        "audits": audits,
    }


def _rank(audit: Facts) -> tuple[int, float]:
    """Return what orders audits, the worst first: by their grade, then by their AUC."""
    return GRADES.index(audit["grade"]), -audit[AUC]["value"]


def _audit(findings: Findings, known: Known, target: str) -> Facts:
    ledger, best, is_shifted = findings.ledger, findings.ledger.best(target), findings.is_shifted(target)
    graded, split = findings.grade(target), findings.summaries[target]["split"]
    taken = known.access.get(target, {})
    attacks = sorted(
        ledger.attacks(target), key=lambda name: -ledger.number("calibration_auc", target, name).value
    )
    best_with: dict[str, str] = {}
    for name in attacks:
        best_with.setdefault("+".join(taken.get(name, ())), name)
    return {
        "dataset": known.datasets.get(split),
        "split": split,
        "members": _number(ledger.number("members", target)),
        "heldout": _number(ledger.number("heldout", target)),
        "membership": findings.contexts[target].membership,
        "shifted": is_shifted,
        "verdict": findings.verdict(target),
        "grade": graded.word,
        "graded_by": {
            "attack": graded.by.attack,
            "metric": graded.by.metric,
            "above_blind": graded.is_above_blind,
            **_number(graded.by),
        },
        "missed_up_to": graded.missed and graded.missed.high,
        "attack": best,
        "queries": _optional(ledger.get("queries", target, best)),
        AUC: _number(ledger.number(AUC, target, best)),
        TPR_AT_1PCT: _number(ledger.number(TPR_AT_1PCT, target, best)),
        "blind_auc": _optional(ledger.get(AUC, split, "blind")),
        "epochs": _epochs(ledger, target, best),
        "access": taken.get(best),
        "best_with": [
            {"access": taken[name], "attack": name, AUC: _number(ledger.number(AUC, target, name))}
            for name in best_with.values()
            if name in taken
        ],
    }


def _number(number: Number) -> Facts:
    facts = {"id": number.id, **{key: asdict(number)[key] for key in ("value", "low", "high")}}
    return facts | ({"tail_too_small": True} if number.tail_too_small else {})


def _optional(number: Number | None) -> Facts | None:
    return None if number is None else _number(number)


def _epochs(ledger: Ledger, target: str, best: str) -> Facts | None:
    """Return the AUCs of an attack at intermediate epochs: of `best`, where it was run there, or of another one."""
    at = [
        number for number in ledger.find(audit=target, metric=AUC) if (number.of or "").startswith("epochs.")
    ]
    at = [number for number in at if str(number.of).count(".") == 1]
    attacks = sorted({str(number.attack) for number in at}, key=lambda attack: (attack != best, attack))
    if not attacks:
        return None
    aucs = {
        int(str(number.of).partition(".")[2]): _number(number) for number in at if number.attack == attacks[0]
    }
    return {
        "attack": attacks[0],
        "end": _number(ledger.number(AUC, target, attacks[0])),
        "at": [{"epoch": epoch, AUC: aucs[epoch]} for epoch in sorted(aucs)],
    }


def _attackers(findings: Findings, access: Mapping[str, Mapping[str, list[str]]]) -> Facts | None:
    """Return which kinds of attacker were tested on some audited target, and which could have been and were not."""
    if not access.keys() & set(findings.audited):
        return None
    used = {key for audit in findings.audited for taken in access.get(audit, {}).values() for key in taken}
    has_autoencoder = any(findings.contexts[audit].is_latent for audit in findings.audited)
    not_there = {"labels"} if has_autoencoder else {"labels", "autoencoder"}
    return {
        "tested": [key for key in ACCESS if key in used],
        "not_tested": [key for key in ACCESS if key not in used | not_there],
    }
