"""AUC, TPR at 1 % FPR and balanced accuracy over the timestep, with the timestep that calibration chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.protocol import selected
from simaudit.evaluation.statistics import rates
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.sides import EVALUATION

PANELS = {metrics.AUC: (0.4, 1.0), metrics.TPR_AT_1PCT: (0.0, 1.0), metrics.BALANCED_ACCURACY: (0.5, 1.0)}
"""The metrics, each with the ends of its axis, which are those of every target."""
BANDS = 3
OVER = {"timestep": "timestep $t$", "log_snr": r"$\log(\bar\alpha_t / \sigma_t^2)$"}


class MetricsOverTime(TargetFigure):
    """One panel per metric, one line per attack at its selected variant, measured on the evaluation fold.

    The axis is the timestep, or log-SNR, log(ᾱ/σ²), on which targets of different schedules can be compared. A circle
    is the selected timestep. The three attacks with the highest AUC on the calibration fold have thick lines, and bands
    that are 95 % confidence intervals; the table has those of all. The threshold of a balanced accuracy is the best one
    on the calibration fold, at each timestep. Blind is a classifier that never sees the model. The vertical axes are
    the same for every target; a line that leaves a panel is below it.
    """

    title: ClassVar[str] = "AUC, TPR and balanced accuracy over the timestep"

    over: Literal["timestep", "log_snr"] = "timestep"

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        timed = any(attack.grid for attack in attacks.values())
        return None if timed else "needs an attack with a timestep"

    def values(self, audit: results.Results) -> pd.DataFrame:
        table = audit.table[(audit.table.fold == EVALUATION) & audit.table.timestep.notna()]
        of_blind = _of_blind(audit.selected) if audit.selected.has_blind else {}
        best = sorted(table.attack.unique(), key=lambda attack: -_calibration_auc(audit, attack))[:BANDS]
        parts: list[pd.DataFrame] = []
        for metric in PANELS:
            for attack in legend.in_order(table.attack.unique(), audit.kinds):
                rows = table[table.attack == attack]
                line = rows[rows.variant == rows[rows.selected].iloc[0].variant].sort_values(self.over)
                measured = line[["attack", "variant", "timestep", "log_snr", "selected"]]
                limits = {limit: line[f"{metric}_{limit}"] for limit in ("low", "high")}
                small = metric in metrics.RATES and bool(line[f"{metric}_tail_too_small"].any())
                parts.append(
                    measured.assign(
                        metric=metric,
                        value=line[metric],
                        **limits,
                        tail_too_small=small,
                        has_band=attack in best,
                    )
                )
            if metric in of_blind:
                level = {"attack": BLIND, "metric": metric, "value": of_blind[metric]}
                parts.append(pd.DataFrame([level]))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(rows=len(PANELS), height=1.9)
        axes, look_of = figure.subplots(len(PANELS), sharex=True), looks(values)
        for axis, (metric, (bottom, top)) in zip(axes, PANELS.items(), strict=True):
            rows = values[values.metric == metric]
            for number, (attack, line) in enumerate(groups(rows[rows.attack != BLIND], "attack")):
                look, x = look_of[attack], line[self.over].astype(float)
                is_best = bool(line.has_band.iloc[0])
                axis.plot(
                    x,
                    line.value,
                    label=f"{look.label} ({style.knobs_label(line.variant.iloc[0], None)})",
                    marker=look.marker,
                    markersize=3.5 if is_best else 2.5,
                    markevery=style.sparse(number, len(line)),
                    linewidth=1.4 if is_best else 0.7,
                    zorder=2.5 if is_best else 2,
                    **look.line,
                )
                if is_best:
                    axis.fill_between(x, line.low, line.high, color=look.colour, alpha=0.12, linewidth=0)
                chosen = line[line.selected.astype(bool)]
                axis.plot(chosen[self.over].astype(float), chosen.value, **style.circle(look.colour, is_best))
            axis.axhline(metrics.CHANCE[metric], label="chance", **style.CHANCE)
            for blind in rows.loc[rows.attack == BLIND, "value"]:
                look = legend.look(BLIND)
                axis.axhline(blind, color=look.colour, label=look.name, zorder=1, **style.BLIND_LINE)
            room = 0.05 * (top - bottom)  # for the circles at either end
            axis.set_ylim(bottom - room, top + room)
            small = bool(rows.tail_too_small.eq(True).any())
            axis.set_ylabel(style.marked(legend.METRICS[metric], small))
        axes[-1].locator_params(axis="x", integer=True)
        style.legend_above(figure, axes[0], 2)
        note = style.tail_note(bool(values.tail_too_small.eq(True).any()))
        axes[-1].set_xlabel(f"{OVER[self.over]}   (○ chosen on the calibration fold){note}")
        return figure

    def sentence(self, audit: results.Results) -> str:
        target, best = audit.target, audit.best
        is_known = audit.summary["attacks"][best]["selected"]["queries"] is not None
        asked = mention("queries", target, best, limits=False)
        queries = f"; queries per sample: {asked}" if is_known else ""
        return (
            f"{legend.look(best).name} has the highest AUC of all threshold attacks on the calibration fold. Its AUC "
            f"on the evaluation fold is {mention(metrics.AUC, target, best)}{queries}."
        )


def _calibration_auc(audit: results.Results, attack: str) -> float:
    return float(audit.summary["attacks"][attack]["selected"]["calibration_auc"]["value"])


def _of_blind(scores: selected.SelectedScores) -> dict[str, float]:
    """Return what the blind classifiers reach, by metric."""
    blind = scores.roc(BLIND)
    return {
        metrics.AUC: blind.auc,
        metrics.TPR_AT_1PCT: blind.found_at(metrics.TPR_LEVELS[metrics.TPR_AT_1PCT]) / blind.members,
        metrics.BALANCED_ACCURACY: rates.balanced_accuracy_at(scores.threshold(BLIND), blind).value,
    }
