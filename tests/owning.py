"""What the owner of a model has: a small model as diffusers saves it, pictures, and a list of members."""

import diffusers
import numpy as np
import torch
from PIL import Image

SIDE = 8  # pixels
EACH = 42  # members, and held-out pictures: 21 of each in each fold


def save_model(folder, channels=3, side=SIDE, timesteps=50, classes=None):
    """An untrained DDPM in the folder."""
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        layers_per_block=1,
        norm_num_groups=4,
        num_class_embeds=classes,
    )
    noise = diffusers.DDPMScheduler(num_train_timesteps=timesteps)
    diffusers.DDPMPipeline(network, noise).save_pretrained(folder)
    return folder


def save_pictures(folder, count=2 * EACH + 2, side=SIDE, mode="RGB"):
    """Different pictures 000.png, 001.png, … in the folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{number:03}.png")
    return folder


def rows(members=EACH, heldout=EACH):
    """The lines of a list of so many members and held-out pictures, half of each in either fold."""
    roles = ["member"] * members + ["heldout"] * heldout
    folds = [("calibration", "evaluation")[number % 2] for number in range(len(roles))]
    return [f"{number:03}.png,{role},{folds[number]}" for number, role in enumerate(roles)]


def save_list(file, lines=None):
    """A list of members."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["file,role,fold", *(rows() if lines is None else lines), ""]))
    return file


def state(folder):
    """Every file below a folder with its content and its time of change."""
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }
