"""The one model of params.yaml: every phase's section, and what must hold between them."""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Annotated, Any, Union

from pydantic import Discriminator, Field, Tag, create_model, model_validator
from pydantic_core import PydanticCustomError

from simaudit.attacks.attack import Attack, attack_modules, attack_type
from simaudit.data.jobs import SplitKnobs
from simaudit.data.source import Source, source_types
from simaudit.evaluation.jobs import EvaluationKnobs
from simaudit.figures.figure import RunFigure, TargetFigure, figure_modules, figure_type
from simaudit.plan.expand import Sweep
from simaudit.samples.jobs import QualityKnobs
from simaudit.scoring.jobs import ScoringKnobs
from simaudit.targets.family import TargetFamily, TrainedFamily, family_types
from simaudit.targets.jobs import TheoryKnobs
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.knobs import Knobs, Name
from simaudit.vocabulary.paths import RUN

OF_A_GROUP: Any = {"training": {"seed", "intermediate_epochs"}}
"""What targets of one group may differ in."""


class AuditKnobs(Knobs):
    """A target, on a split, by some attacks, with some figures; what is not said is everything that applies."""

    target: Name
    split: Name | None = None
    """The split that it is attacked on; that of the target if not said."""
    attacks: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    intermediate_attacks: tuple[Name, ...] = ()
    """Which attacks are also run on the checkpoints that `training.intermediate_epochs` of the target keeps."""
    figures: tuple[Name, ...] | None = None


def _one_of(kinds: Mapping[str, type[Knobs]], key: str) -> Any:
    """The type of a section whose `key` names the class that reads it."""

    def select(value: Any) -> Any:
        return value.get(key) if isinstance(value, dict) else getattr(value, key, None)

    tagged = tuple(Annotated[kind, Tag(name)] for name, kind in kinds.items())
    return Annotated[Union[tagged], Discriminator(select)]  # noqa: UP007


