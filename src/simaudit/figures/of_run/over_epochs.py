"""How a leak grows while a target is trained."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import RunFigure, groups

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Run
    from simaudit.plan.params import Params


class OverEpochs(RunFigure):
    """The AUC of states on the way and of the end, one line a target and attack, with 95 % limits.

    Each state is attacked at knobs that were calibrated for it.
    """

    title: ClassVar[str] = "AUC over training epochs"

    def missing(self, params: "Params") -> str | None:
        snapshots = any(
            params.epochs_of(name) and params.audits[name].intermediate_attacks for name in params.audits
        )
        return (
            None
            if snapshots
            else "needs training.intermediate_epochs, and an audit with intermediate_attacks"
        )

    def values(self, run: "Run") -> "pd.DataFrame":
        import pandas as pd

        rows = []
        for target, role in run.roles.items():
            states = {epoch: f"{target}.epochs.{epoch}" for epoch in role.epochs[:-1]}
            states |= dict.fromkeys(role.epochs[-1:], target)
            for attack in run.ledger.attacks(target):
                found = [
                    {"target": target, "attack": attack, "epoch": epoch, **run.ledger.interval(name).json()}
                    for epoch, state in states.items()
                    if (name := f"{state}.{attack}.auc") in run.ledger
                ]
                rows += found if len(found) > 1 else []
        return pd.DataFrame(rows)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.protocol.metrics import AUC, CHANCE
        from simaudit.figures import style

        figure = style.new_figure(height=2.6)
        axis = figure.subplots()
        targets = list(values.target.unique())
        lines = [
            (target, *line) for target, rows in groups(values, "target") for line in groups(rows, "attack")
        ]
        for target, attack, line in lines:
            axis.errorbar(
                line.epoch,
                line.value,
                [line.value - line.low, line.high - line.value],
                color=style.attack_colour(attack),
                linestyle=style.LINES[targets.index(target) % len(style.LINES)],
                marker=style.MARKERS[targets.index(target) % len(style.MARKERS)],
                label=f"{target}, {style.attack_name(attack)}",
                **style.ERROR_BARS,
            )
        axis.axhline(CHANCE[AUC], **style.CHANCE)
        axis.set(xlabel="epoch", ylabel="AUC")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
        return figure

    def seen(self, run: "Run") -> str:
        told = []
        for target, role in run.roles.items():
            if (first := f"{target}.epochs.{role.epochs[0] if role.epochs else 0}.sima.auc") in run.ledger:
                told.append(f"{target} from [[{first}]] to [[{target}.sima.auc]]")
        return (
            f"SimA's AUC goes, between epochs {{}}: {'; '.join(told)}.".replace(" {}", " shown")
            if told
            else ""
        )
