"""Storing a source's images in the one form that every later phase reads."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np

from simaudit.data.source import Item, Unusable
from simaudit.data.store import StoreWriter
from simaudit.machine.progress import Progress
from simaudit.storage.atomic import atomic_path
from simaudit.vocabulary.errors import SimauditError, some

NAMED = 40  # files that a message names for one reason, and reasons; a longer list is read by nobody
EXAMPLES = 3  # files that it names where there are more of them


def write_store(entries: Iterable[Item | Unusable], images: Path, items: Path) -> None:
    """Write the images of a source and the table of its items, both whole or absent.

    Raises SimauditError, naming all at once, when images cannot be used: unreadable ones, those whose shape or type is
    not that of the first, and those whose label stands for another class before.
    """
    unusable = defaultdict[str, list[str]](list)  # names of images by why they cannot be used
    with ExitStack() as stack:
        temporary, table = (stack.enter_context(atomic_path(path)) for path in (images, items))
        stream = stack.enter_context(temporary.open("wb"))
        store = stack.enter_context(StoreWriter(stream, table))
        progress = stack.enter_context(Progress("", None, unit="image"))
        first: tuple[tuple[int, ...], np.dtype] | None = None
        for number, entry in enumerate(entries):
            name = entry.file or f"image {number}"
            if isinstance(entry, Unusable):
                unusable[entry.why].append(name)
            elif why := (
                _why_not(entry.pixels)
                or _differs(entry.pixels, first := first or _kind(entry.pixels))
                or _misnamed(entry, store.class_names)
            ):
                unusable[why].append(name)
            elif not unusable:  # otherwise nothing will be kept
                store.add(entry)
            progress.advance()
        if unusable:
            raise SimauditError(why_unusable(unusable))
        if not len(store):
            raise SimauditError("has no images; name a source that has some")


def _why_not(pixels: np.ndarray) -> str | None:
    """Return why pixels are not those of an image, as a clause: what a source itself may have got wrong."""
    if pixels.ndim != 3 or pixels.dtype not in (np.uint8, np.float32):
        return f"is {pixels.dtype} {pixels.shape}, and must be uint8 or float32 (C, H, W)"
    if pixels.dtype == np.float32 and not np.abs(pixels).max() <= 1:  # also true for NaN
        return "has values that are not numbers from -1 to 1"
    return None


def _kind(pixels: np.ndarray) -> tuple[tuple[int, ...], np.dtype]:
    return pixels.shape, pixels.dtype


def _differs(pixels: np.ndarray, first: tuple[tuple[int, ...], np.dtype]) -> str | None:
    """Return why pixels cannot stand beside the first usable ones, as a clause; None where they can."""
    if _kind(pixels) == first:
        return None
    differ = f"has {_words(*_kind(pixels))}, and the first image {_words(*first)}"
    return f"{differ}; make them alike (pictures by size and colour)"


def _misnamed(item: Item, class_names: Mapping[int, str]) -> str | None:
    """Return why a label does not stand for the class of an item, as a clause, by the names of classes so far."""
    if item.label is None or item.class_name is None:
        return None
    other = class_names.get(item.label, item.class_name)
    if other == item.class_name:
        return None
    return f"has the label {item.label} for {item.class_name}, which is {other} before; number classes in a table"


def _words(shape: tuple[int, ...], dtype: np.dtype) -> str:
    channels, height, width = shape
    return f"{channels} channel{'s' if channels > 1 else ''} of {height}×{width} pixels in {dtype}"


def why_unusable(unusable: Mapping[str, list[str]]) -> str:
    """Return the sentence on images that cannot be used: their names by why."""
    number = sum(map(len, unusable.values()))
    count = "1 image" if number == 1 else f"{number} images"
    clauses = [
        f"{some(names, NAMED if len(names) <= NAMED else EXAMPLES)}{': each' if len(names) > 1 else ''} {why}"
        for why, names in islice(unusable.items(), NAMED)
    ]
    more = f"; and more for {len(unusable) - NAMED} other reasons" if len(unusable) > NAMED else ""
    return f"{count} cannot be used: {'; '.join(clauses)}{more}"
