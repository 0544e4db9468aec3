"""AUC over the queries made per sample: what one query tells, and what thirty add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure, groups, looks
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.kinds import SIMA, entry_of
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import CONDITION, parse_variant

LEAST = 0.75  # of the axis, left of the marks of one query
DODGE = 1.25  # factor by which the marks of one cost may be moved
AVERAGED = {"sima_av": "antithetic pairs", "sima_mc": "independent draws"}
"""The kinds of attack whose statistic is SimA's averaged over noise, and over which."""


class Queries(TargetFigure):
    """For each attack and number of queries, the AUC on the evaluation fold with at most so many queries per sample.

    Of all knobs that cost at most so much, those are taken that have the highest AUC on the calibration fold; of a
    model of classes, among those under the condition that calibration chose for the attack. A mark stands where other
    knobs are taken than with fewer queries; it is moved sideways a little, so that none hides another. SecMI asks once
    per interval of its trajectory, so it spends more at later timesteps. Bars are 95 % confidence intervals. Attacks
    that never ask the denoiser have no place on this axis.
    """

    title: ClassVar[str] = "AUC over queries per sample"
    reads: ClassVar[tuple[str, ...]] = ("table", "summary", "selected")

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
        parts = []
        for number, attack in enumerate(attacks := legend.in_order(best.attack.unique(), audit.kinds)):
            line = best[best.attack == attack].sort_values("queries", ignore_index=True)
            taken = line.loc[[line.auc_calibration[: end + 1].idxmax() for end in line.index]]
            spent, moved = taken.queries.to_numpy(), DODGE ** (2 * (number + 0.5) / len(attacks) - 1)
            parts.append(
                taken.assign(queries=line.queries.to_numpy(), spent=spent, at=line.queries.to_numpy() * moved)
            )
        columns = [*knobs, "spent", "at", "auc_calibration", "auc", "auc_low", "auc_high"]
        return pd.concat(parts, ignore_index=True)[columns]

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=2.8)
        axis = figure.subplots()
        look_of = looks(values)
        for attack, line in groups(values, "attack"):
            look, taken = look_of[attack], line[line["spent"] == line.queries]
            axis.plot(line["at"], line.auc, drawstyle="steps-post", linewidth=1.0, **look.line)
            axis.errorbar(
                taken["at"],
                taken.auc,
                [taken.auc - taken.auc_low, taken.auc_high - taken.auc],
                color=look.colour,
                label=look.label,
                marker=look.marker,
                **style.ERROR_BARS | {"linestyle": "none"},
            )
        axis.axhline(metrics.CHANCE[metrics.AUC], label="chance", **style.CHANCE)
        axis.set(xlabel="queries per sample, at most", ylabel="AUC")
        style.counting_axis(axis)
        axis.set_xlim(left=LEAST)
        style.legend_above(figure, axis, 3)
        return figure

    def sentence(self, audit: results.Results) -> str:
        facts = audit.summary["attacks"]
        known = {
            name: audit.kinds[name] for name, of in facts.items() if of["selected"]["queries"] is not None
        }
        sima = entry_of(SIMA, known)
        if sima is None:
            return "How much more an attack tells when it may ask more often, by attack."

        def reached(attack: str) -> str:
            auc, queries = (
                mention(metrics.AUC, audit.target, attack),
                mention("queries", audit.target, attack, limits=False),
            )
            return f"{auc} with queries per sample: {queries}"

        averaged = [
            f"averaged over {words}, {reached(name)}"
            for kind, words in AVERAGED.items()
            if (name := entry_of(kind, known))
        ]
        return f"{'; '.join([f'SimA reaches an AUC of {reached(sima)}', *averaged])}."
