"""Loading a model by its layout, as a target."""

from __future__ import annotations

from typing import Any

import diffusers
import torch

from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.storage.reading import reading
from simaudit.targets.checkpoint.layout import Component, Layout
from simaudit.targets.checkpoint.transformer import is_dit
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.directory import read_network
from simaudit.targets.latent import LatentTarget
from simaudit.targets.pixel import PixelTarget
from simaudit.targets.target import Target

REMEDY = "get the model's files again"


def load(layout: Layout, device: torch.device) -> Target:
    """Return the model of a layout as a target on `device`.

    Raises SimauditError naming the part that cannot be loaded.
    """
    kind = diffusers.DiTTransformer2DModel if is_dit(layout.network) else diffusers.UNet2DModel
    network = read_network(kind, layout.network.folder, REMEDY)
    schedule = NoiseSchedule.of(read_scheduler(layout.scheduler)).to(device)
    classes = layout.classes, layout.empty_class
    denoiser = Denoiser(network.to(device), schedule, layout.prediction, *classes)
    if layout.autoencoder is None:
        return PixelTarget(denoiser)
    kind = getattr(diffusers, layout.autoencoder.class_name)
    return LatentTarget(read_network(kind, layout.autoencoder.folder, REMEDY).to(device), denoiser)


def read_scheduler(part: Component) -> Any:
    """Return a scheduler of diffusers, from its config. Raises SimauditError where there is none of that class."""
    with reading(part.file, f"the config of a {part.class_name}", REMEDY):
        return getattr(diffusers, part.class_name).from_config(dict(part.config))
