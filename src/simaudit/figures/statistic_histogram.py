"""What an attack measures, members against held-out samples, at the knobs that calibration chose."""

from typing import TYPE_CHECKING

from simaudit.figures import Figure

if TYPE_CHECKING:
    import matplotlib.figure

    from simaudit.evaluation.results import Results

BINS = 40
CENTRAL = 99.5  # percentile at which the axis ends; a few far outliers would squeeze the rest


class StatisticHistogram(Figure):
    """One panel an attack: the measured density of its statistic on the evaluation fold."""

    def draw(self, results: "Results") -> "matplotlib.figure.Figure":
        import numpy as np

        from simaudit.figures import style

        attacks = style.in_order(results.attacks)
        figure = style.new_figure(rows=len(attacks), height=1.35)
        axes = figure.subplots(len(attacks), squeeze=False)[:, 0]
        for axis, attack in zip(axes, attacks, strict=True):
            statistic, is_member = results.selected.on_evaluation(attack)
            low, high = np.percentile(statistic, [100 - CENTRAL, CENTRAL])
            edges = np.linspace(low, high, BINS + 1)
            for role, rows, colour in (
                ("members", is_member, style.MEMBER_COLOUR),
                ("held-out", ~is_member, style.HELDOUT_COLOUR),
            ):
                density, _ = np.histogram(statistic[rows], edges)
                axis.stairs(
                    density / (rows.sum() * np.diff(edges)),
                    edges,
                    fill=True,
                    alpha=0.45,
                    color=colour,
                    label=f"{role} (n = {rows.sum()})",
                )
            selected = results.selected.knobs[attack]
            knobs = style.knobs_label(selected.variant, selected.timestep)
            axis.set_xlabel(f"{style.attack_name(attack)} statistic ({knobs})")
            axis.set_ylabel("density")
            axis.set_yticks([])  # a density's unit is one over the statistic's, which nobody reads
            axis.ticklabel_format(axis="x", scilimits=(-2, 4), useMathText=True)
            axis.locator_params(axis="x", nbins=6)
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        style.mark_shifted(figure, results.summary["shifted"])
        return figure
