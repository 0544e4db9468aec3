"""Published AUCs beside this run's: the same attacks, other data; never in one panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, groups, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.kinds import SIMA
from simaudit.vocabulary.metrics import AUC, CHANCE

APART = 0.18  # of the height of a row, between two attacks
MODELS = {"ddpm": "published, DDPM", "ldm": "published, LDM"}
DATASETS = {
    "celeba": "CelebA",
    "cifar-10": "CIFAR-10",
    "cifar-100": "CIFAR-100",
    "stl10-u": "STL10-U",
    "imagenet-1k": "ImageNet-1K",
}
"""The datasets of these experiments, in print."""
NAMED = {"model": "ddpm", "members": "cifar-10", "heldout": "cifar-10", "condition": "none"}
"""The published experiment that the sentence names, DDPM on CIFAR-10."""


class PublishedBeside(RunFigure):
    """Above, AUCs that SimA's version 1 reports, which come without limits and with timesteps chosen on the test set.

    These are its experiments on DDPM and LDM alone, without those on Stable Diffusion and guided diffusion. Below are
    the AUCs of this run on its audited targets, with 95 % confidence intervals and knobs chosen on the calibration
    fold.
    """

    title: ClassVar[str] = "Published numbers and this run's"
    reads: ClassVar[tuple[str, ...]] = ("numbers", "published")

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        audited = any(context.control is None for context in audits.values())
        return None if audited else "needs a target that is no control"

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = [
            {"panel": panel, "of": _name(experiment), "attack": number.attack, **number.interval}
            for model, panel in MODELS.items()
            for experiment in run.experiments
            if experiment["model"] == model
            for number in run.ledger.find(metric=AUC, of=experiment["of"])
        ]
        published = legend.in_order({str(row["attack"]) for row in rows})
        shared = {
            target: {kind: entry for kind in published if (entry := run.of_kind(kind, target))}
            for target in run.audited
            if run.contexts[target].group == target
        }
        most = max(map(len, shared.values()))
        for target, entries in shared.items():
            for kind, entry in entries.items() if len(entries) > 1 or most == 1 else ():
                auc = run.ledger.number(AUC, target, entry)
                row = {"panel": "this run", "of": target, "attack": kind, "entry": entry}
                rows.append({**row, **auc.interval})
        return pd.DataFrame(rows)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = list(groups(values, "panel"))
        heights = [rows["of"].nunique() + 1.6 for _, rows in panels]
        figure = style.new_figure(height=0.3 * sum(heights) + 0.5)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        look_of = looks(values)
        for axis, (panel, rows) in zip(axes, panels, strict=True):
            places = list(rows["of"].unique())[::-1]
            for place in range(0, len(places), 2):
                axis.axhspan(place - 0.5, place + 0.5, color="0.95", linewidth=0, zorder=-2)
            for number, attack in enumerate(look_of):
                of_attack, look = rows[rows.attack == attack], look_of[attack]
                offset = (len(look_of) / 2 - number - 0.5) * APART
                bars = [of_attack.value - of_attack.low, of_attack.high - of_attack.value]
                axis.errorbar(
                    *(of_attack.value, [places.index(of) + offset for of in of_attack["of"]]),
                    xerr=bars if of_attack.low.notna().all() else None,
                    color=look.colour,
                    marker=look.marker,
                    label=look.label,
                    linestyle="none",
                    **{**style.ERROR_BARS, "markersize": 3.5},
                )
            axis.set_yticks(range(len(places)), [legend.short(place) for place in places])
            axis.set_ylim(-0.5, len(places) - 0.5)
            axis.set_title(panel, loc="left", pad=4)
            axis.axvline(CHANCE[AUC], label="chance", **style.CHANCE)
        axes[-1].set_xlabel("AUC")
        style.legend_above(figure, axes, 6)
        return figure

    def sentence(self, run: results.Run) -> str:
        first = run.audited[0]
        sima = run.of_kind(SIMA, first)
        if sima is None:
            return "The data, the models and the protocol of the two differ."
        of = next(experiment["of"] for experiment in run.experiments if experiment.items() >= NAMED.items())
        return (
            f"The paper reports an AUC of {mention(AUC, attack=SIMA, of=of)} for SimA on CIFAR-10; here it is "
            f"{mention(AUC, first, sima)} on {first}. The data, the models and the protocol differ."
        )


def _name(experiment: Mapping[str, str]) -> str:
    condition = experiment["condition"]
    members = DATASETS.get(experiment["members"], experiment["members"])
    return members if condition == "none" else f"{members}, {condition}"
