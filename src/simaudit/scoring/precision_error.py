"""What a precision changes: statistics of a few samples, computed in it and in float32."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from simaudit.data.split import Split
from simaudit.machine.precision import computing_in
from simaudit.scoring.score_file import AGAINST_FLOAT32
from simaudit.vocabulary.knobs import Precision
from simaudit.vocabulary.variant import Column, variant_text

EACH = 64
"""How many samples of each side are compared, at most."""

Asked = Mapping[str, tuple[list[Column], np.ndarray]]
"""By attack, what its K statistics are, and their values (K, B)."""


def against_float32(
    ask: Callable[[np.ndarray], Asked],
    split: Split,
    precision: Precision,
    device: torch.device,
    member_when: Mapping[str, Literal["low", "high"]],
) -> dict[str, dict[str, str]]:
    """Return by attack what the metadata of its score file say of `precision`; nothing of float32 itself.

    `ask` returns the statistics of some samples, by their places in the split (B,); `member_when` are those of the
    attacks. The first samples of each side are asked about, in `precision` and in float32. A `LearningAttack`, which
    has learned nothing yet, is left out.
    """
    if precision == "float32":
        return {}
    places = np.concatenate([np.flatnonzero(side)[:EACH] for side in (split.is_member, ~split.is_member)])
    is_member = split.is_member[places]
    answers = []
    for of in (precision, "float32"):
        with computing_in(of, device):
            answers.append(ask(places))
    ours, exact = answers
    return {
        attack: _compared(columns, values, exact[attack][1], is_member, member_when[attack])
        for attack, (columns, values) in ours.items()
        if values.ndim == 2
    }


def _compared(
    columns: list[Column], ours: np.ndarray, exact: np.ndarray, is_member: np.ndarray, member_when: str
) -> dict[str, str]:
    """Return metadata that say of each statistic its timestep, its variant, its error and its AUC difference.

    The error is the largest of all samples, as a share of the statistic's root mean square: a statistic that is a
    difference may be near 0 for some sample.
    """
    ours, exact = ours.astype(np.float64), exact.astype(np.float64)
    size = np.sqrt(np.square(exact).mean(axis=1))
    error = np.abs(ours - exact).max(axis=1) / np.where(size > 0, size, 1)
    difference = _auc(ours, is_member, member_when) - _auc(exact, is_member, member_when)
    keys = ((column.timestep, variant_text(column.variant)) for column in columns)
    rows = [(*key, *numbers) for key, *numbers in zip(keys, error.tolist(), difference.tolist(), strict=True)]
    return {AGAINST_FLOAT32: json.dumps(rows)}


def _auc(statistic: np.ndarray, is_member: np.ndarray, member_when: str) -> np.ndarray:
    """Return the AUC of each row (K,) of statistics (K, B)."""
    members, heldout = statistic[:, is_member], statistic[:, ~is_member]
    above, below = (members, heldout) if member_when == "high" else (heldout, members)
    area: np.ndarray = mannwhitneyu(above, below, axis=1).statistic / (members.shape[1] * heldout.shape[1])
    return area
