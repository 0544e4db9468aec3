"""SimA's AUC over the timestep for each ℓ_p norm: how much the choice of p matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import style
from simaudit.figures.figure import TargetFigure, groups
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.knobs import AttackName
from simaudit.vocabulary.sides import EVALUATION
from simaudit.vocabulary.variant import parse_variant, variant_text

ORDER = ("1", "2", "4", "inf")


class Norms(TargetFigure):
    """One line per norm p, the rest of the variant as calibration chose it, on the evaluation fold.

    All norms come from the same queries. A band shows 95 % confidence intervals, a circle the timestep that calibration
    chose for that norm. This is the ablation of SimA's version 2 (arXiv:2509.25003).
    """

    title: ClassVar[str] = "AUC over the timestep by norm"
    reads: ClassVar[tuple[str, ...]] = ("table", "summary", "selected")

    attack: AttackName = "sima"

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        norms = getattr(attacks.get(self.entry(self.attack, attacks) or ""), "norms", None) or ()
        return None if len(norms) > 1 else f"needs {self.attack} with two norms or more"

    def values(self, audit: results.Results) -> pd.DataFrame:
        attack = audit.entry(self.attack)
        rows = audit.table[(audit.table.attack == attack) & (audit.table.fold == EVALUATION)]
        rest = [dict(parse_variant(text)) for text in rows.variant]
        norm = pd.Series([str(variant.pop("norm", "")) for variant in rest], index=rows.index)
        chosen = rest[int(rows.selected.argmax())]
        same = pd.Series([variant == chosen for variant in rest], index=rows.index)
        columns = ["attack", "variant", "timestep", "auc", "auc_low", "auc_high", "selected_in_variant"]
        lines = rows.assign(norm=norm)[same & (norm != "")]
        return lines[["norm", *columns]].sort_values(["norm", "timestep"]).reset_index(drop=True)

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=2.6)
        axis = figure.subplots()
        for norm, line in groups(values, "norm"):
            number = ORDER.index(norm)
            colour, t = style.ORDINAL[number], line.timestep.astype(int)
            axis.plot(
                t,
                line.auc,
                color=colour,
                label=style.knobs_label(variant_text({"norm": norm}), None),
                markersize=3.5,
                markevery=style.sparse(number, len(line)),
                **style.line_of(number),
            )
            axis.fill_between(t, line.auc_low, line.auc_high, color=colour, alpha=0.1, linewidth=0)
            chosen = line[line.selected_in_variant]
            axis.plot(chosen.timestep.astype(int), chosen.auc, **style.circle(colour))
        axis.axhline(metrics.CHANCE[metrics.AUC], label="chance", **style.CHANCE)
        axis.set(xlabel="timestep $t$   (○ chosen on the calibration fold)", ylabel="AUC")
        style.legend_above(figure, axis, 5)
        return figure

    def sentence(self, audit: results.Results) -> str:
        auc = mention(metrics.AUC, audit.target, audit.entry(self.attack))
        return f"Over all norms and timesteps, calibration chose a point whose AUC is {auc}."
