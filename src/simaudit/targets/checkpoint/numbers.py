"""Whole numbers in the config of a part of a model."""

from __future__ import annotations

from typing import Any

from simaudit.targets.checkpoint.component import Component
from simaudit.vocabulary.errors import FileError, shown


def whole(part: Component, key: str, default: int, most: int) -> int:
    """Return a setting that is a whole number from 1 to `most`. Raises FileError when it is none."""
    value = part.config.get(key, default)
    if not is_whole(value) or value > most:
        raise FileError(f"{part.file}: {key} must be a whole number from 1 to {most} (got {shown(value)})")
    return int(value)


def is_whole(value: Any) -> bool:
    """Return whether a value of a config is a positive whole number."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
