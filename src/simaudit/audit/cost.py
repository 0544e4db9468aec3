"""What an audit costs: the parameters of a network, the queries of its attacks, and the time of a query."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open

from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.schedule import Timestep
from simaudit.scoring.questions import AskedTarget, Asking
from simaudit.scoring.run import score_together
from simaudit.targets.checkpoint.component import Component
from simaudit.targets.target import Target

SAFE = ".safetensors"


def count_parameters(network: Component) -> int:
    """Return how many numbers the weights of a network are, by the heads of its files."""
    count = 0
    for file in network.tensors:
        if file.suffix == SAFE:
            with safe_open(file, "pt") as weights:
                count += sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
        else:
            count += sum(tensor.numel() for tensor in torch.load(file, "meta", weights_only=True).values())
    return count


BACKWARD = 2
"""How many queries a backward pass takes the time of: derivatives by the input and by the parameters of each layer."""


class Passes(NamedTuple):
    """How often a denoiser is asked for one sample, and how often an answer is differentiated."""

    queries: int = 0
    backward: int = 0

    @property
    def time(self) -> int:
        """How many queries take as long."""
        return self.queries + BACKWARD * self.backward


class Counted:
    """A target that counts how often its denoiser is asked and differentiated, and answers cos z without asking it.

    So the walks of different attacks meet only where they would meet under any model. The answer can be differentiated
    by its input and by `parameters`, of which it has one.
    """

    def __init__(self, target: Target) -> None:
        self._target, self.schedule, self.offers = target, target.schedule, target.offers
        self.known_classes = target.known_classes
        self.parameters: Mapping[str, torch.Tensor] = {"bias": torch.zeros(())}
        self.queries = self.backward = 0

    def conditioned(self, labels: torch.Tensor | None) -> Counted:
        return self

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> Counted:
        self.parameters = parameters
        return self

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self._target.encode(images)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self._target.decode(z)

    def predict_noise(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        self.queries += 1
        answer = torch.cos(z + self.parameters["bias"].to(z))
        if answer.requires_grad:
            answer.register_hook(self._count_backward)  # type: ignore[no-untyped-call]
        return answer

    def _count_backward(self, _: torch.Tensor) -> None:
        self.backward += 1


def count_passes(asking: Mapping[str, Asking], target: Target, image: torch.Tensor) -> Passes:
    """Return how often these attacks really ask and differentiate for one sample; `image` is (1, C, H, W).

    What several of them ask is asked once, as when they are scored in one process.
    """
    counted = Counted(target)
    score_together(asking, AskedTarget(counted, rows=1), image, SampleNoise(0, np.zeros(1, dtype=np.int64)))
    return Passes(counted.queries, counted.backward)


@torch.inference_mode()
def time_query(target: Target, batch: torch.Tensor, timestep: int) -> float:
    """Return how many seconds a query takes for one of a batch of images (B, C, H, W)."""
    if target.known_classes:
        target = target.conditioned(torch.full((len(batch),), target.known_classes[0]))
    z = target.encode(batch)
    target.predict_noise(z, timestep).cpu()  # the first query of a process takes longer
    start = time.perf_counter()
    target.predict_noise(z, timestep).cpu()
    return (time.perf_counter() - start) / len(batch)
