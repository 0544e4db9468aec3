"""Numbers as they are printed: in figures, their captions, tables, the page and on the terminal."""

import re
from collections.abc import Callable, Iterable, Mapping

from simaudit.evaluation.numbers import Ledger, Number, number_id

TAIL, NONE = "†", "–"
"""The mark beside a rate whose tail is too small to be read, and what stands in place of a number that is missing."""

_MENTION = re.compile(r"\[\[([#%^]?)([^\]]+)\]\]")


def count(number: Number | None) -> str:
    """Return a number in print without its limits, a whole one in full; a dash where there is none."""
    if number is None:
        return NONE
    return str(number.value) if isinstance(number.value, int) else f"{number.value:.4g}"


def estimate(number: Number | None) -> str:
    """Return a number in print with its limits and the mark of a small tail; a dash where there is none.

    A number that a paper reports without limits is printed as it was published; one of too small a tail to have limits
    has the mark alone.
    """
    if number is None:
        return NONE
    mark = TAIL if number.tail_too_small else ""
    if number.low is None or number.high is None:
        return count(number) + mark
    shown = (f"{part:.3f}".replace("-0.000", "0.000") for part in (number.value, number.low, number.high))
    value, low, high = shown
    return f"{value} [{low}, {high}]{mark}"


def share(number: Number | None) -> str:
    """Return a probability in print as so many of a hundred, with its limits and the mark of a small tail."""
    if number is None:
        return NONE
    places = 0 if 0.1 <= number.value <= 0.99 else 1
    value, *limits = (
        f"{100 * part:.{places}f}" for part in (number.value, number.low, number.high) if part is not None
    )
    between = f" ({' to '.join(limits)})" if limits else ""
    return f"{value} %{between}{TAIL if number.tail_too_small else ''}"


def upper(number: Number | None) -> str:
    """Return the upper limit of a number in print; a dash where there is none."""
    return NONE if number is None or number.high is None else f"{number.high:.3f}"


FORMS: Mapping[str, Callable[[Number | None], str]] = {
    "": estimate,
    "#": count,
    "%": share,
    "^": upper,
}
"""How a number is printed that a text mentions, by the sign before its id."""


def mention(
    metric: str,
    audit: str | None = None,
    attack: str | None = None,
    of: str | None = None,
    *,
    limits: bool = True,
) -> str:
    """Return what a text says in place of a number with these columns, for `fill` to replace."""
    return f"[[{'' if limits else '#'}{number_id(metric, audit, attack, of)}]]"


def near_duplicates_of(split: str) -> str:
    """Return how many held-out samples of a split are near duplicates of members, and of how many."""
    found, heldout = (
        mention(metric, split, of="near_duplicates", limits=False) for metric in ("found", "heldout")
    )
    return f"{found} of {heldout} held-out samples of the split {split}"


def distances_in(ledger: Ledger, targets: Iterable[str]) -> str:
    """Return a sentence on what the Fréchet distances of these targets are measured in; empty where there are none."""
    numbers = (ledger.get("to_members", target, of="frechet") for target in targets)
    units = dict.fromkeys(number.unit for number in numbers if number)
    return f"Fréchet distances are measured {' and '.join(units)}." if units else ""


def fill(text: str, ledger: Ledger, wrap: Callable[[str, str], str] = lambda name, printed: printed) -> str:
    """Return a text with the numbers that it mentions: `[[id]]` with limits, others in the form that a sign of FORMS
    before the id says, such as `[[#id]]` without limits.

    `wrap` gets the id of each number and the number in print, and returns what stands in the text.
    """

    def printed(match: re.Match[str]) -> str:
        form, name = match.groups()
        return wrap(name, FORMS[form](ledger.numbers.get(name)))

    return _MENTION.sub(printed, text)
