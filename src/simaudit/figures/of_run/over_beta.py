"""What the bottleneck of the autoencoder changes: AUC and quality over β, with and without a discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures import style
from simaudit.figures.figure import RunFigure
from simaudit.figures.printed import distances_in, mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.kinds import RECONSTRUCTION, SIMA

ARMS = {False: "standard", True: "adversarial"}
ORDINAL = (0, 3)  # places of the colours of the arms
APART = 0.06  # of the distance of two β, to either side of the tick
FRECHET = "frechet"
PANELS = {
    SIMA: "AUC, SimA",
    RECONSTRUCTION: "AUC, reconstruction",
    FRECHET: "Fréchet distance\nto members",
}


class OverBeta(RunFigure):
    """Latent targets by the weight β of the KL term, in one arm with and one without an adversarial autoencoder.

    A mark is the mean over seeds, or the target itself where there is one seed. The thick bar spans the seeds; the thin
    one is the 95 % confidence interval that the samples give the mean, and says nothing of other seeds. The Fréchet
    distance is that of generated images to the members; the dotted line is that of the held-out images, of the first
    target. The values of β stand at equal distances, not to scale.
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
            arm = {"arm": ARMS[context.arm["adversarial"]], "beta": context.arm["beta"]}
            for panel in PANELS:
                attack = run.of_kind(panel, target)
                numbers = {"seed": _of_target(run.ledger, attack, target, panel)}
                if context.group == target:
                    numbers["mean"] = _over_seeds(run.ledger, attack, target, panel) or numbers["seed"]
                rows += [
                    {"metric": panel, **arm, "kind": kind, "target": target, **number.interval}
                    for kind, number in numbers.items()
                    if number
                ]
        table = pd.DataFrame(rows)
        groups_of = table.target.map(lambda target: run.contexts[target].group)
        seeds = table[table.kind == "seed"].assign(target=groups_of)
        by_group = seeds.groupby(["metric", "arm", "beta", "target"], as_index=False).value
        spans = by_group.agg(low="min", high="max", value="median").assign(kind="seeds")
        heldout = next(
            filter(None, (run.ledger.get("members_to_heldout", name, of=FRECHET) for name in table.target)),
            None,
        )
        row = {"metric": FRECHET, "kind": "heldout"} | (heldout.interval if heldout else {})
        level = pd.DataFrame([row] if heldout else [])
        order = ["metric", "arm", "kind", "beta", "target"]
        whole: pd.DataFrame = pd.concat([table, spans.query("low < high"), level])
        return whole.sort_values(order, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = {metric: label for metric, label in PANELS.items() if (values.metric == metric).any()}
        figure = style.new_figure(rows=len(panels), height=1.5)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        betas = sorted(values.beta.dropna().unique())
        for axis, (metric, label) in zip(axes, panels.items(), strict=True):
            of_metric = values[values.metric == metric]
            for number, arm in enumerate(ARMS.values()):
                of_arm = of_metric[of_metric.arm == arm]
                mean, seeds = (of_arm[of_arm.kind == kind] for kind in ("mean", "seeds"))
                axis.errorbar(
                    mean.beta.map(betas.index) + (number - 0.5) * 2 * APART,
                    mean.value,
                    [mean.value - mean.low, mean.high - mean.value],
                    color=style.ORDINAL[ORDINAL[number]],
                    label=arm,
                    **style.ERROR_BARS | style.line_of(number),
                )
                at = seeds.beta.map(betas.index) + (number - 0.5) * 2 * APART
                axis.vlines(
                    at,
                    seeds.low,
                    seeds.high,
                    color=style.ORDINAL[ORDINAL[number]],
                    alpha=0.35,
                    linewidth=5,
                    label="range of seeds" if number == 0 and len(seeds) else None,
                )
            for level in of_metric.value[of_metric.kind == "heldout"]:
                axis.axhline(level, label="held-out to members", **style.THRESHOLD)
            axis.set_ylabel(label)
            if metric == FRECHET:
                axis.set_yscale("log")
                axis.yaxis.set_major_formatter("{x:g}")
            else:
                axis.axhline(metrics.CHANCE[metrics.AUC], label="chance", **style.CHANCE)
        axes[-1].set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
        axes[-1].set_xlabel(r"$\beta$, weight of the mean KL (not to scale)")
        style.legend_above(figure, axes, 4)
        return figure

    def sentence(self, run: results.Run) -> str:
        betas = {
            name: float(context.arm["beta"])
            for name, context in run.contexts.items()
            if context.arm and not context.arm["adversarial"] and context.group == name
        }
        ends = dict.fromkeys(pick(betas, key=lambda name: betas[name]) for pick in (min, max) if betas)
        aucs = [
            f"{mention(metrics.AUC, name, attack)} at β = {betas[name]:g}"
            for name in ends
            if (attack := run.of_kind(SIMA, name))
        ]
        ends_said = f"Without a discriminator, the AUC of SimA is {' and '.join(aucs)}." if aucs else ""
        latent = (name for name, context in run.contexts.items() if context.arm)
        return (
            " ".join(filter(None, (ends_said, distances_in(run.ledger, latent))))
            or "Each autoencoder by its β."
        )


def _of_target(ledger: Ledger, attack: str | None, target: str, panel: str) -> Number | None:
    if panel == FRECHET:
        return ledger.get("to_members", target, of=FRECHET)
    return ledger.get(metrics.AUC, target, attack) if attack else None


def _over_seeds(ledger: Ledger, attack: str | None, group: str, panel: str) -> Number | None:
    if panel == FRECHET:
        return ledger.get("mean_over_seeds", group, of=f"{FRECHET}.to_members")
    return ledger.get(metrics.AUC, group, attack, "mean_over_seeds") if attack else None
