"""What the folder of a model holds, seen by its JSON files alone: no weights are read, and nothing in it is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simaudit.diffusion.prediction import Prediction
from simaudit.targets.checkpoint.component import Component
from simaudit.targets.classes import conditions_offered
from simaudit.targets.offers import DERIVATIVES
from simaudit.training.levels import Shape

Family = Literal["pixel", "latent"]


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

    `folder` is as the user names it; `part` is the name of the network's folder in it, such as unet_ema, and empty
    where the network lies in `folder` itself; `beside` are the other networks in it, which are left out. `revision` is
    the commit of the Hub that it comes from, where that is known. `shape` is that of the images that it takes,
    `sampled` that of what it diffuses, both (C, H, W); a side is 0 where any will do that can be halved `halvings`
    times. `classes` is how many it knows, 0 where it knows none; `empty_class` is the number that stands for none of
    them, where there is one: see `simaudit.targets.classes`. Where `learned_variance` is true, half of what the network
    answers is left out.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    pipeline: str | None
    part: str
    beside: tuple[str, ...] = ()
    revision: str | None = None
    network: Component
    scheduler: Component
    autoencoder: Component | None = None
    scaling: Scaling | None = None
    prediction: Prediction
    timesteps: int
    shape: Shape
    sampled: Shape
    halvings: int = 0
    learned_variance: bool = False
    classes: int = 0
    empty_class: int | None = None

    @property
    def family(self) -> Family:
        """Where it diffuses."""
        return "latent" if self.autoencoder else "pixel"

    @property
    def parts(self) -> dict[str, Component]:
        """Its parts by name."""
        parts = {"network": self.network, "scheduler": self.scheduler, "autoencoder": self.autoencoder}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def offers(self) -> frozenset[str]:
        """What may be asked of it besides its denoiser: see `simaudit.targets.target.Target`."""
        decoder = {"decoder"} if self.family == "latent" else set()
        return conditions_offered(self.classes, self.empty_class) | decoder | DERIVATIVES

    @property
    def places(self) -> dict[str, Path]:
        """Every file that is read of it, by a name that does not depend on where the folder lies."""
        return {f"{name}/{file.name}": file for name, part in self.parts.items() for file in part.files}

    @property
    def remarks(self) -> Iterator[str]:
        """Yield, one sentence each, what was chosen among what the folder holds, or taken for what it does not say."""
        if self.beside:
            yield f"The network in {self.part or 'the folder itself'} is audited, and not {', '.join(self.beside)}."
        for name, part in self.parts.items():
            if part.variant:
                yield f"The weights of the {name} are those of the variant {part.variant}."
        if self.learned_variance:
            yield "The learned variance is left out."
        if self.scaling and self.scaling.is_default:
            yield f"The autoencoder names no scaling_factor: that of its class is taken, {self.scaling.scale}."
