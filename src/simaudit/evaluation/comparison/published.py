"""Numbers that papers report. They stand beside our own, are never mixed with them, and come without limits."""

from typing import Any

import pandas as pd

from simaudit.evaluation.comparison import PAPERS
from simaudit.evaluation.comparison.ranks import mean_ranks
from simaudit.vocabulary.metrics import ASR, AUC, TPR_HELDOUT_POSITIVE

SIMA, BETA = "sima_v1.csv", "beta_vae_v1.csv"
METRICS = {AUC: AUC, ASR: ASR, TPR_HELDOUT_POSITIVE: "tpr_heldout_positive_at_1fpr"}
"""Our name of each metric, and the name of its column in the CSV file."""


def published() -> dict[str, Any]:
    """Return what published.json holds, from SimA's version 1 (arXiv:2509.25003).

    `published` holds numbers. `sima`: by model, `<members>-vs-<held-out>`, condition and attack the metrics of its
    Tables 1, 2, 4, 5 and 6; `ranks`: mean ranks of the attacks over these experiments, computed here; `beta`: by arm
    and β (Figure 3 right, read off the figure) AUC and FID, which the paper normalised over both arms.
    `experiments` says in words what the numbers of `sima` are of: each experiment's numbers have its `of`.
    """
    rows = _rows(SIMA)
    rows["experiment"] = rows.model + " " + rows.members + " " + rows.heldout + " " + rows.condition
    reported: dict[str, Any] = {}
    experiments: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        model, condition = row["model"], row["condition"]
        members, heldout = slug(row["members"]), slug(row["heldout"])
        sides = f"{members}-vs-{heldout}"
        of = f"published.sima.{model}.{sides}.{condition}"
        experiments[of] = {
            "of": of,
            "model": model,
            "members": members,
            "heldout": heldout,
            "condition": condition,
        }
        experiment = (
            reported.setdefault(model, {}).setdefault(sides, {}).setdefault(condition, {"attacks": {}})
        )
        numbers = {metric: _bare(row[column]) for metric, column in METRICS.items()}
        experiment["attacks"][slug(row["attack"])] = {"queries": int(row["queries"]), **numbers}
    ranks = {
        metric: mean_ranks(
            rows.assign(attack=rows.attack.map(slug))
            .pivot(index="experiment", columns="attack", values=column)
            .astype(float)
            .dropna()
        )
        for metric, column in METRICS.items()
    }
    return {
        "published": {"sima": reported, "ranks": ranks, "beta": _sweep()},
        "experiments": [experiments[of] for of in sorted(experiments)],
    }


def _sweep() -> dict[str, Any]:
    arms: dict[str, Any] = {}
    for row in _rows(BETA).to_dict("records"):
        for arm in ("standard", "adversarial"):
            arms.setdefault(arm, {})[f"beta={row['beta']}"] = {
                AUC: _bare(row[f"auc_{arm}"]),
                "fid_normalised": _bare(row[f"fid_norm_{arm}"]),
            }
    return arms


def _rows(name: str) -> pd.DataFrame:
    """Return a file of a paper's numbers, every cell as a text."""
    return pd.read_csv(PAPERS / name, dtype=str, keep_default_na=False)


def _bare(value: str) -> dict[str, float | None]:
    return {"value": float(value), "low": None, "high": None}


def slug(name: str) -> str:
    """Return a name as part of an id."""
    return name.lower().replace(".", "-").replace("_", "-")
