"""The attacks: one file an attack, each found by its file name."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from simaudit.vocabulary import registry
from simaudit.vocabulary.knobs import Knobs, Timesteps

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets import Target


class Statistic(NamedTuple):
    """One statistic of a batch: `values` (B,), and the queries a sample that it costs when computed alone."""

    timestep: int | None
    variant: str
    queries: int
    values: "torch.Tensor"


class Attack(Knobs):
    """An attack is its entry under `attacks` in params.yaml: its fields are its knobs, and it computes statistics.

    An attack sees a `Target` and the batch's noise, nothing else. It leaves its statistic as defined in its source;
    `member_when` says on which side members lie, and evaluation alone applies it.
    Its module imports torch where it computes, not at its top: validating parameters reads the module too.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same knobs would give other statistics."""

    member_when: ClassVar[Literal["low", "high"]] = "low"

    latent_only: ClassVar[bool] = False
    """Whether it looks at a target's autoencoder, so that targets without one cannot be asked."""

    @property
    def grid(self) -> tuple[int, ...]:
        """The timesteps of its statistics, ascending; none where it does not ask the denoiser."""
        return ()

    @property
    def last_query(self) -> int | None:
        """The latest timestep at which the denoiser is asked; None where it is not asked at all."""
        return self.grid[-1] if self.grid else None

    @abstractmethod
    def statistics(
        self, target: "Target", images: "torch.Tensor", noise: "SampleNoise"
    ) -> Iterator[Statistic]:
        """Every (timestep, variant) of this attack for one batch of images (B, C, H, W) in [-1, 1].

        The same (timestep, variant) pairs in the same order for every batch; no query is made twice.
        """


class TimestepAttack(Attack):
    """An attack that asks the denoiser at a grid of timesteps."""

    timesteps: Timesteps

    @property
    def grid(self) -> tuple[int, ...]:
        return self.timesteps


def attack_modules() -> dict[str, str]:
    """The module of every attack by name."""
    return registry.modules(__name__)


def attack_type(name: str) -> type[Attack]:
    """The attack of that name. Raises KeyError when there is none."""
    return registry.implementation(attack_modules()[name], Attack)


def attack_types() -> dict[str, type[Attack]]:
    """Every attack by name."""
    return {name: attack_type(name) for name in attack_modules()}
