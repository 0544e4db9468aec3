"""Which entry under `attacks` stands for a kind of attack, whatever it is named."""

from collections.abc import Mapping

SIMA = "sima"
"""The kind of the attack that others are held against."""


def entry_of(kind: str, kinds: Mapping[str, str]) -> str | None:
    """Return the entry that stands for a kind: the one that has its name, or else the first that is of it.

    `kinds` are those of all entries by name; None where no entry is of the kind.
    """
    of_kind = [name for name, other in kinds.items() if other == kind]
    return kind if kind in of_kind else next(iter(of_kind), None)
