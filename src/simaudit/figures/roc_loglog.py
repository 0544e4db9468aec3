"""ROC curves on two logarithmic axes: what an attack finds when it may hardly ever be wrong."""

from typing import TYPE_CHECKING

from simaudit.figures import Figure

if TYPE_CHECKING:
    import matplotlib.figure

    from simaudit.evaluation.results import Results


class RocLogLog(Figure):
    """One exact staircase an attack at its selected knobs, on the evaluation fold (Carlini et al., arXiv:2112.03570).

    Blind is the best classifier that never sees the model. The left edge is one false positive; in the grey part, fewer
    than ten, the curves are too uncertain to be read.
    """

    def draw(self, results: "Results") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.evaluate import BLIND
        from simaudit.evaluation.metrics import READABLE_TAIL
        from simaudit.figures import style

        figure = style.new_figure(height=3.4)
        axis = figure.subplots()
        for attack in style.in_order([*results.attacks, BLIND]):
            roc = results.selected.roc(attack)
            axis.plot(
                roc.fpr,
                roc.tpr,
                drawstyle="steps-post",
                color=style.attack_colour(attack),
                label=f"{style.attack_name(attack)} (AUC {roc.auc:.3f})",
                **(style.BLIND_LINE if attack == BLIND else {}),
            )
        edge = 1 / roc.heldout
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
        style.mark_shifted(figure, results.summary["shifted"])
        return figure
