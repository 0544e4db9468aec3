"""How much each target leaks: AUCs with their intervals, beside guessing and beside what the images alone tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.axes
import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.kinds import BLIND

ZONES = {"weak": (0.5, 0.6, "0.97"), "clear": (0.6, 0.8, "0.93"), "strong": (0.8, 1.0, "0.88")}
"""Grades of a leak, each with the AUCs where it begins and ends, and its grey."""
LINE_INCHES, AROUND_INCHES = 0.125, 0.75  # of a line of names, and of the title of the axis
BETWEEN = 0.3  # of a line, between two rows
POINTS = 72
LONGEST = 30  # characters of a name
LONGEST_BESIDE_NUMBERS = 18
SMALLEST = 5  # points of two names under one another


class Forest(RunFigure):
    """One row per target: the AUC of the attack that was best on the calibration fold, with its 95 % confidence
    interval. A run of one target has a row per attack that is no learned head, the highest AUC first.

    The lower end of the interval says how sure a leak is: it is weak from 0.5, clear from 0.6 and strong from 0.8. The
    cross, or the dotted line of a single target, is the AUC of classifiers that see the images and never the model; an
    attack that does no better has found nothing about the model. The targets below the rule are controls, whose AUC is
    known beforehand.
    """

    title: ClassVar[str] = "AUCs and their confidence intervals"

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        return None if audits else "needs an audited target"

    def values(self, run: results.Run) -> pd.DataFrame:
        targets = sorted(run.contexts, key=lambda name: run.contexts[name].control is not None)
        shown = [(target, run.ledger.best(target)) for target in targets]
        if len(targets) == 1:
            shown = [(targets[0], attack) for attack in run.ledger.attacks(targets[0])]
            shown.sort(key=lambda of: -run.ledger.number(metrics.AUC, *of).value)
        rows = []
        for target, attack in shown:
            auc = run.ledger.number(metrics.AUC, target, attack)
            beyond = run.ledger.get(metrics.AUC, target, attack, f"minus_{BLIND}")
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
        is_of_one, lines = _is_of_one(rows), rows.place.max() + 1
        row_inches = (BETWEEN + (1 if is_of_one else 2)) * LINE_INCHES
        figure = style.new_figure(height=AROUND_INCHES + row_inches * lines)
        axis, look_of = figure.subplots(), looks(values)
        left = min(0.45, float(rows[["low", "blind"]].min().min()) - 0.02)
        for grade, (start, end, grey) in ZONES.items():
            axis.axvspan(start, end, color=grey, linewidth=0, zorder=-2)
            axis.text((start + end) / 2, -0.8, grade, ha="center", va="center", fontsize=6, color="0.3")
        axis.axvline(metrics.CHANCE[metrics.AUC], label="chance", **style.CHANCE)
        for row in rows.to_dict("records"):
            look = look_of[row["attack"]]
            axis.errorbar(
                *(row["value"], row["place"]),
                xerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                color=look.colour,
                marker=look.marker,
                **style.ERROR_BARS,
            )
        _mark_blind(axis, rows, lines - 0.4)
        if has_rule:
            axis.axhline(rows.place[rows.control.notna()].min() - 1, color="0.2", linewidth=0.7)
        axis.set(xlim=(left, 1.02), ylim=(lines - 0.4, -1.1), xlabel="AUC with 95 % interval")
        axis.set_xticks(sorted({end for *ends, _ in ZONES.values() for end in ends}))
        room = LONGEST_BESIDE_NUMBERS if is_of_one else legend.LONGEST
        names = [legend.short(look_of[attack].name, room) for attack in rows.attack]
        _name_rows(axis, rows, names, POINTS * (figure.get_figheight() - AROUND_INCHES) / lines)
        style.legend_above(figure, axis, 2)
        return figure

    def sentence(self, run: results.Run) -> str:
        known = {target: run.ledger.best(target) for target in run.audited or run.contexts}
        target = max(known, key=lambda name: run.ledger.number(metrics.AUC, name, known[name]).value)
        best = f"{legend.look(known[target]).name} on {target}: {mention(metrics.AUC, target, known[target])}"
        if len(run.contexts) == 1:
            return f"The attack that did best on the calibration fold is {best}."
        return (
            f"Of {len(known)} {'targets' if run.audited else 'controls'} the highest AUC is that of {best}."
        )


def _is_of_one(rows: pd.DataFrame) -> bool:
    """Return whether the rows are of a single target, and so each of another attack."""
    return rows.target.nunique() == 1


def _mark_blind(axis: matplotlib.axes.Axes, rows: pd.DataFrame, bottom: float) -> None:
    """Mark the AUC of the images alone in each row, or once for all rows of a single target, below the grades."""
    colour, label = legend.look(BLIND).colour, "images alone"
    if not _is_of_one(rows):
        axis.plot(rows.blind, rows.place, "x", color=colour, markersize=4, label=label, zorder=1)
    elif rows.blind.notna().all():
        level = rows.blind.iloc[0]
        axis.plot([level, level], [-0.5, bottom], color=colour, label=label, zorder=1, **style.BLIND_LINE)


def _name_rows(axis: matplotlib.axes.Axes, rows: pd.DataFrame, attacks: list[str], points: float) -> None:
    """Print beside each row of so many points which target and, below that, which attack it is.

    A single target has attacks alone, with their numbers on the right.
    """
    size = min(7.0, 0.75 * points)
    if _is_of_one(rows):
        axis.set_yticks(rows.place, attacks, fontsize=size)
        right = axis.secondary_yaxis("right")
        words = [f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in rows.itertuples()]
        right.set_yticks(rows.place, words, fontsize=min(6.0, size))
        right.tick_params(length=0)
        right.spines[:].set_visible(False)
        return
    targets = [legend.short(target, LONGEST) for target in rows.target]
    if 0.4 * points < SMALLEST:
        both = [
            legend.short(f"{target}, {attack}", LONGEST)
            for target, attack in zip(targets, attacks, strict=True)
        ]
        axis.set_yticks(rows.place, both, fontsize=size)
        return
    apart = 0.5 / (2 + BETWEEN)
    axis.set_yticks(rows.place - apart, targets, fontsize=min(7.0, 0.4 * points))
    axis.set_yticks(rows.place + apart, attacks, fontsize=min(6.0, 0.35 * points), color="0.3", minor=True)
    axis.tick_params(axis="y", which="both", length=0)
