"""The control of the model's own samples: how many of them an attack would accuse, though none of them is a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.attacks.attack import Attack, TargetAttack
from simaudit.attacks.derived_attack import DerivedAttack, Statistics
from simaudit.evaluation.statistics.intervals import rate
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import CONDITION, Column, parse_variant, variant_text

if TYPE_CHECKING:
    from simaudit.scoring.questions import Asking

Ask = Callable[[Mapping[str, "Asking"]], Mapping[str, Statistics]]
"""Returns every statistic of the samples by attacks, by the names that they are given."""
Derive = Callable[[DerivedAttack, Mapping[str, Statistics]], Statistics]
"""Returns what an attack derives for the samples of their statistics by its bases."""

SCHEMA = pa.schema(
    [
        ("attack", pa.string()),
        ("variant", pa.string()),
        ("timestep", pa.int16()),
        ("member_when", pa.string()),
        ("sample", pa.int32()),
        ("statistic", pa.float32()),
    ]
)


def own_statistics(
    attacks: Mapping[str, Attack], chosen: Mapping[str, Column], ask: Ask, derive: Derive
) -> pd.DataFrame:
    """Return the chosen statistic of each attack for every sample, in the columns of SCHEMA.

    `chosen` says by attack which statistic that is; no other timestep is asked. `attacks` are these, and their bases.
    """
    answers = ask(
        {
            f"{name}/{base}": _asking(attacks[base], column)
            for name, column in chosen.items()
            for base in attacks[name].bases or (name,)
        }
    )
    parts = []
    for name, column in chosen.items():
        attack = attacks[name]
        answered = {base: answers[f"{name}/{base}"] for base in attack.bases or (name,)}
        of_attack = derive(attack, answered) if isinstance(attack, DerivedAttack) else answered[name]
        variant = variant_text(column.variant)
        keys = [(of.timestep, variant_text(of.variant)) for of in of_attack.columns]
        values = of_attack.values[keys.index((column.timestep, variant))].astype(np.float32)
        part = pd.DataFrame({"sample": np.arange(len(values)), "statistic": values})
        timestep = pd.array([column.timestep] * len(values), dtype="Int16")
        parts.append(
            part.assign(attack=name, variant=variant, timestep=timestep, member_when=of_attack.member_when)
        )
    table: pd.DataFrame = pd.concat(parts)[SCHEMA.names] if parts else SCHEMA.empty_table().to_pandas()
    return table


def _asking(attack: Attack, chosen: Column) -> Asking:
    """Return how to ask for an attack's statistics at the chosen timestep, under the chosen condition."""
    from simaudit.scoring.questions import Asking

    assert isinstance(attack, TargetAttack)  # or params.yaml would have been refused
    conditions: list[Any] = [chosen.variant[CONDITION]] if CONDITION in chosen.variant else []
    return Asking(attack.at(chosen.timestep), conditions)


def shares_accused(
    statistics: pd.DataFrame, summary: Mapping[str, Any], mark: Mapping[str, bool]
) -> dict[str, Any]:
    """Return by attack which share of the samples it accuses at its threshold of 1 % FPR.

    `statistics` are in the columns of SCHEMA; `summary` says by attack which knobs calibration chose, and where it set
    the threshold. `mark` stands beside each share: it is set where the calibration fold is too small for such a
    threshold. Raises SimauditError when a statistic is of other knobs than those that were chosen.
    """
    shares = {}
    for name in statistics.attack.unique().tolist():
        of_attack = statistics[statistics.attack == name]
        first, chosen = of_attack.iloc[0], summary[name]["selected"]
        timestep = None if pd.isna(first.timestep) else int(first.timestep)
        if (timestep, parse_variant(first.variant)) != (chosen["timestep"], chosen["variant"]):
            raise SimauditError(
                f"{name}: the model's own samples were asked at other knobs than calibration chose; score them again"
            )
        threshold = summary[name]["transferred"]["threshold"]
        share = accused(of_attack.statistic.to_numpy(), threshold, first.member_when)
        shares[name] = {"own_samples": {"accused": {**share, **mark}}}
    return shares


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
