"""What the bottleneck of the autoencoder changes: AUC and quality over β, with and without a discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.evaluation.protocol import metrics
from simaudit.figures import style
from simaudit.figures.figure import RunFigure
from simaudit.figures.printed import distances_in, mention
from simaudit.vocabulary.context import AuditContext

ARMS = {False: ("standard", "#332288", "o"), True: ("adversarial", "#E69F00", "s")}
SIMA, RECONSTRUCTION, FRECHET = "sima", "reconstruction", "frechet"
PANELS = {SIMA: "AUC, SimA", RECONSTRUCTION: "AUC, reconstruction", FRECHET: "Fréchet distance"}


class OverBeta(RunFigure):
    """Latent targets by the weight β of the KL term, in one arm with and one without an adversarial autoencoder.

    Marks on the lines are means over seeds with the limits that the samples give them, or single targets where there is
    one seed; small marks are the seeds. The Fréchet distance is that of samples to the members.
    """

    title: ClassVar[str] = "AUC and quality over β"

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        betas = {context.arm["beta"] for context in audits.values() if context.arm}
        return None if len(betas) > 1 else "needs autoencoders of two β or more"

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = []
        for target, context in run.contexts.items():
            if not context.arm:
                continue
            arm = {"arm": ARMS[context.arm["adversarial"]][0], "beta": context.arm["beta"]}
            for panel in PANELS:
                numbers = {"seed": _of_target(run.ledger, panel, target)}
                if context.group == target:
                    numbers["mean"] = _over_seeds(run.ledger, panel, target) or numbers["seed"]
                rows += [
                    {"metric": panel, **arm, "kind": kind, "target": target, **number.interval}
                    for kind, number in numbers.items()
                    if number
                ]
        return pd.DataFrame(rows).sort_values(["metric", "arm", "kind", "beta", "target"], ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = {metric: label for metric, label in PANELS.items() if (values.metric == metric).any()}
        figure = style.new_figure(rows=len(panels), height=1.5)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        betas = sorted(values.beta.unique())
        for axis, (metric, label) in zip(axes, panels.items(), strict=True):
            for adversarial, (arm, colour, marker) in ARMS.items():
                rows = values[(values.metric == metric) & (values.arm == arm)]
                at = rows.beta.map(betas.index) + (0.12 if adversarial else -0.12)
                mean, seed = rows.kind == "mean", rows.kind == "seed"
                bars = [(rows.value - rows.low)[mean], (rows.high - rows.value)[mean]]
                axis.errorbar(
                    at[mean],
                    rows.value[mean],
                    bars,
                    color=colour,
                    marker=marker,
                    label=arm,
                    **style.ERROR_BARS,
                )
                axis.plot(at[seed] + 0.1, rows.value[seed], marker, color=colour, markersize=2.5, alpha=0.7)
            axis.set_ylabel(label)
            if metric == FRECHET:
                axis.set_yscale("log")
                axis.yaxis.set_major_formatter("{x:g}")
            else:
                axis.axhline(metrics.CHANCE["auc"], **style.CHANCE)
        axes[-1].set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
        axes[-1].set_xlabel(r"$\beta$, weight of the mean KL")
        style.legend_above(axes[0], 2)
        return figure

    def sentence(self, run: results.Run) -> str:
        betas = {
            name: float(context.arm["beta"])
            for name, context in run.contexts.items()
            if context.arm and not context.arm["adversarial"] and context.group == name
        }
        ends = dict.fromkeys(pick(betas, key=lambda name: betas[name]) for pick in (min, max) if betas)
        aucs = [
            f"{mention('auc', name, SIMA)} at β = {betas[name]:g}"
            for name in ends
            if run.ledger.get("auc", name, SIMA)
        ]
        ends_said = f"Without a discriminator, the AUC of SimA is {' and '.join(aucs)}." if aucs else ""
        latent = (name for name, context in run.contexts.items() if context.arm)
        return " ".join(filter(None, (ends_said, distances_in(run.ledger, latent))))


def _of_target(ledger: Ledger, panel: str, target: str) -> Number | None:
    return (
        ledger.get("to_members", target, of=FRECHET) if panel == FRECHET else ledger.get("auc", target, panel)
    )


def _over_seeds(ledger: Ledger, panel: str, group: str) -> Number | None:
    if panel == FRECHET:
        return ledger.get("mean_over_seeds", group, of=f"{FRECHET}.to_members")
    return ledger.get("auc", group, panel, "mean_over_seeds")
