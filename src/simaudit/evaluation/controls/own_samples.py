"""The control of the model's own samples: how many of them an attack would accuse, though none of them is a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simaudit.attacks.attack import Attack, TargetAttack
from simaudit.attacks.derived_attack import DerivedAttack, Statistics
from simaudit.evaluation.controls.jobs import left_out
from simaudit.evaluation.statistics.intervals import rate
from simaudit.vocabulary.variant import CONDITION, variant_text

if TYPE_CHECKING:
    from simaudit.scoring.questions import Asking

Ask = Callable[[Mapping[str, "Asking"]], Mapping[str, Statistics]]
"""Returns every statistic of the samples by attacks, by the names that they are given."""
Derive = Callable[[DerivedAttack, Mapping[str, Statistics]], Statistics]
"""Returns what an attack derives for the samples of their statistics by its bases."""


def shares_accused(
    attacks: Mapping[str, Attack],
    summary: Mapping[str, Any],
    ask: Ask,
    derive: Derive,
    mark: Mapping[str, bool],
) -> dict[str, Any]:
    """Return by attack which share of the samples it accuses at its threshold of 1 % FPR, or why it is `left_out`.

    `summary` says by attack which knobs calibration chose, and where it set the threshold; no other timestep is asked.
    `mark` stands beside each share: it is set where the calibration fold is too small for such a threshold.
    """
    reasons = {name: why for name, attack in attacks.items() if (why := left_out(attack))}
    judged = {name: attack for name, attack in attacks.items() if name not in reasons}
    answers = ask(
        {
            f"{name}/{base}": _asking(attacks[base], summary[name]["selected"])
            for name, attack in judged.items()
            for base in attack.bases or (name,)
        }
    )
    shares = {}
    for name, attack in judged.items():
        statistics = {base: answers[f"{name}/{base}"] for base in attack.bases or (name,)}
        of_attack = derive(attack, statistics) if isinstance(attack, DerivedAttack) else statistics[name]
        chosen = summary[name]["selected"]
        keys = [(column.timestep, variant_text(column.variant)) for column in of_attack.columns]
        values = of_attack.values[keys.index((chosen["timestep"], variant_text(chosen["variant"])))]
        threshold = summary[name]["transferred"]["threshold"]
        share = accused(values.astype(np.float32), threshold, of_attack.member_when)
        shares[name] = {"own_samples": {"accused": {**share, **mark}}}
    return {"attacks": shares, "left_out": reasons}


def _asking(attack: Attack, chosen: Mapping[str, Any]) -> Asking:
    """Return how to ask for an attack's statistics at the chosen timestep, under the chosen condition."""
    from simaudit.scoring.questions import Asking

    assert isinstance(attack, TargetAttack)  # or params.yaml would have been refused
    variant = chosen["variant"]
    return Asking(attack.at(chosen["timestep"]), (variant[CONDITION],) if CONDITION in variant else ())


def accused(statistic: np.ndarray, threshold: float | None, member_when: str) -> dict[str, float]:
    """Return the share of samples, of which `statistic` (S,) is, that are at least as member-like as a threshold.

    Its limits are Clopper and Pearson's, since the threshold was set on other images. Without a threshold nobody is
    accused.
    """
    if threshold is None:
        count = 0
    else:
        count = int((statistic <= threshold if member_when == "low" else statistic >= threshold).sum())
    return rate(count, len(statistic)).json()
