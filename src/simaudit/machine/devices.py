"""The device that a model runs on."""

from __future__ import annotations

import torch

from simaudit.vocabulary.errors import SimauditError


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; `auto` takes CUDA, then MPS, then the CPU.

    Raises SimauditError for a device that this machine lacks.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, present in available.items() if present)
    if not available[name.split(":")[0]]:
        raise SimauditError(f"device: {name} is not available here; choose auto or cpu")
    return torch.device(name)
