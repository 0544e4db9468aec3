"""What to do about what an audit found, in plain words."""

from collections.abc import Iterator

from simaudit.figures import legend
from simaudit.report.grades import FOUND, NOTHING, UNDECIDED
from simaudit.report.verdict import Facts
from simaudit.vocabulary.errors import some
from simaudit.vocabulary.membership import UNVERIFIED
from simaudit.vocabulary.metrics import AUC

MOST = 5
"""How many pieces of advice are given at most: the first ones matter most."""
NAMED = 3  # audits that a piece of advice names

UNTRUSTED = "Do not trust these numbers, good or bad, before it is known why controls failed."
ORDER = ("shifted", "members", "publish", "epochs", "train", "more", "nothing")
"""The reasons for advice, the most important first."""


def advice(facts: Facts) -> list[str]:
    """Return what to do after a run, in at most MOST sentences; they may mention numbers of the ledger.

    A sentence that is not about all audits begins with their names. Of the epochs only those of the worst are named.
    """
    audits = facts["audits"]
    worst_first = sorted(audits, key=lambda name: name != facts["worst"])
    given: dict[tuple[str, str], list[str]] = {}
    for name in worst_first:
        for reason, sentence in advice_on(audits[name]).items():
            given.setdefault((reason, sentence), []).append(name)
    sentences: dict[str, str] = {}
    for (reason, sentence), names in given.items():
        about = "" if len(names) == len(audits) else f"{some(sorted(names), NAMED)}: "
        sentences.setdefault(reason, about + sentence)
    first = [] if facts["controls"]["trusted"] else [UNTRUSTED]
    return [*first, *(sentences[reason] for reason in ORDER if reason in sentences)][:MOST]


def advice_on(audit: Facts) -> dict[str, str]:
    """Return what to do about one audit, by reason."""
    return dict(_reasons(audit))


def _reasons(audit: Facts) -> Iterator[tuple[str, str]]:
    if audit["shifted"]:
        yield (
            "shifted",
            "Choose held-out images from the same source as the members, and audit again: these are told apart without "
            "any model.",
        )
    if audit["membership"] == UNVERIFIED:
        yield "members", "Audit again with the list of the images that the model was really trained on."
    if audit["grade"] in FOUND:
        yield "publish", "Do not publish the weights or any checkpoint as long as this is found."
        yield from _shorter(audit)
        yield (
            "train",
            "Remove duplicates from the training set, train on more images, or train with differential privacy; then "
            "audit again.",
        )
    if audit["grade"] == UNDECIDED:
        yield "more", "Audit again with more members and more held-out images: these are too few to decide."
    if audit["grade"] == NOTHING and not audit["shifted"]:
        yield (
            "nothing",
            "This is no proof of safety: audit with more images, and with kinds of attacker that were not tested.",
        )


def _shorter(audit: Facts) -> Iterator[tuple[str, str]]:
    """Yield the AUC at the first epoch that was kept and attacked, where it is surely lower than at the end."""
    epochs = audit["epochs"]
    if epochs is None:
        return
    end = epochs["end"]
    lower = [kept for kept in epochs["at"] if kept[AUC]["high"] < end["low"]]
    if lower:
        first = lower[0]
        yield (
            "epochs",
            f"Train for fewer epochs, since at epoch {first['epoch']} the AUC of {legend.look(epochs['attack']).name} "
            f"was [[{first[AUC]['id']}]], and at the end [[{end['id']}]].",
        )
