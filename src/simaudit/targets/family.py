"""What a family of targets is: an entry of params.yaml that says how a target's files come to be, and loads them."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from simaudit.targets.offers import DERIVATIVES
from simaudit.training.knobs import Schedule, Training
from simaudit.training.levels import Shape
from simaudit.training.unet import UNet
from simaudit.vocabulary import registry
from simaudit.vocabulary.knobs import Device, Knobs, Name, Refers

if TYPE_CHECKING:
    import torch

    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.targets.target import Target

Control = Literal["untrained", "optimal"]
"""A target whose leak is known beforehand: a network that saw no data has none, the closed form all there can be."""


class TargetFamily(Knobs):
    """A target's entry in params.yaml. Subclasses set `kind: Literal["<module name>"]`.

    As with attacks, a stand-in takes torch's place while parameters are validated.
    """

    files: ClassVar[tuple[str, ...]]
    """What `train` always saves, relative to the target's directory: the outputs of the family's rule."""

    kind: str
    split: Annotated[Name, Refers("splits")]

    @property
    def offers(self) -> frozenset[str]:
        """What its target offers: see `Target`."""
        return frozenset()

    @property
    def is_latent(self) -> bool:
        """Whether the target diffuses in the latent space of an autoencoder."""
        return "decoder" in self.offers

    @property
    @abstractmethod
    def timesteps(self) -> int:
        """T, the length of the training schedule."""

    @property
    def threads(self) -> int:
        """CPU threads that `train` uses."""
        return 1

    @property
    def device(self) -> Device:
        """Where `train` runs."""
        return "cpu"

    @property
    def control(self) -> Control | None:
        """Which control this target is, if any."""
        return None

    @property
    def borrowed(self) -> Path | None:
        """The folder of an autoencoder that `train` reads, if any: perhaps of another target."""
        return None

    @property
    def is_trained_by_simaudit(self) -> bool:
        """Whether its weights come from the members of its split and from nothing else, as `train` makes sure."""
        return True

    @property
    def given(self) -> tuple[Path, ...]:
        """The files that `train` reads and no job of the run makes."""
        return ()

    @property
    def places(self) -> dict[str, Path]:
        """The files of the target that lie elsewhere and are not copied into its directory, each by a name for it."""
        return {}

    def require_given(self) -> None:
        """Raise KnobError, naming a key of this entry, when it cannot use a file that the entry names."""

    @property
    def arm(self) -> dict[str, Any] | None:
        """Where its autoencoder stands in a sweep of autoencoders: `beta`, and whether it is `adversarial`; if any."""
        return None

    def require_shape(self, shape: Shape) -> None:
        """Raise KnobError, naming a key of this entry, when images of this shape do not fit the target."""

    @abstractmethod
    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        """Train on the split's members among `images` (N, C, H, W), save a diffusers directory to `output`.

        `checkpoints` is the folder where progress is saved; a checkpoint whose `identity` differs is not resumed.
        Returns what training.json shall say of the run, without anything volatile.
        """

    @staticmethod
    @abstractmethod
    def load(directory: Path, device: torch.device) -> Target:
        """Return the target that `train` saved to a directory, on `device`."""


class TrainedFamily(TargetFamily):
    """A target whose denoiser is a network that is trained here."""

    unet: UNet
    schedule: Schedule = Schedule()
    training: Training

    @property
    def offers(self) -> frozenset[str]:
        return DERIVATIVES

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def threads(self) -> int:
        return self.training.threads

    @property
    def device(self) -> Device:
        return self.training.device


def family_modules() -> dict[str, str]:
    """Return the module of every target family by the name that `kind` selects."""
    return registry.modules("simaudit.targets.families")


def family_type(kind: str) -> type[TargetFamily]:
    """Return the family of that name. Raises KeyError when there is none."""
    return registry.implementation(family_modules()[kind], TargetFamily)


def family_types() -> dict[str, type[TargetFamily]]:
    """Return every target family by the name that `kind` selects."""
    return {name: family_type(name) for name in family_modules()}
