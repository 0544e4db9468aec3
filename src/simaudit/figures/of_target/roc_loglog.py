"""ROC curves on two logarithmic axes: what an attack finds when it may hardly ever be wrong."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results


class RocLogLog(TargetFigure):
    """One exact staircase an attack at its selected knobs, on the evaluation fold (Carlini et al., arXiv:2112.03570).

    Blind is the best classifier that never sees the model. The left edge is one false positive; in the grey part, fewer
    than ten, the curves are too uncertain to be read.
    """

    title: ClassVar[str] = "ROC, both axes logarithmic"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    def values(self, results: "Results") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.evaluation.protocol.selected import BLIND
        from simaudit.figures import style

        parts = []
        for attack in style.in_order([*results.attacks, BLIND]):
            roc = results.selected.roc(attack)
            counts = {"true_positives": roc.true_positives, "false_positives": roc.false_positives}
            parts.append(
                pd.DataFrame({"attack": attack, "fpr": roc.fpr, "tpr": roc.tpr, **counts, "auc": roc.auc})
            )
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.protocol.metrics import READABLE_TAIL
        from simaudit.evaluation.protocol.selected import BLIND
        from simaudit.figures import style

        figure = style.new_figure(height=3.4)
        axis = figure.subplots()
        for attack, roc in groups(values, "attack"):
            axis.plot(
                roc.fpr,
                roc.tpr,
                drawstyle="steps-post",
                color=style.attack_colour(attack),
                label=f"{style.attack_name(attack)} (AUC {roc.auc.iloc[0]:.3f})",
                **(style.BLIND_LINE if attack == BLIND else {}),
            )
        edge = 1 / values.false_positives.max()
        axis.axvspan(edge, min(READABLE_TAIL * edge, 1), color="0.92", linewidth=0, zorder=-1)
        axis.plot([edge, 1], [edge, 1], **style.CHANCE)
        axis.set(
            xscale="log",
            yscale="log",
            xlim=(edge, 1),
            ylim=(edge, 1.05),
            xlabel=f"false positive rate   (grey: fewer than {READABLE_TAIL} held-out)",
            ylabel="true positive rate (members found)",
        )
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        best = book.best(target)
        return (
            f"At 1 % false positives, {best} finds [[{target}.{best}.tpr_at_1pct_fpr]] of "
            f"[[#{target}.members]] members."
        )
