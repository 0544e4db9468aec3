"""What an attack may see of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import torch

from simaudit.diffusion.schedule import NoiseSchedule, Timestep


class Target(Protocol):
    """A diffusion model under audit. Tensors are float32 on the target's device."""

    schedule: NoiseSchedule

    @property
    def offers(self) -> frozenset[str]:
        """What may be asked of it besides its denoiser.

        `decoder` where it diffuses in a latent space; `labels` where it is a model of classes, and `empty` where it
        has a class that stands for none of them; `gradients` where `predict_noise` is differentiable in z, once at
        least, outside inference mode; `parameters` where the denoiser is a network with parameters.
        """

    @property
    def known_classes(self) -> tuple[int, ...]:
        """The classes that it can be asked for, ascending; none where it is no model of classes."""

    def conditioned(self, labels: torch.Tensor | None) -> Self:
        """Return the same model asked for these classes, (B,) int64, one for each sample of the batches it is given;
        or, without any, for the empty class. A model of no classes answers all alike.
        """

    @property
    def parameters(self) -> Mapping[str, torch.Tensor]:
        """The trained parameters of its denoiser by name, not to be changed; none where it does not offer them."""

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> Self:
        """Return the same model with other `parameters` in its denoiser, of the same names and shapes.

        Its answers are differentiable in those. This model itself stays as it is.
        """

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Return z, the space in which the model diffuses, from images (B, C, H, W) in [-1, 1]."""

    def predict_noise(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        """Return ε̂(z, t), shaped as z, each sample by itself, at its own t of (B,) or all at one. A query each."""

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return images (B, C, H, W), about in [-1, 1], from z; differentiable.

        Undoes `encode` as well as the target can.
        """
