"""Where the autoencoder of a latent target comes from: trained on the same members, or borrowed from a folder.

Both kinds answer the same calls, so that the target's family does not ask which it has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import diffusers
from pydantic import Discriminator, Field, Tag

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.storage.json import read_json
from simaudit.storage.reading import reading
from simaudit.targets.directory import network_in
from simaudit.targets.files import AUTOENCODER_CLASS, summary_of
from simaudit.training import autoencoder
from simaudit.training.discriminator import Adversarial
from simaudit.training.knobs import Fitting, Training
from simaudit.training.levels import Shape
from simaudit.training.vae import VAE, latent_shape
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.errors import FileError, SimauditError
from simaudit.vocabulary.knobs import GivenPath, Knobs
from simaudit.vocabulary.membership import UNVERIFIED


class Trained(Knobs):
    """An autoencoder trained on the same members: L1 + β · mean KL, and perhaps a discriminator against it."""

    network: VAE
    beta: Annotated[float, Field(ge=0), Most(1e6, "a larger one leaves nothing else to learn")]
    adversarial: Adversarial | None = None
    training: Fitting

    @property
    def is_learned(self) -> bool:
        """Whether any image has shaped its weights."""
        return self.training.epochs > 0

    @property
    def borrowed(self) -> Path | None:
        """The folder that it is read from, if any."""
        return None

    @property
    def arm(self) -> dict[str, Any] | None:
        """Where it stands in a sweep of autoencoders, if in any."""
        return {"beta": self.beta, "adversarial": self.adversarial is not None}

    def latents(self, shape: Shape) -> Shape:
        """Return the shape of its latents for images of this shape. Raises KnobError when it does not fit them."""
        if self.adversarial:
            self.adversarial.require_sides(shape)
        return latent_shape(self.network.latent_channels, self.network.block_out_channels, shape)

    def build(self, shape: Shape, split: Split, seed: int) -> tuple[diffusers.AutoencoderKL, Shape]:
        """Return it at its initialisation from `seed`, for images of this shape, and the shape of its latents.

        Raises KnobError when it does not fit the images.
        """
        return self.network.build(shape, seed), self.latents(shape)

    def train(
        self,
        vae: diffusers.AutoencoderKL,
        images: Images,
        split: Split,
        seed: int,
        checkpoints: Path,
        identity: str,
    ) -> dict[str, Any]:
        """Train `vae` on the split's members; returns what training.json shall say of it."""
        losses = autoencoder.train_autoencoder(
            vae,
            self.beta,
            self.adversarial,
            images,
            split.member_ids,
            Training(**self.training.model_dump(), seed=seed),
            checkpoints,
            identity,
        )
        return {
            "loss_per_epoch": losses,
            "parameters": vae.num_parameters(),
            "members": split.member_hash,
        }


class Pretrained(Knobs):
    """A diffusers AutoencoderKL from a folder, used as it is: a public one, or that of another target."""

    pretrained: GivenPath

    @property
    def members(self) -> str:
        """The hash of the members that it was trained on where it is part of a target that knows, else UNVERIFIED."""
        summary = summary_of(Path(self.pretrained).parent)
        with reading(summary, "the summary of a target"):
            autoencoder = read_json(summary).get("autoencoder") if summary.exists() else None
            return str((autoencoder or {}).get("members", UNVERIFIED))

    @property
    def is_learned(self) -> bool:
        return True

    @property
    def borrowed(self) -> Path | None:
        return Path(self.pretrained)

    @property
    def arm(self) -> dict[str, Any] | None:
        return None

    def latents(self, shape: Shape) -> Shape | None:
        """Return None: the shape of its latents is known when it is read."""
        return None

    def build(self, shape: Shape, split: Split, seed: int) -> tuple[diffusers.AutoencoderKL, Shape]:
        """Return it with its weights, and the shape of its latents for images of this shape.

        Raises SimauditError when there is no such autoencoder, when its members are known not to be the split's, or
        when it does not fit the images.
        """
        vae = self._load(split)
        if vae.config.in_channels != shape[0]:
            raise SimauditError(
                f"autoencoder.pretrained: {self.pretrained}: is for {vae.config.in_channels} channels, "
                f"and the images have {shape[0]}; choose another"
            )
        return vae, latent_shape(vae.config.latent_channels, vae.config.block_out_channels, shape)

    def train(
        self,
        vae: diffusers.AutoencoderKL,
        images: Images,
        split: Split,
        seed: int,
        checkpoints: Path,
        identity: str,
    ) -> dict[str, Any]:
        """Leave `vae` as it is; returns what training.json shall say of it."""
        return {"members": self.members}

    def _load(self, split: Split) -> diffusers.AutoencoderKL:
        if self.members not in (split.member_hash, UNVERIFIED):
            raise SimauditError(
                f"autoencoder.pretrained: {self.pretrained}: was trained on other members than those of {split.path}; "
                "use one of the same split"
            )
        try:
            return network_in(Path(self.pretrained), AUTOENCODER_CLASS, "name another one")
        except FileError as error:
            raise SimauditError(f"autoencoder.pretrained: {error}") from None


TRAINED, PRETRAINED = "a trained one", "a pretrained one"  # names of the kinds, which no key of theirs has


def _which(value: Any) -> str:
    has = "pretrained" in value if isinstance(value, dict) else isinstance(value, Pretrained)
    return PRETRAINED if has else TRAINED


Autoencoder = Annotated[
    Annotated[Trained, Tag(TRAINED)] | Annotated[Pretrained, Tag(PRETRAINED)], Discriminator(_which)
]
