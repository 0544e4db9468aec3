"""By how many attacks each sample is accused: the members at risk, and what coincidence gives held-out samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.intervals import rate
from simaudit.vocabulary.sides import HELDOUT, MEMBER

SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("file", pa.string()),
        ("label", pa.int64()),
        ("class_name", pa.string()),
        ("role", pa.string()),
        ("accused_by", pa.int64()),
        ("heldout_before", pa.float64()),
    ]
)
SHOWN = 12
"""Members that a page shows: those that most attacks accuse."""


def risk_table(selected: SelectedScores, attacks: Sequence[str], items: pd.DataFrame) -> pd.DataFrame:
    """Return one row per sample of the evaluation fold, with the columns of SCHEMA: what most attacks accuse is first.

    `items` has the columns file, label and class_name of every image, by sample_id. `accused_by` counts the attacks,
    each at its threshold of 1 % FPR on the calibration fold. `heldout_before` decides between samples that as many
    attacks accuse: the share of the fold's held-out samples that an attack ranks before a sample or level with it, as
    its mean over the attacks. It is small for a sample that stands out.
    """
    rows = ~selected.is_calibration
    ids, is_member = selected.sample_id[rows], selected.is_member[rows]
    before = [_heldout_before(selected, attack) for attack in attacks]
    table = pd.DataFrame(
        {
            "sample_id": ids,
            "file": items.file.iloc[ids].to_numpy(),
            "label": items.label.iloc[ids].array,
            "class_name": items.class_name.iloc[ids].to_numpy(),
            "role": np.where(is_member, MEMBER, HELDOUT),
            "accused_by": np.sum([selected.accused(attack) for attack in attacks], axis=0),
            "heldout_before": np.mean(before, axis=0),
        }
    )
    ascending = {"accused_by": False, "heldout_before": True, "sample_id": True}
    return table.sort_values([*ascending], ascending=[*ascending.values()], ignore_index=True)


def most_accused(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first SHOWN members of a table that `risk_table` gives, whether an attack accuses them or not."""
    return table[table.role == MEMBER].head(SHOWN)


def risk_facts(table: pd.DataFrame, selected: SelectedScores, attacks: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of a table that `risk_table` gives.

    `tried` is the number of attacks, `independent` what `independent_attacks` gives. For each number of attacks, up to
    the largest that any sample is accused by, `by_<number>` counts members and held-out samples that at least so many
    accuse, and has their shares with exact limits, since thresholds were set on other samples. `member_<place>` are the
    members of `most_accused` that any attack accuses.
    """
    is_member, by = (table.role == MEMBER).to_numpy(), table.accused_by.to_numpy()
    levels: dict[str, Any] = {}
    for least in range(1, int(by.max()) + 1):
        members, heldout = (int((by[side] >= least).sum()) for side in (is_member, ~is_member))
        levels[f"by_{least:02}"] = {
            "least": least,
            "members": members,
            "heldout": heldout,
            "members_accused": rate(members, int(is_member.sum())).json(),
            "heldout_accused": rate(heldout, int((~is_member).sum())).json(),
        }
    accused = most_accused(table).query("accused_by > 0")
    listed = accused[["sample_id", "accused_by", "heldout_before"]].astype(object).to_dict("records")
    return {
        "tried": len(attacks),
        "independent": independent_attacks(selected, attacks),
        **levels,
        **{f"member_{place:02}": member for place, member in enumerate(listed, start=1)},
    }


def independent_attacks(selected: SelectedScores, attacks: Sequence[str]) -> float:
    """Return how many attacks without any correlation would vary as much as these K do, from 1 to K.

    It is K² over the sum of the squared rank correlations of all pairs (the participation ratio of their eigenvalues),
    on the held-out samples of the evaluation fold, where no membership makes attacks agree. Attacks of one kin, such as
    one that is derived of another, count little more than one of them.
    """
    rows = ~selected.is_calibration & ~selected.is_member
    ranks = pd.DataFrame({attack: selected.statistics[attack][rows] for attack in attacks}).rank()
    correlation = ranks.corr().fillna(0.0).to_numpy(copy=True)  # a constant has none
    np.fill_diagonal(correlation, 1.0)
    return float(len(attacks) ** 2 / np.square(correlation).sum())


def _heldout_before(selected: SelectedScores, attack: str) -> np.ndarray:
    """Return the share of held-out samples that are at least as member-like as each sample (n,) of the fold."""
    statistic, is_member = selected.on_evaluation(attack)
    ascending = statistic if selected.knobs[attack].member_when == "low" else -statistic
    heldout = np.sort(ascending[~is_member])
    return np.searchsorted(heldout, ascending, side="right") / len(heldout)
