"""How much each target leaks: the AUC of its best attack, beside guessing and beside what the images alone tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.axes
import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.protocol import metrics, selected
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure
from simaudit.figures.printed import mention
from simaudit.vocabulary.context import AuditContext

ZONES = {"weak": (0.5, 0.6, "0.97"), "clear": (0.6, 0.8, "0.93"), "strong": (0.8, 1.0, "0.88")}
"""Grades of a leak, each with the AUCs where it begins and ends, and its grey."""
ROW_INCHES, AROUND_INCHES = 0.2, 0.75  # of a target, and of the title of the axis
POINTS = 72
NAMES = 38  # characters of the two names in a row, beside which the axis has room


class Forest(RunFigure):
    """One row per target: the AUC of the attack that was best on the calibration fold, with its 95 % confidence
    interval.

    The attack's name stands on the right. The lower end of the interval says how sure a leak is: it is weak from 0.5,
    clear from 0.6 and strong from 0.8. The cross is the AUC of classifiers that see the images and never the model; an
    attack that does no better has found nothing about the model. The targets below the rule are controls, whose AUC is
    known beforehand.
    """

    title: ClassVar[str] = "AUC of the best attack on each target"

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        return None if audits else "needs an audited target"

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = []
        for target in sorted(run.contexts, key=lambda name: run.contexts[name].control is not None):
            attack = run.ledger.best(target)
            auc = run.ledger.number("auc", target, attack)
            beyond = run.ledger.get("auc", target, attack, f"minus_{selected.BLIND}")
            row: dict[str, Any] = {
                "target": target,
                "control": run.contexts[target].control,
                "attack": attack,
            }
            rows.append(row | auc.interval | {"blind": auc.value - beyond.value if beyond else None})
        return pd.DataFrame(rows).astype({"control": "string", "blind": float})

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        has_rule = 0 < values.control.notna().sum() < len(values)
        rows = values.assign(place=values.index + (values.control.notna() & has_rule))
        lines = rows.place.max() + 1
        figure = style.new_figure(height=AROUND_INCHES + ROW_INCHES * lines)
        axis = figure.subplots()
        left = min(0.45, float(rows[["low", "blind"]].min().min()) - 0.02)
        for grade, (start, end, grey) in ZONES.items():
            axis.axvspan(start, end, color=grey, linewidth=0, zorder=-2)
            axis.text((start + end) / 2, -0.75, grade, ha="center", va="center", fontsize=6, color="0.3")
        axis.axvline(metrics.CHANCE["auc"], label="chance", **style.CHANCE)
        for row in rows.to_dict("records"):
            look = legend.look(row["attack"])
            axis.errorbar(
                *(row["value"], row["place"]),
                xerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                color=look.colour,
                marker=look.marker,
                **style.ERROR_BARS,
            )
        blind = legend.look(selected.BLIND)
        axis.plot(
            rows.blind, rows.place, "x", color=blind.colour, markersize=4, label="images alone", zorder=1
        )
        if has_rule:
            axis.axhline(rows.place[rows.control.notna()].min() - 1, color="0.2", linewidth=0.7)
        size = min(7, 0.75 * POINTS * (figure.get_figheight() - AROUND_INCHES) / lines)
        attacks = [legend.short(legend.look(attack).name, 16) for attack in rows.attack]
        room = max(22, NAMES - max(map(len, attacks)))
        axis.set_yticks(rows.place, [legend.short(target, room) for target in rows.target], fontsize=size)
        axis.set(xlim=(left, 1.02), ylim=(lines - 0.4, -1.2), xlabel="AUC, 95 % confidence interval")
        axis.set_xticks(sorted({end for *ends, _ in ZONES.values() for end in ends}))
        _right_labels(axis, rows.place, attacks, size)
        style.legend_above(figure, axis, 2)
        return figure

    def sentence(self, run: results.Run) -> str:
        known = {target: run.ledger.best(target) for target in run.audited or run.contexts}
        target = max(known, key=lambda name: run.ledger.number("auc", name, known[name]).value)
        highest = f"{legend.look(known[target]).name} on {target}: {mention('auc', target, known[target])}"
        return f"Of {len(known)} {'targets' if run.audited else 'controls'} the highest AUC is that of {highest}."


def _right_labels(axis: matplotlib.axes.Axes, places: pd.Series, names: list[str], size: float) -> None:
    """Print a name beside each row on the right."""
    right = axis.secondary_yaxis("right")
    right.set_yticks(places, names, fontsize=size)
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
