"""Which attack is better over several targets: mean ranks, here and in the paper."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import RunFigure, groups

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Run

SOURCES = {"ranks": "this run, {} targets", "published.ranks": "published, {} experiments"}
PANELS = {
    "auc": "AUC",
    "asr": "ASR",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "tpr_heldout_positive": "TPR, held-out positive",
}


class MeanRanks(RunFigure):
    """Mean ranks by metric, 1 the best; attacks whose bars do not overlap differ by Nemenyi's test (Demšar 2006).

    The bars are half a critical difference to either side. Published ranks are computed from the numbers of SimA's
    version 1, over its experiments, whose TPR counts held-out samples found; no rank mixes them with this run's.
    """

    title: ClassVar[str] = "Mean ranks of the attacks"

    def values(self, run: "Run") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.figures import style

        rows = []
        for source, words in SOURCES.items():
            for metric in PANELS:
                prefix = f"{source}.{metric}"
                names = [parts[0] for parts in run.ledger.under(prefix) if parts[1:] == ("mean_rank",)]
                for attack in style.in_order(names):
                    found = run.ledger.interval(f"{prefix}.{attack}.mean_rank")
                    of = words.format(run.ledger.count(f"{prefix}.targets"))
                    rows.append({"source": of, "metric": metric, "attack": attack, **found.json()})
        return pd.DataFrame(rows)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.figures import style

        panels = [
            (source, metric, rows)
            for source, of in groups(values, "source")
            for metric, rows in groups(of, "metric")
        ]
        heights = [len(rows) + 2.5 for *_, rows in panels]
        figure = style.new_figure(height=0.13 * sum(heights))
        axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
        for axis, (source, metric, found) in zip(axes, panels, strict=True):
            rows = found.sort_values(["value", "attack"], ascending=False, ignore_index=True)
            for place, row in rows.iterrows():
                axis.errorbar(
                    *(row.value, place),
                    xerr=[[row.value - row.low], [row.high - row.value]],
                    color=style.attack_colour(row.attack),
                    marker=style.attack_marker(row.attack),
                    **style.ERROR_BARS,
                )
            axis.set_yticks(range(len(rows)), [style.attack_name(attack) for attack in rows.attack])
            axis.set(xlim=(0.5, len(rows) + 0.5), ylim=(-0.7, len(rows) - 0.3))
            axis.set_title(f"{PANELS[metric]} ({source})", loc="left", pad=2)
            axis.grid(axis="x", color="0.9", linewidth=0.6)
        axes[-1].set_xlabel("mean rank (1 is the best)")
        return figure

    def seen(self, run: "Run") -> str:
        if "ranks.auc.targets" not in run.ledger:
            return "This run has too few targets that share attacks to rank them; only published ranks are shown."
        return (
            "Over [[#ranks.auc.targets]] targets of this run the critical difference is "
            "[[#ranks.auc.critical_difference]] ranks; over the [[#published.ranks.auc.targets]] published "
            "experiments it is [[#published.ranks.auc.critical_difference]]."
        )
