"""Whether a sample is taken for a member because it looks like one: its statistic over its distance to them."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import TargetFigure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks.attack import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results

SIDES = {"members": ("of_members", True), "held-out": ("of_heldout", False)}


class NearestMember(TargetFigure):
    """Each sample of the evaluation fold by its distance to the nearest member other than itself, and its statistic.

    ρ is Spearman's. By the theory, ε̂* is the distance to a local mean of the members: a held-out sample near a member
    has a low statistic, while a member's own stays low wherever the others are.
    """

    title: ClassVar[str] = "Statistic over the distance to the nearest member"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    attack: str = "sima"

    def missing(self, attacks: "Mapping[str, Attack]", is_latent: bool) -> str | None:
        return None if self.attack in attacks else f"needs {self.attack}"

    def values(self, results: "Results") -> "pd.DataFrame":
        import pandas as pd

        selected = results.selected
        knobs = selected.knobs[self.attack]
        correlations = results.summary["attacks"][self.attack].get("distance_correlation", {})
        parts = []
        for role, (side, is_member) in SIDES.items():
            rows = ~selected.is_calibration & (selected.is_member == is_member)
            parts.append(
                pd.DataFrame(
                    {
                        "role": role,
                        "sample_id": selected.sample_id[rows],
                        "distance": selected.distance[rows],
                        "statistic": selected.statistics[self.attack][rows],
                        "spearman": correlations.get(side, {}).get("value"),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True).assign(
            attack=self.attack, variant=knobs.variant, timestep=knobs.timestep
        )

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.figures import style

        figure = style.new_figure(height=2.9)
        axis = figure.subplots()
        for role in reversed(SIDES):  # the fewer members lie on top
            rows = values[values.role == role]
            rho = rows.spearman.iloc[0]
            label = role if rho is None else rf"{role} ($\rho$ = {rho:.2f})"
            axis.scatter(
                rows.distance,
                rows.statistic,
                s=6,
                color=style.ROLE_COLOURS[role],
                alpha=0.45,
                linewidths=0,
                label=label,
                rasterized=len(values) > 5000,
            )
        first = values.iloc[0]
        axis.set_xlabel(r"distance to the nearest other member, $\ell_2$")
        axis.set_ylabel(
            f"{style.attack_name(first.attack)} ({style.knobs_label(first.variant, first.timestep)})"
        )
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, markerscale=2)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        name = f"{target}.{self.attack}.distance_correlation"
        if f"{name}.of_heldout" not in book:
            return ""
        return (
            f"The rank correlation of statistic and distance is [[{name}.of_heldout]] for held-out samples and "
            f"[[{name}.of_members]] for members."
        )
