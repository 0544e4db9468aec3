"""What is left of a statistic when what the image alone predicts of it is taken out, before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd

from simaudit.evaluation import results
from simaudit.figures import legend, style
from simaudit.figures.figure import TargetFigure
from simaudit.figures.printed import mention
from simaudit.vocabulary import metrics
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import kind_of
from simaudit.vocabulary.knobs import AttackName
from simaudit.vocabulary.variant import parse_variant, variant_text

KIND, FIT = "complexity", "fit"
BINS = 40
SPREAD = 0.2  # of the range of log s, which the axis of p has at least
FLAT = 0.01  # of the range of log s, below which p is said to be the same for all
CENTRAL = 99.5  # percentile at which the lower axis ends; a few far outliers would squeeze the rest


class ComplexityFigure(TargetFigure):
    """Each sample of the evaluation fold by what its image alone predicts of log s, and by log s itself.

    Above, the solid line is where both are equal; members that the model remembers lie below it. The dotted line is the
    threshold that has 1 % FPR on the calibration fold: what lies on the members' side of it is called a member. A
    threshold of log s by itself would be a horizontal line. Below is the density of the difference, log s − p, with the
    same threshold. The prediction was learned of held-out samples of the calibration fold alone.
    """

    title: ClassVar[str] = "Statistic before and after complexity is taken out"
    reads: ClassVar[tuple[str, ...]] = ("summary", "selected")

    attack: AttackName = KIND

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        entry = self.entry(self.attack, attacks)
        if entry is None:
            return f"needs {self.attack}"
        return None if kind_of(attacks[entry]) == KIND else _why_not(entry)

    def scored(self, attacks: Mapping[str, Any]) -> tuple[str, ...]:
        entry = str(self.entry(self.attack, attacks))
        return entry, *attacks[entry].bases

    def values(self, audit: results.Results) -> pd.DataFrame:
        attack = audit.entry(self.attack)
        scores, knobs = audit.selected, audit.selected.knobs[attack]
        variant = dict(parse_variant(knobs.variant))
        if variant.pop(FIT, None) is None:
            raise SimauditError(f"{self.title}: {_why_not(attack)}; name one that is")
        base = _base(audit, attack)
        key = (knobs.timestep, variant_text(variant))
        of_base = audit.scores(base, only=[key]).statistic_at(*key)
        rows = ~scores.is_calibration
        log = np.log(np.maximum(of_base[rows].astype(np.float64), np.finfo(np.float32).tiny))
        difference = scores.statistics[attack][rows].astype(np.float64)
        return pd.DataFrame(
            {
                "role": np.where(scores.is_member[rows], "members", "held-out"),
                "sample_id": scores.sample_id[rows],
                "predicted": log - difference,
                "log_statistic": log,
                "difference": difference,
            }
        ).assign(
            threshold=audit.summary["attacks"][attack]["transferred"]["threshold"],
            attack=attack,
            base=base,
            variant=knobs.variant,
            timestep=knobs.timestep,
        )

    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        figure = style.new_figure(rows=2, height=2.4)
        before, after = figure.subplots(2, height_ratios=(3, 2))
        first = values.iloc[0]
        low, high = np.percentile(values.difference, [100 - CENTRAL, CENTRAL])
        edges = np.linspace(low, high, BINS + 1)
        for role, colour in style.ROLE_COLOURS.items():
            rows = values[values.role == role]
            before.scatter(
                rows.predicted,
                rows.log_statistic,
                s=6,
                color=colour,
                alpha=0.45,
                linewidths=0,
                label=f"{role} (n = {len(rows)})",
                zorder=style.ROLE_ORDER[role],
                rasterized=len(values) > 5000,
            )
            density = np.histogram(rows.difference, edges)[0] / (len(rows) * np.diff(edges))
            after.stairs(density, edges, fill=True, alpha=0.45, color=colour)
        bottom, top = before.get_ylim()
        ends = _wide_enough(before.get_xlim(), SPREAD * (top - bottom))
        before.axline((0, 0), slope=1, color="0.3", linewidth=0.8, zorder=0)
        if pd.notna(first.threshold):
            before.axline((0, first.threshold), slope=1, label="threshold", **style.THRESHOLD)
            after.axvline(first.threshold, **style.THRESHOLD)
        before.set(xlim=ends, ylim=(bottom, top))
        before.locator_params(axis="x", nbins=5)
        before.ticklabel_format(useOffset=False)
        name = legend.look(first.base).label
        before.set_xlabel(r"$p$, predicted of $\log\,s$ by the image alone")
        before.set_ylabel(rf"$\log\,s$, {name}")
        after.set_xlabel(rf"$\log\,s - p$ ({style.knobs_label(first.variant, first.timestep)})")
        after.set_ylabel("density")
        after.set_yticks([])  # its unit is one over that of log s, which nobody reads
        style.legend_above(figure, before, 3, markerscale=2)
        return figure

    def sentence(self, audit: results.Results) -> str:
        attack, target = audit.entry(self.attack), audit.target
        base = _base(audit, attack)
        before, after = (mention(metrics.TPR_AT_1PCT, target, of) for of in (base, attack))
        values = self.values(audit)
        is_flat = np.ptp(values.predicted) < FLAT * np.ptp(values.log_statistic)
        flat = " The image predicts nothing here: p is nearly the same for all samples." if is_flat else ""
        return (
            f"At 1 % FPR {legend.look(base).name} finds {before} of the members, and {legend.look(attack).name}, "
            f"which takes out what the image predicts, {after}; each at its own knobs.{flat}"
        )


def _wide_enough(ends: tuple[float, float], least: float) -> tuple[float, float]:
    """Return the ends of an axis, moved apart from its middle where they are nearer to each other than `least`."""
    low, high = ends
    more = max(0.0, least - (high - low)) / 2
    return low - more, high + more


def _why_not(attack: str) -> str:
    """Return why an attack that was run cannot be drawn."""
    return f"{attack} is no attack of kind {KIND}"


def _base(audit: results.Results, attack: str) -> str:
    """Return the attack from whose statistic complexity was taken out, as the file of the scores says it."""
    return str(json.loads(audit.scores(attack, only=[]).metadata["params"])["of"])
