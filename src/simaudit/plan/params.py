"""The one model of params.yaml."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import (
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveInt,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from simaudit import attacks, targets
from simaudit.attacks import Attack
from simaudit.data import sources
from simaudit.data.sources import Source
from simaudit.figures import figure as figures
from simaudit.figures.figure import RunFigure, TargetFigure
from simaudit.plan.explain import explain
from simaudit.samples.features import Extractor
from simaudit.storage.yaml import read_yaml
from simaudit.targets import TargetFamily, TrainedFamily
from simaudit.training.knobs import Schedule
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Device, Knobs, Name, Seed, Timesteps
from simaudit.vocabulary.paths import RUN

DEFAULT = Path("params.yaml")
NOT_ITS_OWN: Any = {
    "attacks": True,
    "figures": True,
    "snapshot_attacks": True,
    "training": {"seed", "snapshots"},
}
"""What targets of one group may differ in."""


class SplitKnobs(Knobs):
    """Who is a member: drawn at random from a dataset."""

    dataset: Name
    members: Annotated[int, Field(ge=2)]
    calibration: Annotated[float, Field(gt=0, lt=1)] = 0.3
    seed: Seed = 0
    allow_duplicates: bool = False


class ScoringKnobs(Knobs):
    """How attacks are run; none of it is an attack's own knob."""

    seed: Seed = 0
    batch_size: PositiveInt = 256
    device: Device = "auto"
    threads: PositiveInt = 1


class QualityKnobs(Knobs):
    """How samples are drawn from each target, and what they are compared with real images in."""

    seed: Seed = 0
    samples: Annotated[int, Field(ge=50)] = 300
    steps: Annotated[int, Field(ge=2)] = 50
    features: Extractor = "classifier"


class TheoryKnobs(Knobs):
    """What the closed form is drawn of in one and in two dimensions: members of a split, the first one if not said."""

    split: Name | None = None
    schedule: Schedule = Schedule()
    line_members: Annotated[int, Field(ge=2)] = 5
    line_timestep: NonNegativeInt = 20
    field_members: Annotated[int, Field(ge=2)] = 12
    field_timesteps: Annotated[Timesteps, Field(min_length=3, max_length=3)] = (10, 50, 500)


class BlindKnobs(Knobs):
    """How the classifiers are fitted that never see a model."""

    folds: Annotated[int, Field(ge=2)] = 5
    side: PositiveInt = 16


class EvaluationKnobs(Knobs):
    """How sure the numbers are made, and what they are held against."""

    seed: Seed = 0
    bootstrap: Annotated[int, Field(ge=100)] = 1000
    permutations: Annotated[int, Field(ge=20)] = 200
    threads: PositiveInt = 1
    blind: BlindKnobs = BlindKnobs()


def _one_of(kinds: Mapping[str, type[Knobs]], key: str) -> Any:
    """The type of a section whose `key` names the class that reads it."""

    def select(value: Any) -> Any:
        return value.get(key) if isinstance(value, dict) else getattr(value, key, None)

    tagged = tuple(Annotated[kind, Tag(name)] for name, kind in kinds.items())
    return Annotated[Union[tagged], Discriminator(select)]  # noqa: UP007


def _dropped_by_null(schema: dict[str, Any]) -> None:
    """Say in the JSON schema that an overlay drops an entry by setting it to null."""
    for name, entry in schema["patternProperties"].items():
        schema["patternProperties"][name] = {"anyOf": [entry, {"type": "null"}]}


Droppable = Field(json_schema_extra=_dropped_by_null)


