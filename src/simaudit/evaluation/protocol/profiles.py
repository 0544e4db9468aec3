"""The distribution of every statistic over members and over held-out samples."""

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.evaluation.protocol.metrics import blocks
from simaudit.evaluation.statistics.intervals import mean_limits
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.variant import variant_text

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
FACTS = ("mean", "mean_low", "mean_high", *QUANTILES)
ROLES = {"members": True, "held-out": False}

SCHEMA = pa.schema(
    [
        ("attack", pa.string()),
        ("variant", pa.string()),
        ("timestep", pa.int16()),
        ("role", pa.string()),
        ("samples", pa.int32()),
        *((name, pa.float64()) for name in FACTS),
    ]
)


def profile(scores: Scores) -> pd.DataFrame:
    """Return mean, 95 % limits and quantiles of each statistic on the evaluation fold, one row per side: SCHEMA."""
    parts = []
    for role, is_member in ROLES.items():
        rows = ~scores.is_calibration & (scores.is_member == is_member)
        facts = np.concatenate(
            [
                _facts(scores.statistic[places][:, rows].astype(np.float64))
                for places in blocks(len(scores.columns))
            ],
            axis=1,
        )
        parts.append(
            pd.DataFrame(
                {
                    "attack": scores.attack,
                    "variant": [variant_text(column.variant) for column in scores.columns],
                    "timestep": pd.array([column.timestep for column in scores.columns], dtype="Int16"),
                    "role": role,
                    "samples": int(rows.sum()),
                    **dict(zip(FACTS, facts, strict=True)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _facts(values: np.ndarray) -> np.ndarray:
    """Return FACTS of each of K statistics (K, n): (facts, K)."""
    return np.stack([*mean_limits(values), *np.quantile(values, list(QUANTILES.values()), axis=1)])
