"""What an attack is: an entry of params.yaml that computes statistics of images, under a target or of other scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

from simaudit.targets.offers import DERIVATIVES
from simaudit.vocabulary import registry
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.knobs import Knobs, Timesteps
from simaudit.vocabulary.variant import Variant

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets.target import Target


RESERVED = {BLIND, "nearest_member", "sample_id", "role", "fold"}
"""Names that no attack may have: they are columns of result files."""


class Statistic(NamedTuple):
    """One statistic of a batch: `values` (B,), and the queries per sample that it costs when computed alone.

    `timestep` is None where the statistic belongs to none; `variant` holds the knobs that tell it apart from the
    attack's other statistics at that timestep.
    """

    timestep: int | None
    variant: Variant
    queries: int
    values: torch.Tensor


class Attack(Knobs):
    """An attack is an entry under `attacks` in params.yaml: its fields are its knobs, and `kind` names its module.

    An entry that does not say its kind is of the kind of its own name, so that one kind can have several entries.
    It is a `TargetAttack`, which asks a model, or a `DerivedAttack`, which reads the scores of others. Audits, numbers
    and figures do not know which.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same knobs would give other statistics."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """What a target must offer for this attack to run on it, besides a denoiser: see `Target.offers`."""

    learned: ClassVar[bool] = False
    """Whether its statistic is learned from samples of both sides: a learned head is ranked apart."""

    @property
    def bases(self) -> tuple[str, ...]:
        """The attacks of the same audit whose scores it reads; none where it asks a model itself."""
        return ()

    @property
    def grid(self) -> tuple[int, ...]:
        """The timesteps of its statistics, ascending; none where it does not query the denoiser."""
        return ()

    @property
    def last_query(self) -> int | None:
        """The latest timestep at which the denoiser is queried; None where it is not queried at all."""
        return self.grid[-1] if self.grid else None

    def timesteps_of(self, name: str) -> tuple[str, ...]:
        """Return the keys at which params.yaml says the timesteps of this entry, whose name is given."""
        return ("attacks", name, "timesteps")


class TargetAttack(Attack):
    """An attack that sees a `Target` and the batch's noise, nothing else, and computes statistics.

    It leaves its statistic as defined in its source; `member_when` says on which side members lie, and evaluation alone
    applies it. Its module imports torch at its top; a stand-in takes torch's place while parameters are validated
    (`simaudit.vocabulary.registry`).
    """

    member_when: ClassVar[Literal["low", "high"]] = "low"

    microbatch: ClassVar[int | None] = None
    """How many samples `statistics` is given at most, since the memory that it takes for each of them is large."""

    @classmethod
    def differentiates(cls) -> bool:
        """Return whether it differentiates the denoiser: it is then run outside inference mode."""
        return not cls.needs.isdisjoint(DERIVATIVES)

    @abstractmethod
    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        """Yield every (timestep, variant) of this attack for one batch of images (B, C, H, W) in [-1, 1].

        The same (timestep, variant) pairs in the same order for every batch; no query is made twice.
        """

    def at(self, timestep: int | None) -> Self:
        """Return the attack with those of its statistics alone that are of a timestep of its grid, where it has one."""
        return self


class TimestepAttack(TargetAttack):
    """An attack that queries the denoiser at a grid of timesteps."""

    timesteps: Timesteps

    @property
    def grid(self) -> tuple[int, ...]:
        return self.timesteps

    def at(self, timestep: int | None) -> Self:
        return self if timestep is None else self.model_copy(update={"timesteps": (timestep,)})


def attack_modules() -> dict[str, str]:
    """Return the module of every attack by name."""
    return registry.modules("simaudit.attacks")


def attack_type(name: str) -> type[Attack]:
    """Return the attack of that name. Raises KeyError when there is none."""
    return registry.implementation(attack_modules()[name], Attack)


def attack_types() -> dict[str, type[Attack]]:
    """Return every attack by name."""
    return {name: attack_type(name) for name in attack_modules()}
