"""The control of the model's own samples: how many of them an attack would accuse, though none of them is a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from simaudit.attacks.attack import Attack, TargetAttack
from simaudit.attacks.derived_attack import DerivedAttack, Statistics
from simaudit.evaluation.controls.jobs import left_out
from simaudit.evaluation.statistics.intervals import rate
from simaudit.vocabulary.knobs import Condition
from simaudit.vocabulary.variant import CONDITION, variant_text

Ask = Callable[[TargetAttack, Sequence[Condition]], Statistics]
"""Returns every statistic of the samples by an attack, asked under these conditions."""
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
    shares = {}
    for name, attack in attacks.items():
        if name in reasons:
            continue
        facts = summary[name]
        statistic, member_when = _selected(attack, attacks, facts["selected"], ask, derive)
        share = accused(statistic, facts["transferred"]["threshold"], member_when)
        shares[name] = {"own_samples": {"accused": {**share, **mark}}}
    return {"attacks": shares, "left_out": reasons}


def _selected(
    attack: Attack, attacks: Mapping[str, Attack], chosen: Mapping[str, Any], ask: Ask, derive: Derive
) -> tuple[np.ndarray, str]:
    """Return an attack's statistic (S,) of the samples at the chosen knobs, and where members lie."""
    timestep, variant = chosen["timestep"], chosen["variant"]
    conditions = (variant[CONDITION],) if CONDITION in variant else ()

    def asked(attack: Attack) -> Statistics:
        assert isinstance(attack, TargetAttack)  # or params.yaml would have been refused
        return ask(attack.at(timestep), conditions)

    statistics = (
        derive(attack, {base: asked(attacks[base]) for base in attack.bases})
        if isinstance(attack, DerivedAttack)
        else asked(attack)
    )
    keys = [(column.timestep, variant_text(column.variant)) for column in statistics.columns]
    row = keys.index((timestep, variant_text(variant)))
    return statistics.values[row].astype(np.float32), statistics.member_when


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
