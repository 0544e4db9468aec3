"""How a leak grows while a target is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.numbers import Number
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, groups, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.context import AuditContext


class OverEpochs(RunFigure):
    """The metrics.AUC at intermediate checkpoints and at the end, one line per target and attack, with 95 % limits.

    Each checkpoint is attacked at knobs that were calibrated for it.
    """

    title: ClassVar[str] = "AUC over training epochs"

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        attacked = any(len(audit.epochs) > 1 and audit.checkpoint_attacks for audit in audits.values())
        return (
            None if attacked else "needs training.intermediate_epochs, and an audit with intermediate_attacks"
        )

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = []
        for target in run.contexts:
            for attack in run.ledger.attacks(target):
                aucs = _aucs(run, target, attack)
                rows += [
                    {"target": target, "attack": attack, "epoch": epoch, **auc.interval}
                    for epoch, auc in aucs.items()
                    if len(aucs) > 1
                ]
        return pd.DataFrame(rows)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=2.6)
        axis, look_of = figure.subplots(), looks(values)
        for number, (target, of_target) in enumerate(groups(values, "target")):
            for attack, line in groups(of_target, "attack"):
                look = look_of[attack]
                axis.errorbar(
                    line.epoch,
                    line.value,
                    [line.value - line.low, line.high - line.value],
                    color=look.colour,
                    label=f"{legend.short(target)}, {look.label}",
                    **style.ERROR_BARS | style.line_of(number),
                )
        axis.axhline(metrics.CHANCE[metrics.AUC], label="chance", **style.CHANCE)
        axis.set(xlabel="epoch", ylabel="AUC")
        axis.locator_params(axis="x", integer=True)
        style.legend_above(figure, axis, 2)
        return figure

    def sentence(self, run: results.Run) -> str:
        values, changes = self.values(run), []
        attack = legend.in_order(values.attack.unique(), run.kinds)[0]
        for target in values.target.unique():
            aucs = list(_aucs(run, target, attack).values())
            if len(aucs) > 1:
                first, last = (
                    mention(auc.metric, auc.audit, auc.attack, auc.of) for auc in (aucs[0], aucs[-1])
                )
                changes.append(f"from {first} to {last} on {target}")
        return (
            f"Between the first and the last epoch shown, the AUC of {legend.look(attack).name} goes "
            f"{'; '.join(changes)}."
        )


def _aucs(run: results.Run, target: str, attack: str) -> dict[int, Number]:
    """Return an attack's AUC by epoch, the last being that of the target itself."""
    *checkpoints, end = run.contexts[target].epochs or (0,)
    aucs = {epoch: run.ledger.get(metrics.AUC, target, attack, f"epochs.{epoch}") for epoch in checkpoints}
    aucs[end] = run.ledger.get(metrics.AUC, target, attack)
    return {epoch: auc for epoch, auc in aucs.items() if auc}
