"""Small pixel models of diffusers in folders, as their owners may have them."""

import hashlib
from pathlib import Path

import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel

CPU = torch.device("cpu")
STEPS = 50
SIZES = {
    "sample_size": 8,
    "in_channels": 1,
    "out_channels": 1,
    "block_out_channels": (8, 16),
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
}


def unet(seed=0, **changes):
    """A U-Net with weights from a seed."""
    torch.manual_seed(seed)
    return UNet2DModel(**{**SIZES, **changes}).eval().requires_grad_(False)


def pipeline(folder, network=None, scheduler=None, kind=DDPMPipeline, **saving):
    """Save a whole pipeline; return its folder."""
    schedulers = {DDPMPipeline: DDPMScheduler, DDIMPipeline: DDIMScheduler}
    kind(network or unet(), scheduler or schedulers[kind](num_train_timesteps=STEPS)).save_pretrained(
        folder, **saving
    )
    return folder


def state(folder: Path):
    """What every file of a folder holds and when it was written, and which folders there are."""
    return {
        path: (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
        )
        for path in (folder, *folder.rglob("*"))
    }
