"""Time and memory of a job. These are the only numbers that differ between identical runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simaudit.machine.memory import peak_memory

if TYPE_CHECKING:
    import torch

MEGABYTE = 1e6


class Meter:
    """Measures from the moment when it is created, so importing libraries and loading models are left out.

    `device` is where a model runs, None where there is none.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = device if device is not None and device.type == "cuda" else None
        if self._device is not None:
            import torch

            torch.cuda.reset_peak_memory_stats(device)
        self._start = time.perf_counter()

    def read(self) -> dict[str, float]:
        """Return `seconds` since the start, and `peak_memory` of the process and (CUDA) `peak_device_memory`, in MB."""
        spent = {"seconds": time.perf_counter() - self._start}
        spent["peak_memory"] = peak_memory() / MEGABYTE
        if self._device is not None:
            import torch

            spent["peak_device_memory"] = torch.cuda.max_memory_allocated(self._device) / MEGABYTE
        return spent
