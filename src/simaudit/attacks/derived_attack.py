"""What a derived attack is: an entry of params.yaml that computes statistics of the scores of other attacks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from simaudit.attacks.attack import Attack
from simaudit.vocabulary.variant import Column

if TYPE_CHECKING:
    from simaudit.data.neighbours import Indexed

PARTS = 5
"""Into how many parts the calibration fold is cut where each is judged by what is learned from the others."""


class Statistics(NamedTuple):
    """K statistics of the N samples of a split: `values` (K, N), what each is, and where members lie: low or high."""

    columns: Sequence[Column]
    values: np.ndarray
    member_when: str


@dataclass(frozen=True)
class Reference:
    """Scores of the same samples under a model that was trained on other members: `statistics` are by attack, and
    `members` (N,) bool are the samples that it was trained on.
    """

    statistics: Mapping[str, Statistics]
    members: np.ndarray


@dataclass(frozen=True)
class Known:
    """What a derived attack may know of the N samples of a split, in sample_id order.

    `statistics` are by attack. `features` (N,) are those of the images, by name, float64 and finite. `members` and
    `heldout` (N,) bool are the samples of the calibration fold on either side: an attacker knows no more of who was
    trained on, so that the sides of the evaluation fold cannot influence anything. `references` are there for an attack
    that `needs_references`; `images` (N, C, H, W) and the model's own `samples` (S, C, H, W), in [-1, 1], for one that
    `needs_samples`.
    """

    statistics: Mapping[str, Statistics]
    features: Mapping[str, np.ndarray]
    members: np.ndarray
    heldout: np.ndarray
    references: Sequence[Reference] = ()
    images: Indexed | None = None
    samples: Indexed | None = None


class DerivedAttack(Attack):
    """An attack that asks no model: a function of the scores of other attacks of the same audit, or of its samples.

    What it learns it learns on the calibration fold. A sample of that fold gets a statistic by what was learned without
    it (`calibration_parts`), since knobs are chosen there. Its module imports no torch.
    """

    needs_references: ClassVar[bool] = False
    """Whether it reads the scores of its bases under references, too, so that its audit must have some."""

    needs_samples: ClassVar[bool] = False
    """Whether it looks at the images themselves and at those that the model draws."""

    @property
    @abstractmethod
    def bases(self) -> tuple[str, ...]:
        """The attacks of the same audit whose scores it reads; there may be none."""

    @abstractmethod
    def derive(self, known: Known) -> Statistics:
        """Return every statistic of every sample; the queries of each are those of what it is computed of.

        Raises SimauditError where the scores are not of the kind that it needs, or there are too few samples.
        """


def needs_references(attack: Attack | type[Attack]) -> bool:
    """Return whether an attack reads scores under references."""
    kind = attack if isinstance(attack, type) else type(attack)
    return issubclass(kind, DerivedAttack) and kind.needs_references


def each_with(columns: Sequence[Column], knob: str, values: Sequence[str | int | float]) -> list[Column]:
    """Return K columns once for each of L values of a further knob, (L·K): those of the first value stand first."""
    return [
        Column(column.timestep, {**column.variant, knob: value}, column.queries)
        for value in values
        for column in columns
    ]


def calibration_parts(known: Known, parts: int) -> np.ndarray:
    """Return the part, 0 to parts − 1, of each sample of the calibration fold, −1 for the others: (N,) int.

    Samples of each side are dealt to the parts at random, always in the same way. There are at most as many parts as
    held-out samples, so that each part has one.
    """
    rng = np.random.default_rng(0)
    parts = min(parts, int(known.heldout.sum()))
    part = np.full(len(known.heldout), -1)
    for side in (known.heldout, known.members):
        part[rng.permutation(np.flatnonzero(side))] = np.arange(side.sum()) % parts
    return part


def crossfits(known: Known, learned_from: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of the samples that are judged and the samples that are learned from for them, (N,) bool each.

    `learned_from` (N,) bool are samples of the calibration fold. Those of the evaluation fold are judged by what is
    learned from all of them, each of PARTS of the calibration fold by what is learned from its other parts.
    """
    part = calibration_parts(known, PARTS)
    for number in np.unique(part):
        yield part == number, learned_from & (part != number)
