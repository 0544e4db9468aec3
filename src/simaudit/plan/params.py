"""The one model of params.yaml, expanded: every phase's section, and what follows from several of them."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_serializer,
)

from simaudit.attacks.attack import Attack, attack_modules
from simaudit.attacks.derived_attack import needs_references
from simaudit.attacks.wrapping_attack import bound
from simaudit.data.jobs import SplitKnobs
from simaudit.data.membership import Given
from simaudit.data.source import SourceEntry
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.figures.figure import Figure, RunFigure, TargetFigure, figure_modules
from simaudit.report.jobs import ReportKnobs
from simaudit.samples.jobs import QualityKnobs
from simaudit.scoring.jobs import ScoringKnobs
from simaudit.storage.json import canonical_json
from simaudit.targets.family import TargetFamily, TrainedFamily, family_modules
from simaudit.targets.jobs import TheoryKnobs
from simaudit.vocabulary.bounds import Listed, Several
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.kinds import kind_of
from simaudit.vocabulary.knobs import Condition, Knobs, Name, Refers, deciding
from simaudit.vocabulary.membership import STATED, UNVERIFIED, VERIFIED, Membership
from simaudit.vocabulary.registry import read_by

OF_A_GROUP = ("seed", "intermediate_epochs")
"""What of their training targets of one group may differ in, beside knobs that decide nothing."""


class AuditKnobs(Knobs):
    """A target, on a split, by some attacks, with some figures; what is not said is everything that applies."""

    target: Annotated[Name, Refers("targets")]
    split: Annotated[Name | None, Refers("splits")] = None
    """The split that it is attacked on; that of the target if not said."""
    attacks: Annotated[Several[Name] | None, Refers("attacks")] = None
    intermediate_attacks: Listed[Name] = ()
    """Which attacks are also run on the checkpoints that `training.intermediate_epochs` of the target keeps."""
    figures: Annotated[Listed[Name] | None, Refers("figures")] = None
    calibrate_on: Annotated[Name | None, Refers("audits")] = None
    """The audit whose knobs and thresholds this one is measured with too, as if nobody knew its own members."""
    conditions: Several[Condition] | None = None
    """How a model of classes is asked: for each image's own class (`labels`, if not said), for the empty class
    (`empty`), or both."""
    references: Annotated[Several[Name] | None, Refers("targets")] = None
    """Targets trained on other members, for attacks that need references: their names, or `{of: <target>, splits: n}`
    for n that are trained like a target (`simaudit.plan.drawn`)."""


def _pairs(section: Any) -> Any:
    """Pair each entry with its name, in alphabetical order; an entry that is null counts as absent."""
    if not isinstance(section, Mapping):
        return section
    return {name: (name, section[name]) for name in sorted(section, key=str) if section[name] is not None}


_Target = Annotated[SerializeAsAny[TargetFamily], read_by(family_modules, TargetFamily, "kind")]
_Attack = Annotated[SerializeAsAny[Attack], read_by(attack_modules, Attack, "kind")]
_Figure = Annotated[SerializeAsAny[Figure], read_by(figure_modules, Figure)]


class Params(Knobs):
    """All of params.yaml, expanded."""

    datasets: dict[Name, SourceEntry]
    splits: Annotated[dict[Name, SplitKnobs], Field(min_length=1)]
    targets: Annotated[dict[Name, _Target], Field(min_length=1)]
    audits: dict[Name, AuditKnobs] = Field(default_factory=dict)
    attacks: Annotated[
        dict[Name, _Attack], BeforeValidator(_pairs), Field(min_length=1), AfterValidator(bound)
    ]
    scoring: ScoringKnobs = ScoringKnobs()
    quality: QualityKnobs = QualityKnobs()
    evaluation: EvaluationKnobs = EvaluationKnobs()
    theory: TheoryKnobs = TheoryKnobs()
    figures: Annotated[dict[str, _Figure], BeforeValidator(_pairs)]
    report: ReportKnobs = ReportKnobs()

    @field_serializer("attacks", mode="wrap")
    def _with_kinds(self, attacks: dict[str, Attack], dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        other = {name: {"kind": kind} for name, kind in self._other_kinds.items()}
        return {name: {**other.get(name, {}), **knobs} for name, knobs in dump(attacks).items()}

    @property
    def _other_kinds(self) -> dict[str, str]:
        """The kind of each attack that is named otherwise, by name."""
        return {name: kind for name, attack in self.attacks.items() if (kind := kind_of(attack)) != name}

    @property
    def theory_split(self) -> str:
        """The split whose members the closed form is drawn of."""
        return self.theory.split or next(iter(self.splits))

    @cached_property
    def audited_splits(self) -> list[str]:
        """Every split that something is audited on."""
        return sorted({self.split_of(audit) for audit in self.audits})

    @cached_property
    def used_splits(self) -> list[str]:
        """Every split that something is audited on, trained on or drawn of."""
        of_targets = {target.split for target in self.used_targets.values()}
        return sorted({*self.audited_splits, *of_targets, self.theory_split})

    @property
    def used_datasets(self) -> list[str]:
        """Every dataset of these splits."""
        return sorted({self.dataset_of(split) for split in self.used_splits})

    def split_of(self, audit: str) -> str:
        """Return the split that an audit is on."""
        knobs = self.audits[audit]
        return knobs.split or self.targets[knobs.target].split

    def dataset_of(self, split: str) -> str:
        """Return the dataset of a split."""
        return self.splits[split].dataset

    def family_of(self, audit: str) -> TargetFamily:
        """Return the target of an audit."""
        return self.targets[self.audits[audit].target]

    def membership_of(self, target: str) -> Membership:
        """Return how it is known that a target was trained on the members of its split."""
        family = self.targets[target]
        if family.is_trained_by_simaudit:
            return VERIFIED
        return STATED if isinstance(self.splits[family.split].members, Given) else UNVERIFIED

    def attacks_on(self, audit: str) -> dict[str, Attack]:
        """Return the attacks of an audit by name: those that it names, or all that its target can be attacked by.

        What is derived of others can be, where these can; what needs references, where the audit has some.
        """
        named, family = self.audits[audit].attacks, self.family_of(audit)
        if named is not None:
            return {name: attack for name, attack in self.attacks.items() if name in named}
        has_references = self.audits[audit].references is not None
        possible = {
            name
            for name, attack in self.attacks.items()
            if attack.needs <= family.offers and (has_references or not needs_references(attack))
        }
        return {
            name: attack
            for name, attack in self.attacks.items()
            if name in possible and possible.issuperset(attack.bases)
        }

    def under_references(self, audit: str) -> dict[str, Attack]:
        """Return the attacks of an audit whose scores under its references others read."""
        attacks = self.attacks_on(audit)
        bases = {base for attack in attacks.values() if needs_references(attack) for base in attack.bases}
        return {name: attack for name, attack in attacks.items() if name in bases}

    def references_of(self, audit: str) -> tuple[str, ...]:
        """Return the references of an audit; none where no attack of it reads scores under them."""
        return (self.audits[audit].references or ()) if self.under_references(audit) else ()

    @cached_property
    def used_targets(self) -> dict[str, TargetFamily]:
        """Every target by name but those that are references alone, and of audits that do not read them."""
        named = {name for audit in self.audits.values() for name in audit.references or ()}
        read = {name for audit in self.audits for name in self.references_of(audit)}
        unused = named - read - {audit.target for audit in self.audits.values()}
        return {name: target for name, target in self.targets.items() if name not in unused}

    def conditions_of(self, audit: str) -> tuple[Condition, ...]:
        """Return the conditions under which an audit asks its target: none where that is no model of classes."""
        named = self.audits[audit].conditions
        return named or (("labels",) if "labels" in self.family_of(audit).offers else ())

    def is_asked_for_labels(self, split: str) -> bool:
        """Return whether a model is asked for the classes of a split's images."""
        return any(
            "labels" in self.conditions_of(audit) for audit in self.audits if self.split_of(audit) == split
        )

    def figures_of(self, audit: str) -> dict[str, str | None]:
        """Return for each figure of an audit None if it will be drawn, otherwise the reason it cannot be."""
        named = self.audits[audit].figures
        return {
            name: figure.missing(self.attacks_on(audit), self.family_of(audit).is_latent)
            for name, figure in self.figures.items()
            if isinstance(figure, TargetFigure) and (named is None or name in named)
        }

    @cached_property
    def figures_of_run(self) -> dict[str, str | None]:
        """For each figure of all audits together: None if it will be drawn, otherwise the reason it cannot be."""
        return {
            name: figure.missing(self.contexts)
            for name, figure in self.figures.items()
            if isinstance(figure, RunFigure)
        }

    def epochs_of(self, audit: str) -> tuple[int, ...]:
        """Return the epochs of an audit's intermediate checkpoints."""
        family = self.family_of(audit)
        return family.training.intermediate_epochs if isinstance(family, TrainedFamily) else ()

    @cached_property
    def contexts(self) -> dict[str, AuditContext]:
        """What each audit is beside the others, by name; audits of one group stand together."""
        return {name: self._context(name, group) for group, names in self.groups.items() for name in names}

    def _context(self, name: str, group: str) -> AuditContext:
        family = self.family_of(name)
        end = (family.training.epochs,) if isinstance(family, TrainedFamily) else ()
        return AuditContext(
            group=group,
            control=family.control,
            reference=self.references.get(name),
            calibrate_on=self.audits[name].calibrate_on,
            arm=family.arm,
            is_latent=family.is_latent,
            epochs=(*self.epochs_of(name), *end),
            membership=self.membership_of(self.audits[name].target),
            attacks=tuple(of for of, attack in self.attacks_on(name).items() if not attack.learned),
            checkpoint_attacks=self.audits[name].intermediate_attacks,
            kinds=self._other_kinds,
        )

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Audits that differ in nothing but the training seed of their targets, by the name of the first of them."""
        groups: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for name in self.audits:
            knobs = deciding(self.family_of(name))
            training = {key: knob for key, knob in knobs.get("training", {}).items() if key not in OF_A_GROUP}
            how = [self.split_of(name), list(self.conditions_of(name))]
            same = canonical_json([*how, knobs | {"training": training}])
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
