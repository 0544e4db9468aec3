"""How it is known on which members a target was trained: one of three words, which stands wherever its numbers do."""

from collections.abc import Mapping
from typing import Literal

Membership = Literal["verified", "stated", "unverified"]
VERIFIED: Membership = "verified"
STATED: Membership = "stated"
UNVERIFIED: Membership = "unverified"

MEANING: Mapping[str, str] = {
    VERIFIED: "trained by simaudit on the members of its split",
    STATED: "members as stated by the owner of the model, not verified",
    UNVERIFIED: "members UNVERIFIED: they were drawn at random, and nobody has stated that the model was trained on "
    "them, so these numbers may mean nothing",
}


def membership_notes(known: Mapping[str, str]) -> list[str]:
    """Return a sentence for each word but `verified`, which names its audits; `known` gives the word of each audit."""
    of: dict[str, list[str]] = {word: [] for word in MEANING}
    for audit, word in known.items():
        of[word].append(audit)
    return [
        f"{', '.join(audits)}: {MEANING[word]}." for word, audits in of.items() if audits and word != VERIFIED
    ]
