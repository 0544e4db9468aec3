"""How many samples a model is asked about at a time, where the parameters leave that to the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from simaudit.data.store import Images
from simaudit.targets.target import Target

MOST = {"cuda": 1024}
"""By kind of device, the size beyond which none is faster; 256 on a CPU."""
ON_A_CPU = 2_000_000_000
"""Bytes that the numbers of one batch may take there."""


class _Computed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all that is computed while it is on, though most of it is soon given back."""

    bytes = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.bytes += tensor.nbytes
        return made


def fitting(asked: int | Literal["auto"], target: Target, images: Images, device: torch.device) -> int:
    """Return how many samples to ask a target about at a time: so many as are asked for, or the most that pay and fit.

    What one query computes for the first of `images` (N, C, H, W) tells the memory that each sample takes. It is a
    power of two, and the same each time on one machine, since scores depend on it by their rounding.
    """
    if asked != "auto":
        return asked
    with torch.inference_mode(), _Computed() as computed:  # type: ignore[no-untyped-call]
        z = target.encode(torch.from_numpy(images[:1]).to(device))
        target.predict_noise(z, 0)
    room = torch.cuda.get_device_properties(device).total_memory // 2 if device.type == "cuda" else ON_A_CPU
    fit: int = max(room // max(computed.bytes, 1), 1)
    return int(min(2 ** (fit.bit_length() - 1), MOST.get(device.type, 256)))
