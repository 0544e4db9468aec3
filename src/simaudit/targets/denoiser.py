"""A network that is asked for the noise, whatever it was trained to predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from simaudit.diffusion.prediction import Prediction, noise_of
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.targets.classes import conditions_offered, known_classes


@dataclass(frozen=True)
class Denoiser:
    """A network in diffusers' form, its schedule, and what it predicts.

    `classes` and `empty_class` are as in `simaudit.targets.classes`. It is asked for `labels` (B,), or where there are
    none for `empty_class`.
    """

    network: Any
    schedule: NoiseSchedule
    prediction: Prediction = "epsilon"
    classes: int = 0
    empty_class: int | None = None
    labels: torch.Tensor | None = None

    def __call__(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        """Return ε̂(z, t), shaped as z (B, C, H, W)."""
        condition = {"class_labels": self._labels(len(z))} if self.classes else {}
        time = torch.as_tensor(self.schedule.time(timestep), device=z.device).expand(len(z))
        output = self.network(z, time, **condition, return_dict=False)[0]
        return noise_of(self.prediction, output, z, self.schedule, timestep)

    @property
    def known_classes(self) -> tuple[int, ...]:
        """The classes that it can be asked for: see `Target`."""
        return known_classes(self.classes, self.empty_class)

    @property
    def offers(self) -> frozenset[str]:
        """The conditions that it can be asked under: see `Target`."""
        return conditions_offered(self.classes, self.empty_class)

    def conditioned(self, labels: torch.Tensor | None) -> Denoiser:
        """Return the same network asked for these classes, (B,) int64, or for the empty one."""
        return replace(self, labels=labels)

    def _labels(self, count: int) -> torch.Tensor:
        device = self.schedule.signals.device
        if self.labels is not None:
            return self.labels.to(device)
        if self.empty_class is None:
            raise ValueError("a model of classes without an empty one must be asked for classes")
        return torch.full((count,), self.empty_class, device=device)
