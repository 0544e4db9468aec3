"""What a wrapping attack is: an entry of params.yaml that changes the residual maps of another before their norm."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from pydantic import Field, ValidationError

from simaudit.attacks.attack import Attack, Statistic, TargetAttack
from simaudit.attacks.residual_attack import ResidualAttack
from simaudit.vocabulary.knobs import AttackName
from simaudit.vocabulary.variant import Variant

if TYPE_CHECKING:
    import torch

    from simaudit.diffusion.noise import SampleNoise
    from simaudit.targets.target import Target


class WrappingAttack(TargetAttack):
    """An attack that makes the queries of the entry `of`, and takes its norm of changed maps.

    That entry is one of a residual attack; an audit need not run it. `on` binds this attack to it, and without that it
    has neither timesteps nor statistics. It is no derived attack: it asks the model itself.
    """

    of: AttackName = "sima"
    knobs: dict[str, Any] = Field(default_factory=dict)
    """Those knobs of `of` that are otherwise here."""
    _base: ResidualAttack | None = None

    def on(self, base: ResidualAttack) -> Self:
        """Return this attack, bound to the attack that it wraps, whose knobs are those of `base` unless it says others.

        Raises ValidationError where that attack cannot have these.
        """
        bound = self.model_copy()
        bound._base = type(base).model_validate({**base.model_dump(mode="json"), **self.knobs})
        return bound

    @property
    def base(self) -> ResidualAttack:
        """The attack that it wraps. Raises TypeError where it is not bound to one."""
        if self._base is None:
            raise TypeError(f"{type(self).__name__} wraps another attack: bind it with `on` first")
        return self._base

    @property
    def grid(self) -> tuple[int, ...]:
        return self._base.grid if self._base else ()

    @property
    def last_query(self) -> int | None:
        return self._base.last_query if self._base else None

    def timesteps_of(self, name: str) -> tuple[str, ...]:
        own = ("attacks", name, "knobs", "timesteps")
        return own if "timesteps" in self.knobs else ("attacks", self.of, "timesteps")

    def at(self, timestep: int | None) -> Self:
        narrowed = self.model_copy()
        narrowed._base = self.base.at(timestep)
        return narrowed

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        variant, change = self.change(target, z, noise)
        for residual in self.base.residuals(target, z, noise):
            changed = residual._replace(map=change(residual.map), variant={**residual.variant, **variant})
            yield from self.base.averaged(changed)

    @abstractmethod
    def change(
        self, target: Target, z: torch.Tensor, noise: SampleNoise
    ) -> tuple[Variant, Callable[[torch.Tensor], torch.Tensor]]:
        """Return what tells the statistics of a batch z (B, …) apart, and the function that changes maps (B, …)."""


def can_be_wrapped(attack: Attack | type[Attack]) -> TypeGuard[ResidualAttack]:
    """Return whether an attack takes norms of maps, and learns nothing of them."""
    kind = attack if isinstance(attack, type) else type(attack)
    return issubclass(kind, ResidualAttack) and not kind.learned


def bound(attacks: Mapping[str, Attack]) -> dict[str, Attack]:
    """Return the entries of params.yaml, each that wraps another bound to it; where it cannot be, it stays unbound."""
    return {name: _bound(attack, attacks) for name, attack in attacks.items()}


def _bound(attack: Attack, attacks: Mapping[str, Attack]) -> Attack:
    if isinstance(attack, WrappingAttack):
        base = attacks.get(attack.of)
        try:
            return attack.on(base) if base is not None and can_be_wrapped(base) else attack
        except ValidationError:  # plan/cohere says why
            return attack
    return attack
