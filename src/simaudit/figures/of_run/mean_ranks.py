"""Which attack is better over several targets: mean ranks, here and in the paper."""

from __future__ import annotations

from typing import ClassVar

import matplotlib.axes
import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures import legend, style
from simaudit.figures.figure import RunFigure, groups, looks
from simaudit.figures.printed import count, mention
from simaudit.vocabulary import metrics

OWN, PUBLISHED = "ranks", "published.ranks"
SOURCES = {OWN: "this run, {} targets", PUBLISHED: "published, {} experiments"}
LINE_INCHES = 0.1
CLIQUE, ROW = 0.7, 1.1
"""The distance of two bars, and of two names, in lines."""
ROOM = 0.75  # for names on either side, as a share of the axis of ranks
NAME = 18  # characters
PANELS = (metrics.AUC, metrics.ASR, metrics.TPR_AT_1PCT, metrics.TPR_HELDOUT_POSITIVE)


class MeanRanks(RunFigure):
    """Mean ranks by metric, 1 the best; a thick bar joins attacks that Nemenyi's test does not tell apart (Demšar
    2006).

    These are attacks whose mean ranks differ by less than the critical difference (CD). Ranks of this run are drawn
    where it has targets enough that any two could be told apart. Published ranks are computed from the numbers of
    SimA's version 1, over its experiments, whose TPR counts held-out samples found; no rank mixes them with this run's.
    """

    title: ClassVar[str] = "Mean ranks of the attacks"

    def values(self, run: results.Run) -> pd.DataFrame:
        rows = []
        for source, words in SOURCES.items():
            for metric in PANELS:
                of = f"{source}.{metric}"
                ranks = _ranks(run.ledger, source, metric)
                if not _can_differ(run.ledger, of, len(ranks)):
                    continue
                name = words.format(count(run.ledger.get("targets", of=of)))
                difference = run.ledger.number("critical_difference", of=of).value
                rows += [
                    {
                        "source": name,
                        "metric": metric,
                        "attack": attack,
                        "value": ranks[attack].value,
                        "critical_difference": difference,
                    }
                    for attack in legend.in_order(ranks, run.kinds)
                ]
        return pd.DataFrame(rows)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        panels = [
            (source, metric, rows.sort_values(["value", "attack"], ignore_index=True))
            for source, of in groups(values, "source")
            for metric, rows in groups(of, "metric")
        ]
        depths = [_first_label(rows) + ROW * (len(rows) + 1) / 2 for *_, rows in panels]
        figure = style.new_figure(height=sum(0.35 + LINE_INCHES * depth for depth in depths))
        axes = figure.subplots(len(panels), squeeze=False, height_ratios=depths)[:, 0]
        look_of = looks(values)
        for axis, (source, metric, rows), depth in zip(axes, panels, depths, strict=True):
            _rank_axis(axis, len(rows), depth)
            for number, (first, last) in enumerate(cliques(rows.value, rows.critical_difference.iloc[0])):
                axis.hlines(CLIQUE * (number + 1), first, last, color="0.35", linewidth=2.5, capstyle="round")
            for place, attack in enumerate(rows.attack):
                _stem(axis, rows, place, look_of[attack])
            difference = f"CD {rows.critical_difference.iloc[0]:.2f}"
            axis.text(1, 1, difference, transform=axis.transAxes, ha="right", va="top", fontsize=6)
            axis.set_title(f"{legend.METRICS[metric]}, {source}", loc="left", fontsize=7)
        return figure

    def sentence(self, run: results.Run) -> str:
        words = {OWN: "targets of this run", PUBLISHED: "published experiments"}
        of_auc = {source: f"{source}.{metrics.AUC}" for source in words if self._is_shown(run.ledger, source)}
        return " ".join(_of_ranks(words[source], of) for source, of in of_auc.items())

    def left_out(self, run: results.Run) -> str:
        if self._is_shown(run.ledger, OWN):
            return ""
        attacks, of = len(_ranks(run.ledger, OWN, metrics.AUC)), f"{OWN}.{metrics.AUC}"
        if not attacks:
            return "ranks of this run are left out, since too few of its targets share attacks"
        difference = mention("critical_difference", of=of, limits=False)
        return (
            f"ranks of this run are left out, since mean ranks of {attacks} attacks lie at most {attacks - 1} apart, "
            f"and only those differ that lie {difference} apart"
        )

    def _is_shown(self, ledger: Ledger, source: str) -> bool:
        return _can_differ(ledger, f"{source}.{metrics.AUC}", len(_ranks(ledger, source, metrics.AUC)))


def _ranks(ledger: Ledger, source: str, metric: str) -> dict[str, Number]:
    """Return the mean ranks of a source by a metric, by attack."""
    found = ledger.find(metric="mean_rank", of=f"{source}.{metric}")
    return {str(number.attack): number for number in found}


def cliques(ranks: pd.Series, difference: float) -> list[tuple[float, float]]:
    """Return the first and last rank of every largest set of attacks that do not differ, given rising mean ranks.

    A set of one attack is none.
    """
    spans: list[tuple[float, float]] = []
    for first in ranks:
        last = float(ranks[ranks < first + difference].max())
        if last > first and (not spans or last > spans[-1][1]):
            spans.append((float(first), last))
    return spans


def _can_differ(ledger: Ledger, of: str, attacks: int) -> bool:
    """Return whether mean ranks, which lie from 1 to the number of attacks, can be a critical difference apart."""
    difference = ledger.get("critical_difference", of=of)
    return difference is not None and difference.value < attacks - 1


def _of_ranks(what: str, of: str) -> str:
    targets, difference = (mention(name, of=of, limits=False) for name in ("targets", "critical_difference"))
    return f"Over {targets} {what} the critical difference of the ranks by AUC is {difference}."


def _first_label(rows: pd.DataFrame) -> float:
    """Return how deep under the axis the first names stand, which is below all bars."""
    return CLIQUE * (len(cliques(rows.value, rows.critical_difference.iloc[0])) + 1) + ROW / 2


def _rank_axis(axis: matplotlib.axes.Axes, attacks: int, depth: float) -> None:
    """Draw the axis of ranks above, with room for names on either side of its ends."""
    room = ROOM * (attacks - 1)
    axis.set(xlim=(1 - room, attacks + room), ylim=(depth, -0.3), yticks=[])
    axis.spines[:].set_visible(False)
    axis.hlines(0, 1, attacks, color="0.2", linewidth=0.8)
    axis.set_xticks(range(1, attacks + 1, -(-attacks // 8)))
    axis.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, labelsize=6, length=2, pad=1)


def _stem(axis: matplotlib.axes.Axes, rows: pd.DataFrame, place: int, look: legend.Look) -> None:
    """Draw the mean rank of the attack at a place, and a line from it to its name: the better half on the left."""
    attacks, rank = len(rows), rows.value[place]
    is_left = place < (attacks + 1) // 2
    depth = _first_label(rows) + ROW * (place if is_left else attacks - 1 - place)
    end = 1 - 0.02 * (attacks - 1) if is_left else attacks + 0.02 * (attacks - 1)
    axis.plot([rank, rank, end], [0, depth, depth], linewidth=0.8, **look.line)
    axis.plot(rank, 0, look.marker, color=look.colour, markersize=4, clip_on=False)
    side = "right" if is_left else "left"
    name = (
        f"{legend.short(look.name, NAME)}  {rank:.2f}"
        if is_left
        else f"{rank:.2f}  {legend.short(look.name, NAME)}"
    )
    axis.text(end, depth, f" {name} ", ha=side, va="center", fontsize=6, color=look.colour)
