"""A target as the jobs of one process take it: loaded once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from simaudit.machine.precision import memory_format
from simaudit.targets.family import family_type
from simaudit.targets.files import state_folder, target_hash
from simaudit.targets.target import Target

_kept: dict[tuple[Path, str, torch.device, torch.memory_format], Target] = {}
"""The target that was loaded last, by what it was loaded from, and how."""


def loaded(
    folder: Path, summary: Mapping[str, Any], device: torch.device, epoch: int | None = None
) -> Target:
    """Return the target of a folder on a device, or its state after so many epochs, ready to be asked.

    `summary` is what `read_summary` says of the folder, after comparing its files with their hashes.
    """
    state = state_folder(folder, epoch)
    key = state.resolve(), target_hash(summary), device, memory_format(device)
    if key not in _kept:
        _kept.clear()  # two of them might not fit into the memory
        _kept[key] = family_type(summary["kind"]).load(state, device)
    return _kept[key]
