"""AUC, TPR at 1 % FPR and ASR over the timestep, with the timestep that calibration chose."""

from typing import TYPE_CHECKING, Literal

from simaudit.figures import Figure

if TYPE_CHECKING:
    import matplotlib.figure

    from simaudit.evaluation.results import Results

PANELS = [
    ("auc", "AUC", 0.5),
    ("tpr_at_1pct_fpr", "TPR at 1 % FPR", 0.01),
    ("asr", "ASR", 0.5),
]

OVER = {"timestep": "timestep $t$", "log_snr": r"$\log(\bar\alpha_t / \sigma_t^2)$"}


class MetricsOverTime(Figure):
    """One panel a metric, one line an attack at its selected variant, measured on the evaluation fold.

    Over the timestep, or over log-SNR, log(ᾱ/σ²), where targets of different schedules can be compared. A dot is a
    measured timestep, a circle the selected one, a band 95 % limits. The dashed line is an attack that guesses, the
    dotted one a classifier that never sees the model.
    """

    over: Literal["timestep", "log_snr"] = "timestep"

    def draw(self, results: "Results") -> "matplotlib.figure.Figure":
        from simaudit.data.split import EVALUATION
        from simaudit.evaluation.evaluate import BLIND
        from simaudit.evaluation.metrics import RATES, TPR_LEVELS
        from simaudit.figures import style

        figure = style.new_figure(rows=len(PANELS), height=1.9)
        axes = figure.subplots(len(PANELS), sharex=True)
        table = results.table[(results.table.fold == EVALUATION) & results.table.timestep.notna()]
        blind = results.selected.roc(BLIND)
        blind_rate = blind.found_at(TPR_LEVELS["tpr_at_1pct_fpr"]) / blind.members
        of_blind = {"auc": blind.auc, "asr": blind.asr, "tpr_at_1pct_fpr": blind_rate}
        note = ""
        for axis, (metric, label, chance) in zip(axes, PANELS, strict=True):
            for attack in style.in_order(results.attacks):
                rows = table[table.attack == attack]
                if rows.empty:  # an attack without a timestep is no line
                    continue
                selected = rows[rows.selected].iloc[0]
                line = rows[rows.variant == selected.variant].sort_values(self.over)
                colour = style.attack_colour(attack)
                name = f"{style.attack_name(attack)} ({style.knobs_label(selected.variant, None)})"
                x = line[self.over].astype(float)
                axis.plot(x, line[metric], color=colour, label=name, marker=".", markersize=3)
                axis.fill_between(
                    x, line[f"{metric}_low"], line[f"{metric}_high"], color=colour, alpha=0.12, linewidth=0
                )
                axis.plot(
                    *(selected[self.over], selected[metric]),
                    marker="o",
                    markersize=6,
                    markerfacecolor="white",
                    markeredgecolor=colour,
                    markeredgewidth=1.5,
                    clip_on=False,
                    zorder=3,
                )
            axis.axhline(chance, **style.CHANCE)
            axis.axhline(
                of_blind[metric],
                color=style.attack_colour(BLIND),
                label="Blind",
                zorder=1,
                **style.BLIND_LINE,
            )
            small = metric in RATES and bool(table[f"{metric}_tail_too_small"].any())
            axis.set_ylabel(f"{label} {style.TAIL}" if small else label)
            note = f"\n{style.TAIL} fewer than ten false positives allowed: not to be read" if small else note
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        axes[-1].set_xlabel(f"{OVER[self.over]}   (○ chosen on the calibration fold){note}")
        style.mark_shifted(figure, results.summary["shifted"])
        return figure
