"""Whether a sample is taken for a member because it looks like one: its statistic over its distance to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure
from simaudit.figures.printed import mention
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import AttackName

SIDES = {"members": ("of_members", True), "held-out": ("of_heldout", False)}
CORRELATION = "distance_correlation"


class NearestMember(TargetFigure):
    """Each sample of the evaluation fold by its distance to the nearest other member, and its statistic.

    ρ is Spearman's, with its 95 % confidence interval. By the theory, ε̂* is the distance to a local mean of the
    members: a held-out sample near a member has a low statistic, while a member's own stays low wherever the other
    members are.
    """

    title: ClassVar[str] = "Statistic over the distance to the nearest member"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    attack: AttackName = "sima"

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        entry = self.entry(self.attack, attacks)
        if entry is None:
            return f"needs {self.attack}"
        return f"{entry} is a learned head" if attacks[entry].learned else None

    def values(self, audit: results.Results) -> pd.DataFrame:
        attack, scores = audit.entry(self.attack), audit.selected
        knobs = scores.knobs[attack]
        correlations = audit.summary["attacks"][attack].get(CORRELATION, {})
        if scores.distance is None:
            raise SimauditError(f"{self.title}: the images of {audit.target} are not known; leave it out")
        parts = []
        for role, (side, is_member) in SIDES.items():
            rows = ~scores.is_calibration & (scores.is_member == is_member)
            parts.append(
                pd.DataFrame(
                    {
                        "role": role,
                        "sample_id": scores.sample_id[rows],
                        "distance": scores.distance[rows],
                        "statistic": scores.statistics[attack][rows],
                        **{
                            f"spearman{name}": correlations.get(side, {}).get(key)
                            for name, key in (("", "value"), ("_low", "low"), ("_high", "high"))
                        },
                    }
                )
            )
        return pd.concat(parts, ignore_index=True).assign(
            attack=attack, variant=knobs.variant, timestep=knobs.timestep
        )

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(height=2.9)
        axis = figure.subplots()
        for role in SIDES:
            rows = values[values.role == role]
            axis.scatter(
                rows.distance,
                rows.statistic,
                s=6,
                color=style.ROLE_COLOURS[role],
                alpha=0.45,
                linewidths=0,
                label=_label(role, rows.iloc[0]),
                zorder=style.ROLE_ORDER[role],
                rasterized=len(values) > 5000,
            )
        first = values.iloc[0]
        knobs = style.knobs_label(first.variant, first.timestep)
        axis.set_xlabel(r"distance to the nearest other member, $\ell_2$")
        axis.set_ylabel(f"{legend.look(first.attack).label} ({knobs})")
        if style.spans_decades(values.statistic):
            axis.set_yscale("log")
        style.legend_above(figure, axis, 1, markerscale=2)
        return figure

    def sentence(self, audit: results.Results) -> str:
        attack = audit.entry(self.attack)
        known = audit.summary["attacks"][attack].get(CORRELATION, {})
        rho = {
            role: mention(side, audit.target, attack, CORRELATION)
            for role, (side, _) in SIDES.items()
            if side in known
        }
        if len(rho) < len(SIDES):
            return f"The statistic of {legend.look(attack).name} over the distance, one mark per sample."
        return (
            f"The rank correlation of statistic and distance is {rho['held-out']} for held-out samples and "
            f"{rho['members']} for members."
        )


def _label(role: str, first: pd.Series) -> str:
    if pd.isna(first.spearman):
        return role
    numbers = f"{first.spearman:.2f} [{first.spearman_low:.2f}, {first.spearman_high:.2f}]"
    return rf"{role}, $\rho$ = " + numbers.replace("-", "−")
