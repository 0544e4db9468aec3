"""Time and memory of a job. These are the only numbers that differ between identical runs."""

import time

import torch

from simaudit.machine.memory import peak_memory

MEGABYTE = 1e6


class Meter:
    """Measures from the moment when it is created, so importing libraries and loading models are left out."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self._start = time.perf_counter()

    def read(self) -> dict[str, float]:
        """Return `seconds` since the start, and `peak_memory` of the process and (CUDA) `peak_device_memory`, in MB."""
        spent = {"seconds": time.perf_counter() - self._start}
        spent["peak_memory"] = peak_memory() / MEGABYTE
        if self._device.type == "cuda":
            spent["peak_device_memory"] = torch.cuda.max_memory_allocated(self._device) / MEGABYTE
        return spent
