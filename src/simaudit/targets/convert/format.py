"""What a format of checkpoints is, and what a checkpoint becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import diffusers
import torch

from simaudit.targets.convert.architecture import Architecture
from simaudit.targets.convert.flags import Flags
from simaudit.targets.convert.mapping import Entry
from simaudit.targets.convert.weights import Weights


@dataclass(frozen=True)
class Conversion:
    """What a checkpoint becomes: a network, where each of its tensors goes, and the schedule that it was trained with.

    `given` are tensors of the network that the code base computes and does not save.
    """

    architecture: Architecture
    entries: tuple[Entry, ...]
    scheduler: diffusers.DDPMScheduler
    given: Mapping[str, torch.Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """A format of checkpoints. `preferred` is the name of the weights that are taken if none is asked for."""

    name: str
    preferred: str | None
    read: Callable[[Weights, Flags], Conversion]
    """Raises SimauditError, naming the tensor or the flag, where they are not those of the format."""
