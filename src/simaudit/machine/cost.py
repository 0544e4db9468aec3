"""Time and memory of a job. These are the only numbers that differ between identical runs."""

import resource
import sys
import time

import torch

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss
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
        spent["peak_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / MEGABYTE
        if self._device.type == "cuda":
            spent["peak_device_memory"] = torch.cuda.max_memory_allocated(self._device) / MEGABYTE
        return spent
