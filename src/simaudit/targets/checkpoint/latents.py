"""What an autoencoder beside a network says of the latents: how large the images are, and how latents are scaled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from simaudit.targets.checkpoint.component import CONFIG, Component
from simaudit.targets.checkpoint.layout import Scaling
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import KnobError, shown

FOLDERS = ("vae", "vqvae")
DEFAULTS: dict[str, dict[str, Any]] = {
    "AutoencoderKL": {"in_channels": 3, "latent_channels": 4, "scaling_factor": 0.18215},
    "VQModel": {"in_channels": 3, "latent_channels": 3, "scaling_factor": 0.18215},
}
"""The autoencoders that can be used, and what each class of diffusers takes where its config does not say it."""
DEFAULT_HALVINGS = 0
"""Of both classes."""
UNSUPPORTED = ("latents_mean", "latents_std")
"""Settings by which every channel has a scale of its own."""


def autoencoder_file(folder: Path) -> Path | None:
    """Return the config of the autoencoder in a model's folder; None where there is none, as in a pixel model.

    Raises KnobError where there are two.
    """
    configs = [folder / name / CONFIG for name in FOLDERS if (folder / name).is_dir()]
    if len(configs) > 1:
        raise KnobError("path", f"{folder}: has {' and '.join(FOLDERS)}; leave the one that the model is for")
    return configs[0] if configs else None


def image_shape(autoencoder: Component, sampled: Shape) -> Shape:
    """Return the shape of the images whose latents are shaped as `sampled`, both (C, H, W).

    Raises KnobError where the autoencoder makes latents of other channels, or scales each channel in its own way.
    """
    config, defaults = autoencoder.config, DEFAULTS[autoencoder.class_name]
    if own := [key for key in UNSUPPORTED if config.get(key) is not None]:
        why = f"sets {' and '.join(own)}; only one scaling_factor and one shift_factor for all channels can be used"
        raise KnobError("path", f"{autoencoder.file}: {why}")
    channels = autoencoder.count("latent_channels", defaults["latent_channels"])
    if autoencoder.class_name == "VQModel":
        channels = autoencoder.count("vq_embed_dim", channels)
    if channels != sampled[0]:
        why = f"makes latents of {channels} channels, and the network takes {sampled[0]}; name a whole model"
        raise KnobError("path", f"{autoencoder.file}: {why}")
    factor = 2 ** autoencoder.halvings(DEFAULT_HALVINGS)
    return (
        autoencoder.count("in_channels", defaults["in_channels"]),
        sampled[1] * factor,
        sampled[2] * factor,
    )


def scaling_of(autoencoder: Component) -> Scaling:
    """Return how latents are scaled. Raises KnobError where a factor is no number, or the scale is not above 0."""
    config = autoencoder.config
    is_default = "scaling_factor" not in config
    scale = DEFAULTS[autoencoder.class_name]["scaling_factor"] if is_default else config["scaling_factor"]
    shift = config.get("shift_factor") or 0
    for key, value in {"scaling_factor": scale, "shift_factor": shift}.items():
        is_number = type(value) in (int, float) and math.isfinite(value)
        if not is_number or (key == "scaling_factor" and value <= 0):
            why = (
                f"{key} must be a number{' above 0' if key == 'scaling_factor' else ''} (got {shown(value)})"
            )
            raise KnobError("path", f"{autoencoder.file}: {why}; get the file again")
    return Scaling(scale=scale, shift=shift, is_default=is_default)
