"""Knobs and thresholds that were chosen on another audit, and what they really give on this one.

So an attacker has them who trains a model of their own, a shadow, and knows no member of the audited one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simaudit.evaluation.protocol.metrics import headline_metrics
from simaudit.evaluation.protocol.transfer import TRANSFERRED, transferred
from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.metrics import AUC, BALANCED_ACCURACY
from simaudit.vocabulary.variant import Column, parse_variant


def carried_from(other: str) -> str:
    """Return the key of the numbers whose knobs and thresholds were chosen on the audit `other`."""
    return f"calibrated_on_{other}"


def carried(targets: list[Results], scores: Mapping[str, Mapping[str, Path]]) -> dict[str, Any]:
    """Return, for each audit that has its knobs and thresholds from another, what they give for each attack of both.

    `scores` are the score files of these audits, by audit and attack. Knobs and thresholds are those of the other's
    calibration fold; the numbers are measured on this one's evaluation fold. `left_out` says why an attack has none.
    """
    by_name = {results.target: results for results in targets}
    found: dict[str, Any] = {}
    for results in targets:
        if (other := results.context.calibrate_on) is None:
            continue
        shadow = by_name[other]
        attacks, left_out = {}, {}
        for attack in dict.fromkeys([*results.attacks, *shadow.attacks]):
            lacking = next((one.target for one in (results, shadow) if attack not in one.attacks), None)
            if lacking:
                left_out[attack] = f"{lacking} has no scores of it"
            elif facts := _attack(attack, shadow, scores[results.target][attack]):
                attacks[attack] = {carried_from(other): facts}
            else:
                left_out[attack] = f"{results.target} has no statistic at {_knobs(attack, shadow)}"
        found[results.target] = {"from": other, "attacks": attacks, "left_out": left_out}
    return found


def _attack(attack: str, shadow: Results, file: Path) -> dict[str, Any] | None:
    """Return the numbers of one attack at the shadow's knobs; None where the score file has no statistic there."""
    knobs = shadow.selected.knobs[attack]
    scores = Scores.read(file, [(knobs.timestep, knobs.variant)])
    if not scores.columns:
        return None
    rows = ~scores.is_calibration
    roc = Roc.of(scores.statistic[0, rows], scores.is_member[rows], scores.member_when)
    threshold = shadow.selected.threshold(attack)
    metrics = headline_metrics(roc, threshold)
    calibration = shadow.selected.calibration_roc(attack)
    rates = transferred(calibration, roc, TRANSFERRED["transferred"], priors=())
    return {
        "variant": parse_variant(knobs.variant),
        "timestep": knobs.timestep,
        "threshold": threshold,
        **{metric: metrics[metric].json() for metric in (AUC, BALANCED_ACCURACY)},
        "transferred": rates | {"set_at": f"{rates['set_at']} of {shadow.target}"},
    }


def _knobs(attack: str, shadow: Results) -> Column:
    knobs = shadow.selected.knobs[attack]
    return Column(knobs.timestep, parse_variant(knobs.variant), knobs.queries)
