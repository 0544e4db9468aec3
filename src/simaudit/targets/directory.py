"""Networks and noise schedules as diffusers saves them, read from a folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from simaudit.diffusion.schedule import NoiseSchedule


def read_network(kind: Any, folder: Path) -> Any:
    """Return the network of a diffusers class from its folder, on the CPU, to be used as it is and not trained.

    Weights are read from safetensors alone. Raises OSError or ValueError where the folder holds no such network.
    """
    network = kind.from_pretrained(
        folder, use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
    )
    return network.eval().requires_grad_(False)


def read_schedule(directory: Path, device: torch.device) -> NoiseSchedule:
    """Return the noise schedule of a target's directory, on `device`."""
    scheduler = diffusers.DDPMScheduler.from_pretrained(directory / "scheduler", local_files_only=True)
    return NoiseSchedule.of(scheduler).to(device)
