"""What the folder of a model holds, seen by its JSON files alone: no weights are read, and nothing in it is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from simaudit.diffusion.prediction import Prediction
from simaudit.targets.classes import conditions_offered
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import KnobError, shown

Family = Literal["pixel", "latent"]


class Component(BaseModel):
    """A part of a model as diffusers saves it: the name of its class, its settings, and its weights, if it has any.

    `file` is its config; `weights` are the files that are read, their index among them; `variant` is that of their
    names, such as fp16.
    """

    model_config = ConfigDict(frozen=True)

    class_name: str
    file: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...] = ()
    variant: str | None = None

    @property
    def folder(self) -> Path:
        """The folder that it lies in."""
        return self.file.parent

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read of it."""
        return (self.file, *self.weights)

    def count(self, key: str, default: int) -> int:
        """Return a setting that is a whole number above 0; `default` is what its class takes where it is not said.

        Raises KnobError where it is something else.
        """
        value = default if self.config.get(key) is None else self.config[key]
        if type(value) is not int or value < 1:
            why = f"{key} must be a whole number above 0 (got {shown(value)}); get the file again"
            raise KnobError("path", f"{self.file}: {why}")
        return value


class Scaling(BaseModel):
    """How a latent model scales its latents: z = (latents − shift)·scale.

    `is_default` says that the autoencoder's config names no scaling_factor: the scale is then that of its class.
    """

    model_config = ConfigDict(frozen=True)

    scale: float
    shift: float
    is_default: bool


class Layout(BaseModel):
    """A model that can be audited: its parts, and what follows from their settings.

    `folder` is as the user names it; `part` is the name of the network's folder in it, such as unet_ema. `shape` is
    that of the images that it takes, `sampled` that of what it diffuses, both (C, H, W). `classes` is how many it
    knows, 0 where it knows none; `empty_class` is the number that stands for none of them, where there is one: see
    `simaudit.targets.classes`.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    pipeline: str | None
    part: str
    network: Component
    scheduler: Component
    autoencoder: Component | None = None
    scaling: Scaling | None = None
    prediction: Prediction
    timesteps: int
    shape: Shape
    sampled: Shape
    classes: int = 0
    empty_class: int | None = None

    @property
    def family(self) -> Family:
        """Where it diffuses."""
        return "latent" if self.autoencoder else "pixel"

    @property
    def offers(self) -> frozenset[str]:
        """What may be asked of it besides its denoiser: see `simaudit.targets.target.Target`."""
        decoder = {"decoder"} if self.family == "latent" else set()
        return conditions_offered(self.classes, self.empty_class) | decoder

    @property
    def places(self) -> dict[str, Path]:
        """Every file that is read of it, by a name that does not depend on where the folder lies."""
        parts = {"network": self.network, "scheduler": self.scheduler, "autoencoder": self.autoencoder}
        return {
            f"{name}/{file.name}": file
            for name, part in parts.items()
            if part is not None
            for file in part.files
        }