def _by_name(title: str, kinds: Mapping[str, type[Knobs]]) -> type[Knobs]:
    """A section with one optional key per class; a key set to null counts as absent: an experiment can drop it."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in kinds.items()}
    return create_model(title, __base__=Knobs, **fields)


class Params(Knobs):
    """All of params.yaml, expanded, and what must hold between its sections. `model` adds what the plug-ins offer."""

    datasets: dict[Name, Source]
    splits: Annotated[dict[Name, SplitKnobs], Field(min_length=1)]
    targets: dict[Name, TargetFamily]
    audits: dict[Name, AuditKnobs] = Field(default_factory=dict)
    attacks: Any
    scoring: ScoringKnobs = ScoringKnobs()
    quality: QualityKnobs = QualityKnobs()
    evaluation: EvaluationKnobs = EvaluationKnobs()
    theory: TheoryKnobs = TheoryKnobs()
    figures: Any

    @model_validator(mode="after")
    def _cohere(self) -> "Params":
        for name, split in self.splits.items():
            _require(f"splits.{name}.dataset", split.dataset, self.datasets)
        for name, target in self.targets.items():
            _require(f"targets.{name}.split", target.split, self.splits)
            self._require_steps(name, target)
        self._require_theory()
        for name, audit in self.audits.items():
            _require(f"audits.{name}.target", audit.target, self.targets)
            if audit.split is not None:
                _require(f"audits.{name}.split", audit.split, self.splits)
            self._require_name(name)
            self._require_attacks(name, audit)
            self._require_figures(name, audit)
        return self

    def _require_steps(self, name: str, target: TargetFamily) -> None:
        if self.quality.steps > target.timesteps:
            raise _wrong("quality.steps", f"must be at most {target.timesteps}, the steps of targets.{name}")

    def _require_name(self, name: str) -> None:
        if name == RUN:
            raise _wrong(f"audits.{name}", "is the folder of the figures of all audits; rename it")
        if name in self.splits:
            raise _wrong(
                f"audits.{name}", "is also the name of a split; numbers are named after both, rename one"
            )

    def _require_attacks(self, name: str, audit: AuditKnobs) -> None:
        family = self.targets[audit.target]
        for attack in audit.attacks or ():
            _require(f"audits.{name}.attacks", attack, chosen(self.attacks))
            if lacking := sorted(chosen(self.attacks)[attack].needs - family.offers):
                raise _wrong(
                    f"audits.{name}.attacks",
                    f"{attack} needs a {lacking[0]}, which kind {family.kind} has not",
                )
        for attack in audit.intermediate_attacks:
            _require(f"audits.{name}.intermediate_attacks", attack, self.attacks_on(name))
        for attack, knobs in self.attacks_on(name).items():
            if knobs.last_query is not None and knobs.last_query >= family.timesteps:
                raise _wrong(
                    f"attacks.{attack}.timesteps",
                    f"must be below {family.timesteps}, the steps of targets.{audit.target} "
                    f"(asks at {knobs.last_query})",
                )

    def _require_figures(self, name: str, audit: AuditKnobs) -> None:
        for figure in audit.figures or ():
            _require(f"audits.{name}.figures", figure, chosen(self.figures))
            if not isinstance(chosen(self.figures)[figure], TargetFigure):
                raise _wrong(f"audits.{name}.figures", f"{figure} is of all audits together; leave it out")

    def _require_theory(self) -> None:
        theory = self.theory
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
        for key, count in (("line_members", theory.line_members), ("field_members", theory.field_members)):
            if count > members:
                raise _wrong(
                    f"theory.{key}", f"must be at most {members}, the members of its split (got {count})"
                )

    @property
    def theory_split(self) -> str:
        """The split whose members the closed form is drawn of."""
        return self.theory.split or next(iter(self.splits))

    def split_of(self, audit: str) -> str:
        """The split that an audit is on."""
        knobs = self.audits[audit]
        return knobs.split or self.targets[knobs.target].split

    def dataset_of(self, split: str) -> str:
        """The dataset of a split."""
        return self.splits[split].dataset

    def family_of(self, audit: str) -> TargetFamily:
        """The target of an audit."""
        return self.targets[self.audits[audit].target]

    def attacks_on(self, audit: str) -> dict[str, Attack]:
        """The attacks of an audit by name: those that it names, or all that its target can be attacked by."""
        named, family = self.audits[audit].attacks, self.family_of(audit)
        return {
            name: attack
            for name, attack in chosen(self.attacks).items()
            if (name in named if named is not None else attack.needs <= family.offers)
        }

    def figures_of(self, audit: str) -> dict[str, str | None]:
        """For each figure of an audit: None if it will be drawn, otherwise the reason it cannot be."""
        named = self.audits[audit].figures
        return {
            name: figure.missing(self.attacks_on(audit), self.family_of(audit).is_latent)
            for name, figure in chosen(self.figures).items()
            if isinstance(figure, TargetFigure) and (named is None or name in named)
        }

    @cached_property
    def figures_of_run(self) -> dict[str, str | None]:
        """For each figure of all audits together: None if it will be drawn, otherwise the reason it cannot be."""
        return {
            name: figure.missing(self.contexts)
            for name, figure in chosen(self.figures).items()
            if isinstance(figure, RunFigure)
        }

    def epochs_of(self, audit: str) -> tuple[int, ...]:
        """The epochs of an audit's intermediate checkpoints."""
        family = self.family_of(audit)
        return family.training.intermediate_epochs if isinstance(family, TrainedFamily) else ()

    @cached_property
    def contexts(self) -> dict[str, AuditContext]:
        """What each audit is beside the others, by name; audits of one group stand together."""
        return {name: self._context(name, group) for group, names in self.groups.items() for name in names}

    def _context(self, name: str, group: str) -> AuditContext:
        family = self.family_of(name)
        return AuditContext(
            group=group,
            control=family.control,
            reference=self.references.get(name),
            arm=family.arm,
            is_latent=family.is_latent,
            epochs=(*self.epochs_of(name), family.training.epochs)
            if isinstance(family, TrainedFamily)
            else (),
            attacks=tuple(self.attacks_on(name)),
            checkpoint_attacks=self.audits[name].intermediate_attacks,
        )

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Audits whose targets differ in nothing but their training seed, by the name of the first of them."""
        groups: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for name in self.audits:
            same = self.split_of(name) + self.family_of(name).model_dump_json(exclude=OF_A_GROUP)
            groups.setdefault(names.setdefault(same, name), []).append(name)
        return groups

    @cached_property
    def references(self) -> dict[str, str]:
        """By audit that is no control the first such audit of its split, which it is held against; not for that one."""
        audited = [name for name in self.audits if self.family_of(name).control is None]
        first: dict[str, str] = {}
        for name in audited:
            first.setdefault(self.split_of(name), name)
        return {name: first[self.split_of(name)] for name in audited if first[self.split_of(name)] != name}


def _wrong(key: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("reference", "{key}: {why}", {"key": key, "why": why})


def _require(key: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise _wrong(key, f"no such entry; known: {', '.join(known) or 'none'} (got {name!r})")


def chosen(section: Knobs) -> dict[str, Any]:
    """The entries of a section that are set, by name, in alphabetical order."""
    return {name: entry for name, entry in sorted(section) if entry is not None}


@cache
def model(attacks: frozenset[str], figures: frozenset[str]) -> type[Params]:
    """`Params` with these attacks and figures, and every data source and target family: what validates."""
    fields: dict[str, Any] = {
        "datasets": (dict[Name, _one_of(source_types(), "source")], ...),  # type: ignore[misc]
        "targets": (dict[Name, _one_of(family_types(), "kind")], ...),  # type: ignore[misc]
        "attacks": (_by_name("Attacks", {name: attack_type(name) for name in sorted(attacks)}), ...),
        "figures": (_by_name("Figures", {name: figure_type(name) for name in sorted(figures)}), ...),
    }
    return create_model("Params", __base__=Params, **fields)


def validate(values: Any) -> Params:
    """Validate expanded values. Only plug-ins that they name are imported. Raises pydantic's ValidationError."""
    attacks, figures = (
        _named(values, "attacks", attack_modules()),
        _named(values, "figures", figure_modules()),
    )
    return model(attacks, figures).model_validate(values)


def _named(values: Any, section: str, known: Iterable[str]) -> frozenset[str]:
    entries = values.get(section) if isinstance(values, Mapping) else None
    return frozenset(name for name in known if isinstance(entries, Mapping) and name in entries)


def schema() -> dict[str, Any]:
    """The JSON schema of a file of parameters, in which entries may be `like` others, and targets may be swept."""
    found = model(frozenset(attack_modules()), frozenset(figure_modules())).model_json_schema()
    sweep = Sweep.model_json_schema()["properties"]
    for kind in family_types().values():
        found["$defs"][kind.__name__]["properties"] |= {key: sweep[key] for key in ("seeds", "over")}
    partial = {"type": "object", "required": ["like"], "properties": {"like": sweep["like"]}}
    for section in ("datasets", "splits", "targets", "audits"):
        for pattern, entry in found["properties"][section]["patternProperties"].items():
            found["properties"][section]["patternProperties"][pattern] = {"anyOf": [entry, partial]}
    audit = found["$defs"]["AuditKnobs"]
    audit["required"] = [key for key in audit.get("required", []) if key != "target"]
    return found
