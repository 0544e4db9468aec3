"""The classes of a model: those that it can be asked for, and the one that stands for none of them, if there is one.

A network has an embedding for each number below `count`. `empty` is the class that stands for none; it is one of these
numbers, or comes right after them.
"""


def known_classes(count: int, empty: int | None) -> tuple[int, ...]:
    """Return the classes that a model can be asked for, ascending; none where it is no model of classes."""
    return tuple(number for number in range(count) if number != empty)


def conditions_offered(count: int, empty: int | None) -> frozenset[str]:
    """Return the conditions under which a model is asked: `labels` where it knows classes, `empty` where it has one.

    Both are none where it is no model of classes.
    """
    offered = {"labels": bool(known_classes(count, empty)), "empty": bool(count) and empty is not None}
    return frozenset(name for name, is_offered in offered.items() if is_offered)
