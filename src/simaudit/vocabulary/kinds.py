"""The kinds of attack, and which entry under `attacks` stands for one, whatever it is named."""

from collections.abc import Mapping

SIMA = "sima"
"""The kind of the attack that others are held against."""
DISTORTION, RECONSTRUCTION = "distortion", "reconstruction"
"""The kinds of the attacks that measure an autoencoder."""
BLIND = "blind"
"""What stands in the place of an attack for classifiers that see the images and never a model."""


def kind_of(attack: object) -> str:
    """Return the kind of an attack, given its knobs: the name of the module that defines it."""
    return type(attack).__module__.rpartition(".")[2]


def entry_of(kind: str, kinds: Mapping[str, str]) -> str | None:
    """Return the entry that stands for a kind: the one that has its name, or else the first that is of it.

    `kinds` are those of all entries by name; None where no entry is of the kind.
    """
    of_kind = [name for name, other in kinds.items() if other == kind]
    return kind if kind in of_kind else next(iter(of_kind), None)
