"""What an attack is that learns from what a model answers: first it asks for every sample, then it learns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.attacks.derived_attack import Known

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets.target import Target


class LearningAttack(TargetAttack):
    """An attack whose answers for a sample are maps, such as images, of which `learn` makes one number each.

    What it learns it learns on the calibration fold, as a `DerivedAttack` does: a sample of that fold gets a number by
    what was learned without it.
    """

    learned: ClassVar[bool] = True
    member_when: ClassVar[Literal["low", "high"]] = "high"

    @abstractmethod
    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        """Yield every (timestep, variant) for one batch of images, with maps (B, …) of one shape as values."""

    @abstractmethod
    def learn(self, maps: np.ndarray, known: Known, device: torch.device) -> np.ndarray:
        """Return the statistic (N,) of all samples of a split, from the maps (N, …) float32 of one (timestep, variant).

        `maps` may be memory-mapped. `known` says who is a member in the calibration fold; it has no statistics and no
        features. The same arguments give the same numbers on one machine.
        """
