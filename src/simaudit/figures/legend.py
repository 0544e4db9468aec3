"""What attacks and metrics are called, and how attacks look, in every figure, table and page."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Look(NamedTuple):
    """An attack's name in print, its colour, and its marker, which tells points apart without colours, too."""

    name: str
    colour: str
    marker: str


# Distinct for colour-blind readers (after Okabe & Ito, and Tol's muted scheme); the two sides' colours are not reused.
_ATTACKS = {
    "sima": Look("SimA", "#009E73", "o"),
    "sima_av": Look("SimA-AV", "#56B4E9", "^"),
    "complexity": Look("Complexity", "#B8860B", "8"),
    "complexity_av": Look("Complexity-AV", "#7B3F00", "p"),
    "reference": Look("Reference", "#2E5EAA", "d"),
    "lira": Look("LiRA", "#66A61E", "D"),
    "own_distance": Look("Own distance", "#6B8E23", "<"),
    "sima_mc": Look("SimA-MC", "#332288", "s"),
    "loss": Look("Loss", "#CC79A7", "v"),
    "pia": Look("PIA", "#E69F00", "D"),
    "pian": Look("PIAN", "#999933", "P"),
    "secmi": Look("SecMI", "#882255", "*"),
    "rediffuse": Look("ReDiffuse", "#00ACC1", "<"),
    "low_pass": Look("Low pass", "#C2185B", "d"),
    "pfami": Look("PFAMI", "#555555", "X"),
    "gradient_mask": Look("Gradient mask", "#4477AA", "d"),
    "noise_optim": Look("Noise optimisation", "#228833", "<"),
    "flipd": Look("FLIPD", "#EE6677", "^"),
    "gsa": Look("GSA", "#BBAA00", "s"),
    "pullback": Look("Pullback", "#AA4499", "h"),
    "pullback_random": Look("Pullback, random", "#DDAA77", "p"),
    "reconstruction": Look("Reconstruction", "#117733", "H"),
    "distortion": Look("Distortion", "#88CCEE", "<"),
    "quantile": Look("Quantile", "#3A5F0B", "D"),
    "combined": Look("Combined (learned)", "#A50F79", "P"),
    "secmi_nns": Look("SecMI-NNs (learned)", "#4B3FB5", "X"),
    "blind": Look("Blind", "#000000", ">"),
}
_OTHER_COLOURS, _OTHER_MARKER = ("#44AA99", "#661100", "#6699CC", "#AA4466"), "d"

METRICS = {
    "auc": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "asr": "ASR",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "tpr_at_0.1pct_fpr": "TPR at 0.1 % FPR",
    "tpr_heldout_positive": "TPR, held-out positive",
}
"""The metrics by their names in print."""


def look(attack: str) -> Look:
    """Return how an attack looks, which is the same everywhere; an attack that a user added gets a look by its name."""
    if attack in _ATTACKS:
        return _ATTACKS[attack]
    place = int(hashlib.sha256(attack.encode()).hexdigest(), 16) % len(_OTHER_COLOURS)
    return Look(attack, _OTHER_COLOURS[place], _OTHER_MARKER)


def in_order(attacks: Iterable[str]) -> list[str]:
    """Return attacks in the order of every legend: SimA and its kin first, attacks that a user added last."""
    known = list(_ATTACKS)
    return sorted(
        attacks, key=lambda attack: (known.index(attack) if attack in known else len(known), attack)
    )
