"""AUC over the queries spent on a sample: what one query tells, and what thirty add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.evaluation.protocol import metrics
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import CONDITION, parse_variant

SIMA = "sima"
AVERAGED = {"sima_av": "antithetic pairs", "sima_mc": "independent draws"}
"""SimA's statistic averaged over noise, and over which."""


class Queries(TargetFigure):
    """For each attack and each number of queries that it can be run with, the AUC on the evaluation fold.

    Timestep and variant are chosen on the calibration fold among those of that cost; of a model of classes, among those
    under the condition that calibration chose for the attack. Bars are 95 % confidence intervals. Attacks that never
    ask the denoiser have no place on this axis.
    """

    title: ClassVar[str] = "AUC over queries spent"
    reads: ClassVar[tuple[str, ...]] = ("table", "summary")

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        asking = [name for name, attack in attacks.items() if attack.last_query is not None]
        return None if len(asking) > 1 else "needs two attacks or more that ask the denoiser"

    def values(self, audit: results.Results) -> pd.DataFrame:
        table = audit.table[audit.table.queries > 0]
        condition = table.variant.map(lambda text: parse_variant(text).get(CONDITION, ""))
        chosen = condition[table.selected].groupby(table.attack).first()
        table = table[condition == table.attack.map(chosen)]
        knobs = ["attack", "variant", "timestep", "queries"]
        both = table[table.fold == EVALUATION].merge(
            table.loc[table.fold == CALIBRATION, [*knobs, "auc"]], on=knobs, suffixes=("", "_calibration")
        )
        best = both.loc[both.groupby(["attack", "queries"]).auc_calibration.idxmax()]
        order = pd.Categorical(best.attack, legend.in_order(best.attack.unique()), ordered=True)
        columns = [*knobs, "auc_calibration", "auc", "auc_low", "auc_high"]
        return best.assign(order=order).sort_values(["order", "queries"])[columns].reset_index(drop=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=3.2)
        axis = figure.subplots()
        for attack, line in groups(values, "attack"):
            look = legend.look(attack)
            axis.errorbar(
                line.queries,
                line.auc,
                [line.auc - line.auc_low, line.auc_high - line.auc],
                color=look.colour,
                label=look.name,
                marker=look.marker,
                **style.ERROR_BARS,
            )
        axis.axhline(metrics.CHANCE["auc"], **style.CHANCE)
        axis.set(xscale="log", xlabel="queries per sample", ylabel="AUC")
        spent = sorted(values.queries.unique())
        if spent[-1] < 10 * spent[0]:  # a logarithmic axis labels none but powers of ten by itself
            axis.set_xticks(spent, [f"{count:g}" for count in spent])
            axis.set_xticks([], minor=True)
        else:
            axis.xaxis.set_major_formatter("{x:g}")
        style.legend_above(axis, 3)
        return figure

    def sentence(self, audit: results.Results) -> str:
        facts = audit.summary["attacks"]
        known = {name for name, of in facts.items() if of["selected"]["queries"] is not None}
        if SIMA not in known:
            return ""

        def reached(attack: str) -> str:
            auc, queries = (
                mention("auc", audit.target, attack),
                mention("queries", audit.target, attack, limits=False),
            )
            return f"{auc} with {queries}"

        averaged = [
            f"averaged over {words}, {reached(name)}" for name, words in AVERAGED.items() if name in known
        ]
        return f"{'; '.join([f'SimA reaches an AUC of {reached(SIMA)} query', *averaged])}."