def _by_name(title: str, kinds: Mapping[str, type[Knobs]]) -> type[Knobs]:
    """A section with one optional key a class; a key set to null counts as absent, so that an overlay can drop it."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in kinds.items()}
    return create_model(title, __base__=Knobs, **fields)


class Params(Knobs):
    """All of params.yaml, and what must hold between its sections. `model` adds what the source folders offer."""

    datasets: dict[Name, Source]
    splits: Annotated[dict[Name, SplitKnobs], Field(min_length=1), Droppable]
    targets: dict[Name, TargetFamily]
    attacks: Any
    scoring: ScoringKnobs = ScoringKnobs()
    quality: QualityKnobs = QualityKnobs()
    evaluation: EvaluationKnobs = EvaluationKnobs()
    theory: TheoryKnobs = TheoryKnobs()
    figures: Any

    @model_validator(mode="before")
    @classmethod
    def _drop_absent(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            section: {name: entry for name, entry in entries.items() if entry is not None}
            if section in ("datasets", "splits", "targets") and isinstance(entries, dict)
            else entries
            for section, entries in value.items()
        }

    @model_validator(mode="after")
    def _refer_to_what_exists(self) -> "Params":
        for name, split in self.splits.items():
            _require(f"splits.{name}.dataset", split.dataset, self.datasets)
        self._require_theory(self.theory)
        for name, target in self.targets.items():
            _require(f"targets.{name}.dataset", target.dataset, self.datasets)
            _require(f"targets.{name}.split", target.split, self.splits)
            if name == RUN:
                raise _wrong(f"targets.{name}", "is the folder of the figures of all targets; rename it")
            if name in self.splits:
                raise _wrong(
                    f"targets.{name}", "is also the name of a split; numbers are named after both, rename one"
                )
            if (dataset := self.splits[target.split].dataset) != target.dataset:
                raise _wrong(f"targets.{name}.split", f"is of dataset {dataset}, not of {target.dataset}")
            for attack in target.attacks or ():
                _require(f"targets.{name}.attacks", attack, chosen(self.attacks))
                if chosen(self.attacks)[attack].latent_only and not target.is_latent:
                    raise _wrong(
                        f"targets.{name}.attacks",
                        f"{attack} needs an autoencoder, and kind {target.kind} has none",
                    )
            for figure in target.figures or ():
                _require(f"targets.{name}.figures", figure, chosen(self.figures))
                if not isinstance(chosen(self.figures)[figure], TargetFigure):
                    raise _wrong(
                        f"targets.{name}.figures", f"{figure} is of all targets together; leave it out"
                    )
            for attack in target.snapshot_attacks if isinstance(target, TrainedFamily) else ():
                _require(f"targets.{name}.snapshot_attacks", attack, self.attacks_on(name))
            if self.quality.steps > target.timesteps:
                raise _wrong(
                    "quality.steps", f"must be at most {target.timesteps}, the steps of targets.{name}"
                )
            for attack, knobs in self.attacks_on(name).items():
                if knobs.last_query is not None and knobs.last_query >= target.timesteps:
                    raise _wrong(
                        f"attacks.{attack}.timesteps",
                        f"must be below {target.timesteps}, the steps of targets.{name} (asks at {knobs.last_query})",
                    )
        return self

    def _require_theory(self, theory: TheoryKnobs) -> None:
        _require("theory.split", self.theory_split, self.splits)
        steps, members = theory.schedule.num_train_timesteps, self.splits[self.theory_split].members
        for key, latest in (
            ("line_timestep", theory.line_timestep),
            ("field_timesteps", theory.field_timesteps[-1]),
        ):
            if latest >= steps:
                raise _wrong(
                    f"theory.{key}", f"must be below {steps}, the steps of its schedule (got {latest})"
                )
        for key, asked in (("line_members", theory.line_members), ("field_members", theory.field_members)):
            if asked > members:
                raise _wrong(
                    f"theory.{key}", f"must be at most {members}, the members of its split (got {asked})"
                )

    @property
    def theory_split(self) -> str:
        """The split whose members the closed form is drawn of."""
        return self.theory.split or next(iter(self.splits))

    def attacks_on(self, target: str) -> dict[str, Attack]:
        """The attacks that are run on a target, by name: those that it asks for, or all that can be run on it."""
        family = self.targets[target]
        return {
            name: attack
            for name, attack in chosen(self.attacks).items()
            if (attack.latent_only <= family.is_latent if family.attacks is None else name in family.attacks)
        }

    def figures_of(self, target: str) -> dict[str, str | None]:
        """The figures of one target by name: None for each that is drawn, else why it cannot be.

        They are those that it asks for, or all.
        """
        family = self.targets[target]
        return {
            name: figure.missing(self.attacks_on(target), family.is_latent)
            for name, figure in chosen(self.figures).items()
            if isinstance(figure, TargetFigure) and (family.figures is None or name in family.figures)
        }

    @property
    def figures_of_run(self) -> dict[str, str | None]:
        """The figures of all targets together by name: None for each that is drawn, else why it cannot be."""
        return {
            name: figure.missing(self.contexts)
            for name, figure in chosen(self.figures).items()
            if isinstance(figure, RunFigure)
        }

    def snapshots_of(self, target: str) -> list[tuple[int, str]]:
        """(epoch, attack) of each attack on a state of a target on the way."""
        family = self.targets[target]
        if not isinstance(family, TrainedFamily):
            return []
        return [(epoch, attack) for epoch in family.training.snapshots for attack in family.snapshot_attacks]

    @property
    def groups(self) -> dict[str, list[str]]:
        """Targets that differ in nothing but their training seed, by the name of the first of them."""
        groups: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for name, target in self.targets.items():
            same = target.model_dump_json(exclude=NOT_ITS_OWN)
            groups.setdefault(names.setdefault(same, name), []).append(name)
        return groups

    @property
    def contexts(self) -> dict[str, AuditContext]:
        """What each target is beside the others, by name; targets of one group stand together."""
        return {name: self._context(name, group) for group, names in self.groups.items() for name in names}

    def _context(self, name: str, group: str) -> AuditContext:
        target = self.targets[name]
        trained = target if isinstance(target, TrainedFamily) else None
        return AuditContext(
            group=group,
            control=target.control,
            reference=self.references.get(name),
            arm=target.arm,
            is_latent=target.is_latent,
            epochs=(*trained.training.snapshots, trained.training.epochs) if trained else (),
            attacks=tuple(self.attacks_on(name)),
            checkpoint_attacks=trained.snapshot_attacks if trained else (),
        )

    @property
    def references(self) -> dict[str, str]:
        """By audited target the first audited one of its split, which it is held against; not for that one itself."""
        audited = [name for name, target in self.targets.items() if target.control is None]
        first: dict[str, str] = {}
        for name in audited:
            first.setdefault(self.targets[name].split, name)
        found = {name: first[self.targets[name].split] for name in audited}
        return {name: reference for name, reference in found.items() if name != reference}


def _wrong(key: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("reference", "{key}: {why}", {"key": key, "why": why})


def _require(key: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise _wrong(key, f"no such entry; known: {', '.join(known) or 'none'} (got {name!r})")


def chosen(section: Knobs) -> dict[str, Any]:
    """The entries of a section that are set, by name, in alphabetical order."""
    return {name: entry for name, entry in section if entry is not None}


@cache
def model() -> type[Params]:
    """`Params` with every plug-in that the source folders offer: what validates, and what the JSON schema shows."""
    fields: dict[str, Any] = {
        "datasets": (Annotated[dict[Name, _one_of(sources.sources(), "source")], Droppable], ...),  # type: ignore[misc]
        "targets": (Annotated[dict[Name, _one_of(targets.family_types(), "kind")], Droppable], ...),  # type: ignore[misc]
        "attacks": (_by_name("Attacks", attacks.attack_types()), ...),
        "figures": (_by_name("Figures", figures.figure_types()), ...),
    }
    return create_model("Params", __base__=Params, **fields)


def parse(values: Any, files: Sequence[Path] = (DEFAULT,)) -> Params:
    """Validate merged values; `files` are what they were merged from, later ones over earlier ones.

    Raises SimauditError with one line for each wrong value, naming the file that set it and the key.
    """
    try:
        return model().model_validate(values)
    except ValidationError as error:
        known = {"attacks": list(attacks.attack_types()), "figures": list(figures.figure_types())}
        raise SimauditError(explain(error, values, files, known)) from None


def merge(files: Sequence[Path]) -> Any:
    """The values of params.yaml and its overlays: mappings merge, everything else replaces."""
    merged: Any = {}
    for file in files:
        merged = _overlay(merged, read_yaml(file))
    return merged


def _overlay(base: Any, over: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: _overlay(base.get(key), value) for key, value in over.items()}
