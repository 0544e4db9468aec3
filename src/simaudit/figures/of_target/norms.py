"""SimA's AUC over the timestep for each ℓ_p norm: how much the choice of p matters."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks.attack import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results

COLOURS = {"1": "#332288", "2": "#CC79A7", "4": "#009E73", "inf": "#E69F00"}


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
        import pandas as pd

        from simaudit.vocabulary.sides import EVALUATION
        from simaudit.vocabulary.variant import parse_variant

        rows = results.table[(results.table.attack == self.attack) & (results.table.fold == EVALUATION)]
        rest = [dict(parse_variant(text)) for text in rows.variant]
        norm = pd.Series([str(variant.pop("norm")) for variant in rest], index=rows.index)
        chosen = rest[int(rows.selected.argmax())]
        columns = ["attack", "variant", "timestep", "auc", "auc_low", "auc_high", "selected_in_variant"]
        lines = rows.assign(norm=norm)[[variant == chosen for variant in rest]]
        return lines[["norm", *columns]].sort_values(["norm", "timestep"]).reset_index(drop=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.evaluation.protocol.metrics import AUC, CHANCE
        from simaudit.figures import style
        from simaudit.vocabulary.variant import variant_text

        figure = style.new_figure(height=2.6)
        axis = figure.subplots()
        for norm, line in groups(values, "norm"):
            colour, t = COLOURS[norm], line.timestep.astype(int)
            label = style.knobs_label(variant_text({"norm": norm}), None)
            axis.plot(t, line.auc, color=colour, label=label, marker=".", markersize=3)
            axis.fill_between(t, line.auc_low, line.auc_high, color=colour, alpha=0.1, linewidth=0)
            chosen = line[line.selected_in_variant]
            axis.plot(chosen.timestep.astype(int), chosen.auc, **style.circle(colour))
        axis.axhline(CHANCE[AUC], **style.CHANCE)
        axis.set(xlabel="timestep $t$   (○ chosen on the calibration fold)", ylabel="AUC")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        return f"Over all norms and timesteps, calibration chose a point with AUC [[{target}.{self.attack}.auc]]."
