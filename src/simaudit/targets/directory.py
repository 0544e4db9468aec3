"""Networks and noise schedules as diffusers saves them, read from a folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError


def read_network(kind: Any, folder: Path, remedy: str = "") -> Any:
    """Return the network of a diffusers class from its folder, on the CPU, to be used as it is and not trained.

    Weights are read from safetensors alone. Raises SimauditError where the folder holds no such network; `remedy` is
    what to do then, if not to delete it and train again.
    """
    diffusers.utils.logging.disable_progress_bar()  # one of its own for each file of weights
    with reading(folder, f"a folder that diffusers' {kind.__name__} loads", remedy):
        network = kind.from_pretrained(
            folder, use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
        )
    return network.eval().requires_grad_(False)


def read_denoiser(folder: Path) -> diffusers.UNet2DModel:
    """Return a denoiser from its folder, as `read_network` does.

    Raises SimauditError when it predicts more than the noise: its answer would be taken for that.
    """
    unet = read_network(diffusers.UNet2DModel, folder)
    if unet.config.out_channels != unet.config.in_channels:
        raise SimauditError(
            f"{folder}: has {unet.config.in_channels} channels and predicts {unet.config.out_channels}, as with a "
            "learned variance; only a network that predicts the noise alone can be used"
        )
    return unet


def read_schedule(directory: Path, device: torch.device) -> NoiseSchedule:
    """Return the noise schedule of a target's directory, on `device`.

    Raises SimauditError when the target was trained to predict something else than the noise ε.
    """
    folder = directory / "scheduler"
    with reading(folder, "a folder that diffusers' DDPMScheduler loads"):
        scheduler = diffusers.DDPMScheduler.from_pretrained(folder, local_files_only=True)
    if scheduler.config.prediction_type != "epsilon":
        raise SimauditError(
            f"{folder}: prediction_type is {scheduler.config.prediction_type}; only a network that predicts the noise "
            "(epsilon) can be used"
        )
    return NoiseSchedule.of(scheduler).to(device)
