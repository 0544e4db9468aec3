"""How every figure looks: size, type, and colours that mean the same thing everywhere."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from simaudit.evaluation.numbers import TAIL
from simaudit.storage.atomic import atomic_path
from simaudit.vocabulary.variant import parse_variant, variant_label

COLUMN_INCHES = 3.4  # one column of a two-column paper
ROLE_COLOURS = {"members": "#0072B2", "held-out": "#D55E00"}
BLIND_LINE: dict[str, Any] = {"linewidth": 1.0, "linestyle": (0, (1, 1.5))}
CHANCE: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 0}

UNDATED: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {"Software": None},
}
"""Metadata of each kind of picture that can be saved."""
SUFFIXES = (".pdf", ".png", ".csv")
CHOSEN: dict[str, Any] = {"color": "0.4", "linewidth": 0.8, "linestyle": (0, (1, 2)), "zorder": 0}
ERROR_BARS: dict[str, Any] = {"linewidth": 1.0, "elinewidth": 0.8, "capsize": 0, "markersize": 4}
"""The selected timestep as a line; points with their limits."""

# Distinct for colour-blind readers (after Okabe & Ito, and Tol's muted scheme); the roles' two colours are not reused.
_ATTACK_COLOURS = {
    "sima": "#009E73",
    "sima_av": "#56B4E9",
    "sima_mc": "#332288",
    "loss": "#CC79A7",
    "pia": "#E69F00",
    "pian": "#999933",
    "secmi": "#882255",
    "pfami": "#555555",
    "pullback": "#AA4499",
    "pullback_random": "#DDAA77",
    "reconstruction": "#117733",
    "distortion": "#88CCEE",
    "blind": "#000000",
}
_OTHER_COLOURS = ["#44AA99", "#661100", "#6699CC", "#AA4466"]
MARKERS = "o^svDP*XhpH<>d"
LINES: list[Any] = ["-", (0, (4, 1.5)), (0, (1, 1)), "-."]
_ATTACK_NAMES = {
    "sima": "SimA",
    "sima_av": "SimA-AV",
    "sima_mc": "SimA-MC",
    "loss": "Loss",
    "pia": "PIA",
    "pian": "PIAN",
    "secmi": "SecMI",
    "pfami": "PFAMI",
    "pullback": "Pullback",
    "pullback_random": "Pullback, random",
    "reconstruction": "Reconstruction",
    "distortion": "Distortion",
    "blind": "Blind",
}

mpl.rcParams.update(
    {
        "font.size": 8,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "lines.linewidth": 1.4,
        "pdf.fonttype": 42,  # text stays text
        "svg.hashsalt": "simaudit",
    }
)


def attack_colour(attack: str) -> str:
    """The attack's colour, the same in every figure; one that a user added gets one by its name."""
    by_name = int(hashlib.sha256(attack.encode()).hexdigest(), 16) % len(_OTHER_COLOURS)
    return _ATTACK_COLOURS.get(attack, _OTHER_COLOURS[by_name])


def attack_name(attack: str) -> str:
    """The attack's name in print."""
    return _ATTACK_NAMES.get(attack, attack)


def attack_marker(attack: str) -> str:
    """The attack's marker, so that points are told apart without colours, too."""
    known = list(_ATTACK_NAMES)
    return MARKERS[known.index(attack) % len(MARKERS)] if attack in known else MARKERS[-1]


def circle(colour: str) -> dict[str, Any]:
    """How the selected point of a curve is drawn."""
    edge = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 1.5}
    return {"marker": "o", "markersize": 6, "linestyle": "none", "clip_on": False, "zorder": 3, **edge}


def in_order(attacks: Iterable[str]) -> list[str]:
    """Attacks in the order of every legend: SimA and its kin first, those a user added last."""
    known = list(_ATTACK_NAMES)
    return sorted(
        attacks, key=lambda attack: (known.index(attack) if attack in known else len(known), attack)
    )


def marked(label: str, tail_too_small: bool) -> str:
    """A rate's label, with the mark where its level allows too few false positives to be read."""
    return f"{label} {TAIL}" if tail_too_small else label


def tail_note(tail_too_small: bool) -> str:
    """A line that says what the mark means, where it is shown."""
    return f"\n{TAIL} fewer than ten false positives allowed: not to be read" if tail_too_small else ""


def knobs_label(variant: str, timestep: float | None) -> str:
    """Return a variant (its text, as tables hold it) and timestep in print, such as raw, ℓ₄, t = 50."""
    parts = [variant_label(parse_variant(variant), norm=r"$\ell_{{{}}}$")]
    if timestep is not None and not pd.isna(timestep):
        parts.append(f"$t$ = {int(timestep)}")
    return ", ".join(parts).replace("{inf}", r"{\infty}")


def mark_shifted(figure: Figure, shifted: bool) -> None:
    """Say above the picture, where it is so, that the split itself differs: attacks must beat the blind classifiers."""
    if shifted:
        figure.suptitle("shifted split: only what lies above Blind can count", fontsize=8, fontstyle="italic")


def new_figure(rows: int = 1, height: float = 2.4) -> Figure:
    """An empty one-column figure for `rows` panels of `height` inches, laid out without overlaps."""
    return Figure(figsize=(COLUMN_INCHES, rows * height), layout="constrained")


def save(figure: Figure, values: pd.DataFrame, paths: Iterable[Path]) -> None:
    """Write the picture to each .pdf and .png and its values to each .csv of `paths`, atomically.

    The same picture gives the same bytes.
    """
    for path in paths:
        kind = path.suffix.removeprefix(".")
        with atomic_path(path) as temporary:
            if kind == "csv":
                values.to_csv(temporary, index=False)
            else:
                figure.savefig(temporary, format=kind, dpi=200, metadata=UNDATED[kind])
                figure.set_layout_engine("none")  # it stays where the first drawing put it
