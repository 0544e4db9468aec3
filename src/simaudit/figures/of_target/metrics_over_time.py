"""AUC, TPR at 1 % FPR and ASR over the timestep, with the timestep that calibration chose."""

from typing import TYPE_CHECKING, ClassVar, Literal

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks.attack import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results

PANELS = {"auc": "AUC", "tpr_at_1pct_fpr": "TPR at 1 % FPR", "asr": "ASR"}

OVER = {"timestep": "timestep $t$", "log_snr": r"$\log(\bar\alpha_t / \sigma_t^2)$"}


class MetricsOverTime(TargetFigure):
    """One panel a metric, one line an attack at its selected variant, measured on the evaluation fold.

    Over the timestep, or over log-SNR, log(ᾱ/σ²), where targets of different schedules can be compared. A dot is a
    measured timestep, a circle the selected one, a band 95 % limits. The dashed line is an attack that guesses, the
    dotted one a classifier that never sees the model.
    """

    title: ClassVar[str] = "AUC, TPR and ASR over the timestep"

    over: Literal["timestep", "log_snr"] = "timestep"

    def missing(self, attacks: "Mapping[str, Attack]", is_latent: bool) -> str | None:
        timed = any(attack.grid for attack in attacks.values())
        return None if timed else "needs an attack with a timestep"

    def values(self, results: "Results") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.evaluation.protocol.metrics import RATES, TPR_LEVELS
        from simaudit.evaluation.protocol.selected import BLIND
        from simaudit.figures import style
        from simaudit.vocabulary.sides import EVALUATION

        table = results.table[(results.table.fold == EVALUATION) & results.table.timestep.notna()]
        blind = results.selected.roc(BLIND)
        blind_rate = blind.found_at(TPR_LEVELS["tpr_at_1pct_fpr"]) / blind.members
        of_blind = {"auc": blind.auc, "asr": blind.asr, "tpr_at_1pct_fpr": blind_rate}
        parts: list[pd.DataFrame] = []
        for metric in PANELS:
            for attack in style.in_order(table.attack.unique()):
                rows = table[table.attack == attack]
                line = rows[rows.variant == rows[rows.selected].iloc[0].variant].sort_values(self.over)
                measured = line[["attack", "variant", "timestep", "log_snr", "selected"]]
                limits = {limit: line[f"{metric}_{limit}"] for limit in ("low", "high")}
                small = metric in RATES and bool(line[f"{metric}_tail_too_small"].any())
                parts.append(
                    measured.assign(metric=metric, value=line[metric], **limits, tail_too_small=small)
                )
            parts.append(pd.DataFrame([{"attack": BLIND, "metric": metric, "value": of_blind[metric]}]))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.protocol.metrics import CHANCE
        from simaudit.evaluation.protocol.selected import BLIND
        from simaudit.figures import style

        figure = style.new_figure(rows=len(PANELS), height=1.9)
        axes = figure.subplots(len(PANELS), sharex=True)
        for axis, (metric, label) in zip(axes, PANELS.items(), strict=True):
            rows = values[values.metric == metric]
            for attack, line in groups(rows[rows.attack != BLIND], "attack"):
                colour = style.attack_colour(attack)
                name = f"{style.attack_name(attack)} ({style.knobs_label(line.variant.iloc[0], None)})"
                x = line[self.over].astype(float)
                axis.plot(x, line.value, color=colour, label=name, marker=".", markersize=3)
                axis.fill_between(x, line.low, line.high, color=colour, alpha=0.12, linewidth=0)
                chosen = line[line.selected.astype(bool)]
                axis.plot(chosen[self.over].astype(float), chosen.value, **style.circle(colour))
            axis.axhline(CHANCE[metric], **style.CHANCE)
            blind = rows.loc[rows.attack == BLIND, "value"].item()
            axis.axhline(blind, color=style.attack_colour(BLIND), label="Blind", zorder=1, **style.BLIND_LINE)
            axis.set_ylabel(style.marked(label, bool(rows.tail_too_small.eq(True).any())))
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        note = style.tail_note(bool(values.tail_too_small.eq(True).any()))
        axes[-1].set_xlabel(f"{OVER[self.over]}   (○ chosen on the calibration fold){note}")
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        best = book.best(target)
        return (
            f"Chosen on the calibration fold, {best} has the highest AUC of all attacks, "
            f"[[{target}.{best}.auc]], with [[#{target}.{best}.queries]] queries a sample."
        )
