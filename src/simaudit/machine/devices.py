"""The device that a model runs on."""

from __future__ import annotations

from functools import cache

import torch

from simaudit.machine.progress import log
from simaudit.vocabulary.errors import SimauditError


def resolve_device(name: str, shard: int = 1) -> torch.device:
    """Return the device of that name; `auto` takes CUDA, then MPS, then the CPU, and the log says which.

    Of several GPUs each `shard` of a work, numbered from 1, takes the next, unless the name says which.
    Raises SimauditError for a device that this machine lacks.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, present in available.items() if present)
        _say(name)
    if not available[name.split(":")[0]]:
        raise SimauditError(f"device: {name} is not available here; choose auto or cpu")
    count = torch.cuda.device_count()
    return torch.device(f"cuda:{(shard - 1) % count}" if name == "cuda" and count > 1 else name)


@cache
def _say(chosen: str) -> None:
    """Say, once in a process, what `auto` has chosen, and warn where a GPU was meant to be there."""
    log.debug("device: auto takes %s", torch.cuda.get_device_name() if chosen == "cuda" else chosen)
    if chosen != "cuda" and torch.version.cuda:
        log.warning(
            "device: PyTorch is built for CUDA %s and finds no GPU here, so auto takes %s; look at nvidia-smi, or "
            "set device: %s",
            *(torch.version.cuda, chosen, chosen),
        )
