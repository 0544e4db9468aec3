"""Labels as people write them, turned into numbers."""

import re
from collections.abc import Iterable
from typing import Any

from simaudit.vocabulary.errors import SimauditError, printable

LARGEST_LABEL = 2**31 - 1
WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
"""A number from a column of text; pandas writes whole numbers with .0 where some are missing."""


def label_numbers(values: Iterable[Any]) -> dict[Any, int | None]:
    """Return the number of each label: its own where all are whole numbers, else its place among the sorted texts.

    An empty text and a missing value (None or NaN) are no label. Raises SimauditError for what is
    neither, and for a number below 0.
    """
    try:
        different = set(values)
    except TypeError:
        raise SimauditError("a label is a list or a mapping; write a text or a whole number") from None
    known = {value for value in different if not _is_missing(value)}
    if all(WHOLE.fullmatch(str(value).strip()) for value in known):
        numbers = {value: int(float(value)) for value in known}
    else:
        numbers = {value: place for place, value in enumerate(sorted(known, key=str))}
    for value, number in numbers.items():
        if not 0 <= number <= LARGEST_LABEL:
            raise SimauditError(
                f"the label {printable(str(value))} is no whole number from 0 to {LARGEST_LABEL}; correct it"
            )
    return {value: numbers.get(value) for value in different}


def _is_missing(value: Any) -> bool:
    return value is None or value != value or str(value).strip() == ""
