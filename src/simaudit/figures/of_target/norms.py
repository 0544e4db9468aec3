"""SimA's AUC over the timestep for each ℓ_p norm: how much the choice of p matters."""

import re
from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results

NORM = re.compile(r"l(1|2|4|inf)")
COLOURS = {"l1": "#332288", "l2": "#CC79A7", "l4": "#009E73", "linf": "#E69F00"}


class Norms(TargetFigure):
    """One line a norm p, the rest of the variant as calibration chose it, with 95 % bands, on the evaluation fold.

    All norms come from the same queries. The circle is the timestep that calibration chose for that norm. The
    ablation of SimA's version 2 (arXiv:2509.25003).
    """

    title: ClassVar[str] = "AUC over the timestep by norm"
    reads: ClassVar[tuple[str, ...]] = ("table", "summary")

    attack: str = "sima"

    def missing(self, attacks: "Mapping[str, Attack]", is_latent: bool) -> str | None:
        norms = getattr(attacks.get(self.attack), "norms", ())
        return None if len(norms) > 1 else f"needs {self.attack} with two norms or more"

    def values(self, results: "Results") -> "pd.DataFrame":
        from simaudit.vocabulary.sides import EVALUATION

        rows = results.table[(results.table.attack == self.attack) & (results.table.fold == EVALUATION)]
        chosen = rows[rows.selected].iloc[0].variant.split(",")
        rest = [part for part in chosen if not NORM.fullmatch(part)]
        parts = rows.variant.str.split(",")
        norm = parts.map(lambda names: next((name for name in names if NORM.fullmatch(name)), None))
        same = parts.map(lambda names: [name for name in names if not NORM.fullmatch(name)] == rest)
        columns = ["attack", "variant", "timestep", "auc", "auc_low", "auc_high", "selected_in_variant"]
        kept = rows.assign(norm=norm)[same & norm.notna()]
        return kept[["norm", *columns]].sort_values(["norm", "timestep"]).reset_index(drop=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.protocol.metrics import AUC, CHANCE
        from simaudit.figures import style

        figure = style.new_figure(height=2.6)
        axis = figure.subplots()
        for norm, line in groups(values, "norm"):
            colour, t = COLOURS[norm], line.timestep.astype(int)
            axis.plot(
                t, line.auc, color=colour, label=style.knobs_label(norm, None), marker=".", markersize=3
            )
            axis.fill_between(t, line.auc_low, line.auc_high, color=colour, alpha=0.1, linewidth=0)
            chosen = line[line.selected_in_variant]
            axis.plot(chosen.timestep.astype(int), chosen.auc, **style.circle(colour))
        axis.axhline(CHANCE[AUC], **style.CHANCE)
        axis.set(xlabel="timestep $t$   (○ chosen on the calibration fold)", ylabel="AUC")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        return f"Over all norms and timesteps, calibration chose a point with AUC [[{target}.{self.attack}.auc]]."
