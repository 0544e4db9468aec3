"""Loading a model by its layout, as a target."""

from __future__ import annotations

import torch

from simaudit.machine.precision import placed
from simaudit.targets.checkpoint.component import AGAIN
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.directory import read_network, read_schedule
from simaudit.targets.latent import LatentTarget
from simaudit.targets.pixel import PixelTarget
from simaudit.targets.target import Target


def load(layout: Layout, device: torch.device) -> Target:
    """Return the model of a layout as a target on `device`.

    Raises SimauditError naming the part that cannot be loaded.
    """
    network = read_network(layout.network, AGAIN)
    schedule = read_schedule(layout.scheduler, device, AGAIN)
    classes = layout.classes, layout.empty_class
    denoiser = Denoiser(placed(network, device), schedule, layout.prediction, *classes)
    if layout.autoencoder is None:
        return PixelTarget(denoiser)
    return LatentTarget(read_network(layout.autoencoder, AGAIN).to(device), denoiser)
