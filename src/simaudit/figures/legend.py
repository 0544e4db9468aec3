"""What attacks and metrics are called, and how attacks look, in every figure, table and page."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

from simaudit.vocabulary.metrics import (
    ASR,
    AUC,
    BALANCED_ACCURACY,
    TPR_AT_01PCT,
    TPR_AT_1PCT,
    TPR_HELDOUT_POSITIVE,
)

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
KNOWN = frozenset(_ATTACKS)
"""The names that stand for a known attack wherever it is printed."""

METRICS = {
    AUC: "AUC",
    BALANCED_ACCURACY: "balanced accuracy",
    ASR: "ASR",
    TPR_AT_1PCT: "TPR at 1 % FPR",
    TPR_AT_01PCT: "TPR at 0.1 % FPR",
    TPR_HELDOUT_POSITIVE: "TPR, held-out positive",
}
"""The metrics by their names in print."""


def look(attack: str, kind: str = "") -> Look:
    """Return how an attack of a kind looks, which is the same everywhere.

    A known attack is known by its name, which no entry of another kind may have. One that a user added has the colour
    of its kind's family, its own name, and a marker and dashes that follow from its name and are those of no known
    attack. Where nothing is known of its kind, it counts as of the attack whose name its own begins with, as
    `sima_wide` of `sima`, or else as of no family.
    """
    if attack in _ATTACKS:
        return _ATTACKS[attack][1]
    family = _family(attack, kind)
    return Look(attack, FAMILY_COLOURS[family], *next(_free(attack, family)))


def looks(kinds: Mapping[str, str]) -> dict[str, Look]:
    """Return how each attack of a picture looks, given its kind: as `look` says it, and no two alike.

    Of attacks that a user added and that would have the same marker and dashes, all but the first have others.
    """
    chosen: dict[str, Look] = {}
    for attack in in_order(kinds, kinds):
        own, family = look(attack, kinds[attack]), _family(attack, kinds[attack])
        taken = {(other.marker, other.dash) for other in chosen.values()}
        if (own.marker, own.dash) in taken:
            free = (pair for pair in _free(attack, family) if pair not in taken)
            own = Look(own.name, own.colour, *next(free, (own.marker, own.dash)))
        chosen[attack] = own
    return chosen


def in_order(attacks: Iterable[str], kinds: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return attacks in the order of every legend: SimA and its kin first, those of no known kind last.

    An attack that a user added stands after the known one that it is akin to, by `kinds` or by its name.
    """
    known = [*_ATTACKS, ""]

    def place(attack: str) -> tuple[int, bool, str]:
        kin = _kin(attack, kinds.get(attack, ""))
        return known.index(kin), attack != kin, attack

    return sorted(attacks, key=place)


def _kin(attack: str, kind: str) -> str:
    """Return the known attack that an attack of a kind is, or is akin to; an empty text for none."""
    if attack in _ATTACKS:
        return attack
    for name in (kind, attack):
        akin = [known for known in _ATTACKS if name == known or name.startswith((f"{known}_", f"{known}-"))]
        if akin:
            return max(akin, key=len)
    return ""


def _family(attack: str, kind: str) -> str:
    kin = _kin(attack, kind)
    return _ATTACKS[kin][0] if kin else "other"


def _free(attack: str, family: str) -> Iterator[tuple[str, Any]]:
    """Yield the markers and dashes that an attack which a user added may have, those first that follow from its name.

    None are those of a known attack, and neither part is that of one in its family, as long as there are others.
    """
    every = [known for _, known in _ATTACKS.values()]
    kin = [known for other, known in _ATTACKS.values() if other == family]
    markers = [marker for marker in _MARKERS if marker not in {known.marker for known in kin}]
    dashes = [dash for dash in _DASHES if dash not in {known.dash for known in kin}] or list(_DASHES)
    taken = {(known.marker, known.dash) for known in every}
    free = [pair for pair in product(markers, dashes) if pair not in taken]
    first = int(hashlib.sha256(attack.encode()).hexdigest(), 16) % len(free)
    yield from free[first:] + free[:first]
