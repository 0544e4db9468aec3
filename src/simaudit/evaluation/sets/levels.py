"""When a set is told from held-out samples, and what the numbers of sets are called."""

LEVEL = 0.01
"""A set is told from held-out samples where p is below it."""
BLIND_LEVEL = 0.05
"""Sets are told by their images alone where the blind p is below it; then no attack's p says anything of the model."""
FEWEST = 10
"""Fewest members, and fewest held-out samples, with which a class or a group is measured."""
QUANTILES = {"p": 0.5, "p_low": 0.05, "p_high": 0.95}
"""Of the p over repeats, by the name of the number."""


def with_members(size: int) -> str:
    """Return what the numbers of sets of so many members are `of`."""
    return f"with_{size}"
