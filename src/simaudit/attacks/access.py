"""What somebody must be able to do, or know, who makes an attack: its threat model, by what the attack declares."""

from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from simaudit.attacks.attack import Attack, TargetAttack
from simaudit.attacks.derived_attack import DerivedAttack, needs_references


class Access(NamedTuple):
    """One thing that an attack may take: `who` has it, in words, and the `kind` of attacker that this makes."""

    who: str
    kind: str


ACCESS: Mapping[str, Access] = {
    "samples": Access("sees images that the model draws", "images that the model draws"),
    "denoiser": Access(
        "can run the denoiser at a timestep of their choice", "the denoiser at a chosen timestep"
    ),
    "labels": Access("knows the class of each image", "the classes of the images"),
    "autoencoder": Access("can run the autoencoder", "the autoencoder"),
    "gradients": Access("can differentiate the denoiser, as its weights allow", "gradients of the denoiser"),
    "references": Access("can train models like it on other images", "reference models"),
    "members": Access("knows some of the members beforehand", "learning from known members"),
}
"""Everything that an attack may take, in the order in which it is named."""


def access_of(name: str, attacks: Mapping[str, Attack], conditions: Iterable[str] = ()) -> list[str]:
    """Return the keys of ACCESS that the attack `name` takes; `attacks` are all of its audit by name.

    What it is derived of takes the same. `conditions` are those under which the audit asks its target: whoever asks for
    the class of an image knows it.
    """
    taken = _taken(name, attacks)
    if "denoiser" in taken and "labels" in conditions:
        taken = taken | {"labels"}
    return [key for key in ACCESS if key in taken]


def _taken(name: str, attacks: Mapping[str, Attack]) -> Set[str]:
    attack = attacks[name]
    own = {
        "samples": isinstance(attack, DerivedAttack) and attack.needs_samples,
        "denoiser": isinstance(attack, TargetAttack) and attack.last_query is not None,
        "autoencoder": "decoder" in attack.needs,
        "gradients": isinstance(attack, TargetAttack) and attack.differentiates(),
        "references": needs_references(attack),
        "members": attack.learned,
    }
    taken = {key for key, takes in own.items() if takes}
    return taken.union(*(_taken(base, attacks) for base in attack.bases))
