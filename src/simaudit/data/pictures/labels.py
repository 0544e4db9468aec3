"""Labels as people write them, turned into numbers."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from simaudit.vocabulary.errors import SimauditError, printable

LARGEST_LABEL = 2**31 - 1
WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
"""A number from a column of text; pandas writes whole numbers with .0 where some are missing."""


class Label(NamedTuple):
    """The number of a class, None where an image has no label, and the text that stood there, if it was no number."""

    number: int | None = None
    class_name: str | None = None


def numbered(values: Iterable[Any]) -> dict[Any, Label]:
    """Return what each label is: its own number where all are whole numbers, else its place among the sorted texts.

    An empty text and a missing value (None or NaN) are no label. Raises SimauditError for what is
    neither, and for a number below 0.
    """
    try:
        different = set(values)
    except TypeError:
        raise SimauditError("a label is a list or a mapping; write a text or a whole number") from None
    known = {value for value in different if not _is_missing(value)}
    if all(WHOLE.fullmatch(str(value).strip()) for value in known):
        labels = {value: Label(int(float(value))) for value in known}
    else:
        labels = {value: Label(place, str(value)) for place, value in enumerate(sorted(known, key=str))}
    for value, label in labels.items():
        if label.number is not None and not 0 <= label.number <= LARGEST_LABEL:
            raise SimauditError(
                f"the label {printable(str(value))} is no whole number from 0 to {LARGEST_LABEL}; correct it"
            )
    return {value: labels.get(value, Label()) for value in different}


def _is_missing(value: Any) -> bool:
    return value is None or value != value or str(value).strip() == ""
