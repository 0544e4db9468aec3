"""A small complete case to try an audit on: images, a list of members, and a model that was trained on them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from simaudit.data.source import Item
from simaudit.data.sources.digits import Digits
from simaudit.data.split import Split, make_split
from simaudit.data.store import Images, pixels_hash
from simaudit.machine.progress import log
from simaudit.storage.atomic import atomic_path, remove
from simaudit.storage.pictures import levels
from simaudit.targets.families.ddpm import DDPM
from simaudit.vocabulary.errors import SimauditError

MEMBERS, EPOCHS = 100, 350
"""Of all 1797 digits so few are members that a small network remembers them within a minute, and that more than 1000
held-out images are measured: a TPR at 1 % FPR then rests on 10 false positives."""
SEED = 0
MODEL = {
    "kind": "ddpm",
    "split": "digits",
    "unet": {
        "block_out_channels": [16, 32],
        "down_block_types": ["DownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "UpBlock2D"],
        "layers_per_block": 1,
        "norm_num_groups": 8,
    },
}
TRAINING = {
    "seed": SEED,
    "batch_size": 50,
    "learning_rate": 0.004,
    "warmup_steps": 50,
    "ema_decay": 0.99,
    "device": "cpu",  # the same model on every machine, as far as rounding allows
    "threads": 1,
}
README = """\
A small complete case for simaudit: {images} handwritten digits of scikit-learn in images/, and in model/ a diffusion
model that was trained on {members} of them, the members. members.csv says of each image whether it is one.

Look at it first, then audit it. In this folder:

    simaudit audit --model model --images images --members members.csv --dry-run
    simaudit audit --model model --images images --members members.csv

What the printed lines mean: docs/your-model.md in the repository of simaudit.
"""


def write_example(folder: Path, epochs: int | None = None) -> None:
    """Write a case into a folder that is new or empty: images/, members.csv, model/ and README.txt.

    The model is trained for so many `epochs`, EPOCHS if not said. The same number gives the same case on the same
    machine. The folder appears when all of it is there. Raises SimauditError where it is a file, holds something, or
    must not be written.
    """
    place = folder.resolve()
    _require_new(folder, place)
    items = [item for item in Digits(source="digits").items() if isinstance(item, Item)]
    pixels = levels(np.stack([item.pixels for item in items]))
    frame = make_split([pixels_hash(image) for image in pixels], MEMBERS, calibration=0.3, seed=SEED)
    columns: dict[str, Any] = {str(name): column.to_numpy() for name, column in frame.items()}
    split = Split(place, **columns)
    names = [f"{number:04}-digit-{item.label}.png" for number, item in enumerate(items)]
    with atomic_path(place) as temporary:
        (temporary / "images").mkdir(parents=True)
        for name, image in zip(names, pixels, strict=True):
            Image.fromarray(image[0]).save(temporary / "images" / name)
        with (temporary / "members.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(("file", "role", "label"))
            rows.writerows(zip(names, split.role, (item.label for item in items), strict=True))
        _train(Images(pixels), split, EPOCHS if epochs is None else epochs, temporary)
        readme = README.format(images=len(items), members=MEMBERS)
        (temporary / "README.txt").write_text(readme, encoding="utf-8")
        _require_new(folder, place)  # the training took its time


def _train(images: Images, split: Split, epochs: int, folder: Path) -> None:
    """Train a model on the members of a split and save it to model/ in the folder."""
    log.info("training a model on %d digits (about a minute on one core)", MEMBERS)
    torch.set_num_threads(1)
    checkpoints = folder / "checkpoints"
    family = DDPM.model_validate({**MODEL, "training": {**TRAINING, "epochs": epochs}})
    family.train(images, split, checkpoints, "example", folder / "model")
    remove(checkpoints)


def _require_new(folder: Path, place: Path) -> None:
    """Require that there is nothing at a place, or an empty folder; `folder` is how the user names it."""
    if file := next((path for path in (place, *place.parents) if path.is_file()), None):
        raise SimauditError(f"{folder}: {file} is a file; name a new folder")
    if place.is_dir() and any(place.iterdir()):
        raise SimauditError(f"{folder}: is not empty; name a new folder")
    if place == Path.cwd():
        raise SimauditError(f"{folder}: is the folder that you are in; name a new one in it")
