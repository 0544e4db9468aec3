"""AUC over the queries spent on a sample: what one question tells, and what thirty add."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks.attack import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results


class Queries(TargetFigure):
    """For each attack and each number of queries that it can be run with, the AUC on the evaluation fold.

    Timestep and variant are chosen on the calibration fold among those of that cost. Bars are 95 % limits. Attacks that
    ask the denoiser nothing have no place on this axis.
    """

    title: ClassVar[str] = "AUC over queries spent"
    reads: ClassVar[tuple[str, ...]] = ("table", "summary")

    def missing(self, attacks: "Mapping[str, Attack]", is_latent: bool) -> str | None:
        asking = [name for name, attack in attacks.items() if attack.last_query is not None]
        return None if len(asking) > 1 else "needs two attacks or more that ask the denoiser"

    def values(self, results: "Results") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.figures import style
        from simaudit.vocabulary.sides import CALIBRATION, EVALUATION

        table = results.table[results.table.queries > 0]
        knobs = ["attack", "variant", "timestep", "queries"]
        both = table[table.fold == EVALUATION].merge(
            table.loc[table.fold == CALIBRATION, [*knobs, "auc"]], on=knobs, suffixes=("", "_calibration")
        )
        best = both.loc[both.groupby(["attack", "queries"]).auc_calibration.idxmax()]
        order = pd.Categorical(best.attack, style.in_order(best.attack.unique()), ordered=True)
        columns = [*knobs, "auc_calibration", "auc", "auc_low", "auc_high"]
        return best.assign(order=order).sort_values(["order", "queries"])[columns].reset_index(drop=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from matplotlib.ticker import StrMethodFormatter

        from simaudit.evaluation.protocol.metrics import AUC, CHANCE
        from simaudit.figures import style

        figure = style.new_figure(height=3.2)
        axis = figure.subplots()
        for attack, line in groups(values, "attack"):
            errors = [line.auc - line.auc_low, line.auc_high - line.auc]
            axis.errorbar(
                line.queries,
                line.auc,
                errors,
                color=style.attack_colour(attack),
                label=style.attack_name(attack),
                marker=style.attack_marker(attack),
                **style.ERROR_BARS,
            )
        axis.axhline(CHANCE[AUC], **style.CHANCE)
        axis.set(xscale="log", xlabel="queries a sample", ylabel="AUC")
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        if f"{target}.sima.auc" not in book:
            return ""
        text = f"SimA reaches [[{target}.sima.auc]] with [[#{target}.sima.queries]] query"
        rivals = {"sima_av": "antithetic pairs", "sima_mc": "independent draws"}
        told = [
            f"{words} [[{target}.{name}.auc]] with [[#{target}.{name}.queries]]"
            for name, words in rivals.items()
            if f"{target}.{name}.auc" in book
        ]
        return f"{', '.join([text, *told])}."
