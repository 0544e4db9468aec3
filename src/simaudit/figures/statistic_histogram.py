"""What an attack measures, members against held-out samples, at the knobs that calibration chose."""

from typing import TYPE_CHECKING

from simaudit.figures import Evidence, Figure

if TYPE_CHECKING:
    import matplotlib.figure

BINS = 40
CENTRAL = 99.5  # percentile at which the axis ends; a few far outliers would squeeze the rest


class StatisticHistogram(Figure):
    """One panel an attack: the measured density of its statistic on the evaluation fold."""

    def draw(self, evidence: Evidence) -> "matplotlib.figure.Figure":
        import numpy as np

        from simaudit.figures import style

        selections = evidence.selections()
        figure = style.new_figure(rows=len(selections), height=1.35)
        axes = figure.subplots(len(selections), squeeze=False)[:, 0]
        for axis, selection in zip(axes, selections, strict=True):
            low, high = np.percentile(selection.statistic, [100 - CENTRAL, CENTRAL])
            edges = np.linspace(low, high, BINS + 1)
            for role, rows, colour in (
                ("members", selection.is_member, style.MEMBER_COLOUR),
                ("held-out", ~selection.is_member, style.HELDOUT_COLOUR),
            ):
                density, _ = np.histogram(selection.statistic[rows], edges)
                axis.stairs(
                    density / (rows.sum() * np.diff(edges)),
                    edges,
                    fill=True,
                    alpha=0.45,
                    color=colour,
                    label=f"{role} (n = {rows.sum()})",
                )
            knobs = style.knobs_label(selection.variant, selection.timestep)
            axis.set_xlabel(f"{style.attack_name(selection.attack)} statistic ({knobs})")
            axis.set_ylabel("density")
            axis.ticklabel_format(scilimits=(-2, 3), useMathText=True)
            axis.locator_params(axis="x", nbins=7)
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return figure
