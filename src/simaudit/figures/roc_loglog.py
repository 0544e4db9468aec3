"""ROC curves on two logarithmic axes: what an attack finds when it may hardly ever be wrong."""

from typing import TYPE_CHECKING

from simaudit.figures import Evidence, Figure

if TYPE_CHECKING:
    import matplotlib.figure


class RocLogLog(Figure):
    """One exact staircase an attack at its selected knobs, on the evaluation fold (Carlini et al., arXiv:2112.03570).

    The left edge is one false positive; nothing left of it can be measured with this many held-out samples.
    """

    def draw(self, evidence: Evidence) -> "matplotlib.figure.Figure":
        from simaudit.evaluation.roc import Roc
        from simaudit.figures import style

        figure = style.new_figure(height=3.0)
        axis = figure.subplots()
        lowest = []
        for selection in evidence.selections():
            roc = Roc.of(selection.statistic, selection.is_member, selection.member_when)
            axis.plot(
                roc.fpr,
                roc.tpr,
                drawstyle="steps-post",
                color=style.attack_colour(selection.attack),
                label=f"{style.attack_name(selection.attack)} (AUC {roc.auc:.3f})",
            )
            lowest.append(1 / (~selection.is_member).sum())
        edge = min(lowest)
        axis.plot([edge, 1], [edge, 1], **style.CHANCE)
        axis.set(
            xscale="log",
            yscale="log",
            xlim=(edge, 1),
            ylim=(edge, 1.05),
            xlabel="false positive rate",
            ylabel="true positive rate (members found)",
        )
        axis.legend(loc="lower right")
        return figure
