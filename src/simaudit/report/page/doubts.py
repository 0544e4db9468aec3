"""What a reader must know of a target or split before believing its numbers, apart from the controls."""

from collections.abc import Mapping
from typing import Any

from simaudit.figures.printed import near_duplicates_of
from simaudit.vocabulary.membership import UNVERIFIED


def doubts(
    trainings: Mapping[str, Mapping[str, Any]],
    splits: Mapping[str, Mapping[str, Any]],
    shifted: list[str],
    with_near_duplicates: list[str],
) -> list[str]:
    """Return one text per doubt, none if there is nothing to say; it may mention numbers of the ledger.

    `trainings` is what each target's training.json says, `splits` the parameters of each split, `shifted` the targets
    whose split is told apart without a model, `with_near_duplicates` the splits with held-out samples that are nearly
    the same image as a member.
    """
    sentences = []
    if shifted:
        sentences.append(
            f"{_named(shifted)}: shifted, so only what an attack has above the blind classifiers can count."
        )
    unverified = [name for name, training in trainings.items() if _is_unverified(training)]
    if unverified:
        sentences.append(
            f"{_named(unverified)}: uses an autoencoder that comes from elsewhere, and nobody has verified that it was "
            "trained on members only. What an attack finds may be the trace of other images."
        )
    duplicated = [name for name, split in splits.items() if split.get("allow_duplicates")]
    if duplicated:
        sentences.append(
            f"{_named(duplicated)}: images that are both member and held out are allowed here (allow_duplicates). "
            "Nothing can tell such a pair apart, so every number may be lower than it should be."
        )
    if with_near_duplicates:
        sentences.append(
            f"{', '.join(map(near_duplicates_of, with_near_duplicates))}: nearly the same image as a member, so every "
            "number may be lower than it should be. The headline numbers are also given without them."
        )
    return sentences


def _named(names: list[str]) -> str:
    return ", ".join(sorted(names))


def _is_unverified(training: Mapping[str, Any]) -> bool:
    """Return whether nobody knows the members that the autoencoder of a target was trained on."""
    return (training.get("autoencoder") or {}).get("members") == UNVERIFIED
