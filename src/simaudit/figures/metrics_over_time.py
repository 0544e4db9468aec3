"""AUC, TPR at 1 % FPR and ASR over the timestep, with the timestep that calibration chose."""

from typing import TYPE_CHECKING

from simaudit.figures import Evidence, Figure

if TYPE_CHECKING:
    import matplotlib.figure

PANELS = [
    ("auc", "AUC", 0.5),
    ("tpr_at_1pct_fpr", "TPR at 1 % FPR", 0.01),
    ("asr", "ASR", 0.5),
]


class MetricsOverTime(Figure):
    """One panel a metric, one line an attack at its selected variant, measured on the evaluation fold.

    A dot is a measured timestep, a circle the selected one. The dashed line is an attack that guesses, the band
    DeLong's 95 %.
    """

    def draw(self, evidence: Evidence) -> "matplotlib.figure.Figure":
        from simaudit.data.split import EVALUATION
        from simaudit.figures import style

        figure = style.new_figure(rows=len(PANELS), height=1.8)
        axes = figure.subplots(len(PANELS), sharex=True)
        table = evidence.table[(evidence.table.fold == EVALUATION) & evidence.table.timestep.notna()]
        for axis, (metric, label, chance) in zip(axes, PANELS, strict=True):
            for attack in evidence.attacks:
                rows = table[table.attack == attack]
                if rows.empty:  # an attack without a timestep is no line
                    continue
                selected = rows[rows.selected].iloc[0]
                line = rows[rows.variant == selected.variant].sort_values("timestep")
                colour = style.attack_colour(attack)
                name = f"{style.attack_name(attack)} ({style.knobs_label(selected.variant, None)})"
                t = line.timestep.astype(int)
                axis.plot(t, line[metric], color=colour, label=name, marker=".", markersize=3)
                if metric == "auc":
                    axis.fill_between(t, line.auc_low, line.auc_high, color=colour, alpha=0.15, linewidth=0)
                axis.plot(
                    *(selected.timestep, selected[metric]),
                    marker="o",
                    markersize=6,
                    markerfacecolor="white",
                    markeredgecolor=colour,
                    markeredgewidth=1.5,
                    clip_on=False,
                    zorder=3,
                )
            axis.axhline(chance, **style.CHANCE)
            axis.set_ylabel(label)
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        axes[-1].set_xlabel("timestep $t$   (○ chosen on the calibration fold)")
        return figure
