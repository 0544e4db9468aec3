"""How many samples of each side the folds of a split have, which follows from its knobs alone."""

from simaudit.vocabulary.errors import KnobError, SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION

SMALLEST_SIDE = 20  # fewest members, and fewest held-out samples, with which a fold is measured

Sizes = dict[str, tuple[int, int]]
"""The members and the held-out samples of each fold."""


def heldout_of(samples: int, members: int, heldout: int | None) -> int:
    """Return how many of so many samples are held out: `heldout` of those that are no members, or all where it is None.

    Raises KnobError when there are too few samples.
    """
    if members >= samples:
        raise KnobError(
            "members", f"{members} of {samples} samples leave nobody held out; choose at most {samples - 1}"
        )
    left = samples - members
    if heldout is not None and heldout > left:
        raise KnobError(
            "heldout",
            f"{heldout} beside {members} members are more than the {samples} samples; choose at most {left}",
        )
    return left if heldout is None else heldout


def fold_sizes(members: int, heldout: int, calibration: float) -> Sizes:
    """Return the sizes of the folds that are drawn: calibration gets round(calibration × size) of each side.

    Raises KnobError when a fold would lack one of the sides.
    """
    sides = members, heldout
    drawn = [round(calibration * size) for size in sides]
    for size, chosen in zip(sides, drawn, strict=True):
        if not 0 < chosen < size:
            raise KnobError(
                "calibration",
                f"{calibration} of {size} samples leaves a fold empty; choose another share",
            )
    return {
        CALIBRATION: (drawn[0], drawn[1]),
        EVALUATION: (sides[0] - drawn[0], sides[1] - drawn[1]),
    }


def refuse_small(sizes: Sizes) -> None:
    """Raise SimauditError, naming a fold that has fewer than SMALLEST_SIDE samples of a side."""
    for fold, (members, heldout) in sizes.items():
        if min(members, heldout) < SMALLEST_SIDE:
            raise SimauditError(
                f"the {fold} fold has {members} member{'s' * (members != 1)} and {heldout} held-out "
                f"sample{'s' * (heldout != 1)}, and needs {SMALLEST_SIDE} of each; choose more of what it lacks, or "
                "another calibration share"
            )
