"""A target as the jobs of one process take it: compared with its hashes each time, and loaded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch

from simaudit.machine.precision import memory_format
from simaudit.targets.family import family_type
from simaudit.targets.files import read_summary, state_folder, target_hash
from simaudit.targets.target import Target

_kept: dict[tuple[Path, str, torch.device, torch.memory_format], Target] = {}
"""The target that was loaded last, by what it was loaded from, and how."""


class Loaded(NamedTuple):
    """A target that can be asked, and what its training.json says of it."""

    target: Target
    summary: dict[str, Any]


def loaded(kind: str, folder: Path, device: torch.device, epoch: int | None = None) -> Loaded:
    """Return the target of a folder on a device, or its state after so many epochs, ready to be asked.

    Raises SimauditError when its files are not those that it was made with.
    """
    summary = read_summary(folder)
    state = state_folder(folder, epoch)
    key = state.resolve(), target_hash(summary), device, memory_format(device)
    if key not in _kept:
        _kept.clear()  # two of them might not fit into the memory
        _kept[key] = family_type(kind).load(state, device)
    return Loaded(_kept[key], summary)
