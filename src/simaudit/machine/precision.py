"""The precision that this process computes in: whether products are exact, and what networks compute in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from simaudit.machine.progress import log
from simaudit.vocabulary.knobs import Precision

HAS_TF32 = (8, 0)
"""The compute capability from which on a GPU has TF32: that of the generation Ampere."""

_in_force: Precision = "float32"


def set_precision(wanted: Precision, device: torch.device) -> Precision:
    """Let this process compute in a precision from now on; return what it computes in on `device`.

    `float32` is exact, whatever the library does of itself, which takes TF32 for convolutions on CUDA. `tf32` is
    `float32` on a device that has no TF32, and a warning says so. Convolutions on CUDA add in one order, so that a
    training which was killed and resumed ends at the same weights there, too.
    """
    global _in_force
    if wanted == "tf32" and not _has_tf32(device):
        log.warning(
            "precision: tf32 needs a GPU of NVIDIA's Ampere or later; computing in float32 on %s", device
        )
        wanted = "float32"
    _in_force = wanted
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = wanted == "tf32"
    torch.backends.cudnn.deterministic = True
    return wanted


@contextmanager
def computing_in(wanted: Precision, device: torch.device) -> Iterator[Precision]:
    """Compute in a precision within this context, as `set_precision` does, and then as before."""
    global _in_force
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = _in_force, matmul.allow_tf32, cudnn.allow_tf32
    try:
        yield set_precision(wanted, device)
    finally:
        _in_force, matmul.allow_tf32, cudnn.allow_tf32 = before


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which a network is asked: in it, layers compute in bfloat16 where that is in force.

    It is for the forward pass of a network alone. What comes out of it may be bfloat16.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=_in_force == "bfloat16")


def placed(network: Any, device: torch.device) -> Any:
    """Return a network on `device`, its weights in the order in which it is fastest there.

    The units of a GPU that compute in less than float32 take channels last, and would otherwise reorder at each layer.
    """
    return network.to(device, memory_format=memory_format(device))


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the order in which weights are fastest on `device`, by the precision in force."""
    is_last = device.type == "cuda" and _in_force != "float32"
    return torch.channels_last if is_last else torch.contiguous_format


def _has_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= HAS_TF32
