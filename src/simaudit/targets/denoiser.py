"""A network that is asked for the noise, whatever it was trained to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from simaudit.diffusion.prediction import Prediction, noise_of
from simaudit.diffusion.schedule import NoiseSchedule, Timestep
from simaudit.machine.precision import autocast
from simaudit.targets.classes import conditions_offered, known_classes
from simaudit.targets.offers import DERIVATIVES


@dataclass(frozen=True)
class Denoiser:
    """A network in diffusers' form, its schedule, and what it predicts.

    `classes` and `empty_class` are as in `simaudit.targets.classes`. It is asked for `labels` (B,), or where there are
    none for `empty_class`. `replaced` are parameters that take the place of the network's own.
    """

    network: Any
    schedule: NoiseSchedule
    prediction: Prediction = "epsilon"
    classes: int = 0
    empty_class: int | None = None
    labels: torch.Tensor | None = None
    replaced: Mapping[str, torch.Tensor] | None = None

    def __call__(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        """Return ε̂(z, t), shaped as z (B, C, H, W).

        The network alone computes in the precision that is in force; what it predicts becomes ε̂ in that of z.
        """
        condition = {"class_labels": self._labels(len(z))} if self.classes else {}
        time = torch.as_tensor(self.schedule.time(timestep), device=z.device).expand(len(z))
        asked = {**condition, "return_dict": False}
        with autocast(z.device):
            if self.replaced is None:
                output = self.network(z, time, **asked)[0]
            else:
                output = torch.func.functional_call(self.network, dict(self.replaced), (z, time), asked)[0]
        return noise_of(self.prediction, output.to(z.dtype), z, self.schedule, timestep)

    @property
    def known_classes(self) -> tuple[int, ...]:
        """The classes that it can be asked for: see `Target`."""
        return known_classes(self.classes, self.empty_class)

    @property
    def offers(self) -> frozenset[str]:
        """The conditions that it can be asked under, and its derivatives: see `Target`."""
        return conditions_offered(self.classes, self.empty_class) | DERIVATIVES

    @property
    def parameters(self) -> Mapping[str, torch.Tensor]:
        """The parameters that its answers depend on: see `Target`."""
        return dict(self.network.named_parameters()) if self.replaced is None else self.replaced

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> Denoiser:
        """Return the same network with other parameters; this one's are not touched."""
        return replace(self, replaced=parameters)

    def conditioned(self, labels: torch.Tensor | None) -> Denoiser:
        """Return the same network asked for these classes, (B,) int64, or for the empty one."""
        return replace(self, labels=labels)

    def _labels(self, count: int) -> torch.Tensor:
        device = self.schedule.signals.device
        if self.labels is not None:
            if len(self.labels) != count:
                raise ValueError(f"{len(self.labels)} classes were given for {count} samples")
            return self.labels.to(device)
        if self.empty_class is None:
            raise ValueError("a model of classes without an empty one must be asked for classes")
        return torch.full((count,), self.empty_class, device=device)
