"""What attacks and metrics are called, and how attacks look, in every figure, table and page."""

import hashlib
from collections.abc import Iterable
from itertools import product
from typing import Any, NamedTuple

LONGEST = 26
"""Characters of a name in a picture; the table beside it has the whole name."""


def short(name: str, longest: int = LONGEST) -> str:
    """Return a name with its middle replaced by … where it is longer than that many characters."""
    kept = longest - 1
    return name if len(name) <= longest else f"{name[: kept - kept // 2]}…{name[-(kept // 2) :]}"


class Look(NamedTuple):
    """An attack's name in print, and its colour, marker and dashes; these two tell it apart without the colour, too."""

    name: str
    colour: str
    marker: str
    dash: Any

    @property
    def label(self) -> str:
        """The name as a picture has room for it."""
        return short(self.name)

    @property
    def line(self) -> dict[str, Any]:
        """How its curve is drawn."""
        return {"color": self.colour, "linestyle": self.dash}


# The tests measure that each has a contrast of 3:1 or more on white, and that any two stay apart under deuteranopia and
# in print without colours.
FAMILY_COLOURS = {
    "sima": "#118800",
    "beyond": "#664400",
    "error": "#AA3399",
    "pia": "#FF2200",
    "trajectory": "#771133",
    "wrapped": "#5511FF",
    "gradient": "#002288",
    "learned": "#FF11EE",
    "blind": "#000000",
    "other": "#707070",
}
"""By what attacks measure: what lies `beyond` the prediction of the image or of other models, the `error` of one step,
that of a `trajectory` or an autoencoder, and so on."""

_FAMILIES = {
    "sima": {"sima": "SimA", "sima_av": "SimA-AV", "sima_mc": "SimA-MC"},
    "beyond": {
        "complexity": "Complexity",
        "complexity_av": "Complexity-AV",
        "reference": "Reference",
        "lira": "LiRA",
        "own_distance": "Own distance",
        "quantile": "Quantile",
    },
    "error": {"loss": "Loss", "pfami": "PFAMI"},
    "pia": {"pia": "PIA", "pian": "PIAN"},
    "trajectory": {
        "secmi": "SecMI",
        "rediffuse": "ReDiffuse",
        "reconstruction": "Reconstruction",
        "distortion": "Distortion",
    },
    "wrapped": {"low_pass": "Low pass", "pullback": "Pullback", "pullback_random": "Pullback, random"},
    "gradient": {
        "gradient_mask": "Gradient mask",
        "noise_optim": "Noise optimisation",
        "flipd": "FLIPD",
        "gsa": "GSA",
    },
    "learned": {"combined": "Combined (learned)", "secmi_nns": "SecMI-NNs (learned)"},
    "blind": {"blind": "Blind"},
    "other": {},
}
_MARKERS = "os^DvPX<>*hd"
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))


def _known() -> dict[str, tuple[str, Look]]:
    """Return the family and look of every known attack: no two share both their marker and their dashes."""
    return {
        attack: (
            family,
            Look(
                name,
                FAMILY_COLOURS[family],
                _MARKERS[(number + 5 * place) % len(_MARKERS)],
                (0, (1, 1.5)) if family == "blind" else _DASHES[place],
            ),
        )
        for number, (family, attacks) in enumerate(_FAMILIES.items())
        for place, (attack, name) in enumerate(attacks.items())
    }


_ATTACKS = _known()

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
    """Return how an attack looks, which is the same everywhere.

    An attack that a user added has the colour of the known attack whose name its own begins with, as `sima_wide` has
    that of `sima`, or else that of no family; its marker and dashes follow from its name.
    """
    if attack in _ATTACKS:
        return _ATTACKS[attack][1]
    kin = max(
        (known for known in _ATTACKS if attack.startswith((f"{known}_", f"{known}-"))), key=len, default=""
    )
    family = _ATTACKS[kin][0] if kin else "other"
    own = list(product(_MARKERS, _DASHES))
    marker, dash = own[int(hashlib.sha256(attack.encode()).hexdigest(), 16) % len(own)]
    return Look(attack, FAMILY_COLOURS[family], marker, dash)


def in_order(attacks: Iterable[str]) -> list[str]:
    """Return attacks in the order of every legend: SimA and its kin first, attacks that a user added last."""
    known = list(_ATTACKS)
    return sorted(
        attacks, key=lambda attack: (known.index(attack) if attack in known else len(known), attack)
    )
