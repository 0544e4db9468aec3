"""What must hold between the sections of params.yaml, each of which is valid by itself."""

from collections.abc import Collection, Hashable, Iterator, Mapping

from pydantic import ValidationError

from simaudit.attacks.attack import RESERVED, attack_modules
from simaudit.attacks.derived_attack import DerivedAttack, needs_references
from simaudit.attacks.wrapping_attack import WrappingAttack, can_be_wrapped
from simaudit.figures.figure import TargetFigure
from simaudit.figures.legend import KNOWN
from simaudit.plan import at_hand
from simaudit.plan.explain import Mistake, mistakes_in
from simaudit.plan.params import Params
from simaudit.targets.offers import IN_WORDS
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import shown, some
from simaudit.vocabulary.kinds import kind_of
from simaudit.vocabulary.knobs import Knobs, referring

Mistakes = Iterator[Mistake]

LACKING = {
    "labels": "is no model of classes; leave conditions out",
    "empty": "has no empty class; leave empty out, or state the empty_class of a UNet2DModel of classes",
}
"""Why a target cannot be asked under a condition."""


def mistakes(params: Params) -> Mistakes:
    """Yield every name of no entry, or else what attacks cannot wrap, or else every model that cannot be used; if there
    is none, every value that does not fit other sections, or what is here.
    """
    unusable = list(_dangling(params)) or list(_wrapping(params)) or list(at_hand.unusable_targets(params))
    yield from unusable
    if not unusable:
        for audit in params.audits:
            yield from _of_audit(params, audit)
        yield from _reserved(params)
        yield from _named_as_others(params)
        yield from _timesteps(params)
        yield from _derived(params)
        yield from _theory(params)
        yield from at_hand.mistakes(params)


def _dangling(params: Params) -> Mistakes:
    for key, knobs in _entries(params):
        for field, section, name in referring(knobs):
            yield from _unknown((*key, field), [name], getattr(params, section), same=(section, name))


def _wrapping(params: Params) -> Mistakes:
    for name, attack in params.attacks.items():
        if not isinstance(attack, WrappingAttack):
            continue
        base = params.attacks.get(attack.of)
        if base is not None and can_be_wrapped(base):
            try:
                attack.on(base)
            except ValidationError as error:
                for keys, why, _ in mistakes_in(error, attack.knobs):
                    yield Mistake(("attacks", name, "knobs", *keys), why)
        else:
            known = [other for other, knobs in params.attacks.items() if can_be_wrapped(knobs)]
            why = f"must name an attack that takes the norm of a residual; known: {some(known)}"
            yield Mistake(("attacks", name, "of"), f"{why} (got {shown(attack.of)})")


def _entries(params: Params) -> Iterator[tuple[tuple[str, ...], Knobs]]:
    """Yield every section that is one set of knobs, and every entry of the others, with its keys."""
    for section in type(params).model_fields:
        knobs = getattr(params, section)
        if isinstance(knobs, Mapping):
            yield from (((section, name), entry) for name, entry in knobs.items())
        else:
            yield (section,), knobs


def _unknown(
    keys: tuple[str, ...], names: Collection[str], known: Collection[str], same: Hashable = None
) -> Mistakes:
    for name in names:
        if name not in known:
            why = f"no such entry; known: {some(known)} (got {shown(name)})"
            yield Mistake(keys, why, same)


def _of_audit(params: Params, name: str) -> Mistakes:
    audit, family, key = params.audits[name], params.family_of(name), ("audits", name)
    attacks = params.attacks_on(name)
    if name == paths.RUN:
        yield Mistake(key, "is the folder of the figures of all audits; rename it")
    if name in params.splits:
        yield Mistake(key, "is also the name of a split; numbers are named after both, rename one")
    for attack in audit.attacks or ():
        if lacking := sorted(params.attacks[attack].needs - family.offers):
            why = f"{attack} needs {IN_WORDS[lacking[0]]}, which kind {family.kind} has not"
            yield Mistake((*key, "attacks"), why)
    for attack, knobs in attacks.items():
        for base in knobs.bases:
            if base not in attacks:
                yield Mistake(
                    (*key, "attacks"), f"{attack} is derived of {base}; add {base}, or leave {attack} out"
                )
    yield from _references(params, name)
    if lacking := [condition for condition in audit.conditions or () if condition not in family.offers]:
        why = LACKING["empty" if "labels" in family.offers else "labels"]
        yield Mistake((*key, "conditions"), f"targets.{audit.target} {why} (got {', '.join(lacking)})")
    if not attacks:
        why = f"none of the attacks ({some(params.attacks)}) is for a target of this kind; add one"
        yield Mistake(key, why, same=why)
    elif all(attack.learned for attack in attacks.values()):
        why = f"has learned heads alone ({some(attacks)}), and a verdict needs another attack; add one"
        yield Mistake((*key, "attacks"), why)
    yield from _unknown((*key, "intermediate_attacks"), audit.intermediate_attacks, attacks)
    for attack in audit.intermediate_attacks:
        if isinstance(attacks.get(attack), DerivedAttack):
            yield Mistake((*key, "intermediate_attacks"), f"{attack} asks no model; leave it out")
        elif attack in attacks and attacks[attack].learned:
            yield Mistake((*key, "intermediate_attacks"), f"{attack} is a learned head; leave it out")
    if audit.calibrate_on:
        yield from _carried(params, name, audit.calibrate_on)
    for figure in audit.figures or ():
        if not isinstance(params.figures[figure], TargetFigure):
            yield Mistake((*key, "figures"), f"{figure} is of all audits together; leave it out")


def _references(params: Params, name: str) -> Mistakes:
    audit, family, key = params.audits[name], params.family_of(name), ("audits", name, "references")
    needing = [attack for attack, knobs in params.attacks_on(name).items() if needs_references(knobs)]
    if audit.references is None:
        for attack in needing:
            why = (
                f"{attack} needs references, which this audit has not; add references, or leave {attack} out"
            )
            yield Mistake(("audits", name, "attacks"), why)
        return
    asked = {need for knobs in params.under_references(name).values() for need in knobs.needs}
    split = params.split_of(name)
    for target in audit.references:
        other = params.targets[target]
        if target == audit.target or other.split in (split, family.split):
            why = f"{target} was trained on the members that are looked for; name targets of other splits"
            yield Mistake(key, why)
        elif params.dataset_of(other.split) != params.dataset_of(split):
            yield Mistake(key, f"{target} is of other data than {split}; name targets of the same dataset")
        elif lacking := sorted({*asked, *params.conditions_of(name)} - {*other.offers}):
            yield Mistake(
                key, f"{target} has no {lacking[0]}, which the audited target is asked for; leave it out"
            )
        elif other.timesteps != family.timesteps:
            why = f"{target} has {other.timesteps} steps, and the audited target {family.timesteps}; leave it out"
            yield Mistake(key, why)


def _carried(params: Params, name: str, other: str) -> Mistakes:
    """Refuse knobs of an audit itself, and of one with which it can have no statistic in common."""
    asked, known = (set(params.conditions_of(audit)) for audit in (name, other))
    why = ""
    if other == name:
        why = "is the audit itself; name another one"
    elif not params.attacks_on(name).keys() & params.attacks_on(other).keys():
        why = f"no attack is run on both (got {other}); name an audit with the same attacks"
    elif asked.isdisjoint(known) and (asked or known):
        why = (
            f"asks under other conditions, so that no statistic is in both (got {other}: {some(sorted(known))}); "
            "give both audits the same conditions"
        )
    if why:
        yield Mistake(("audits", name, "calibrate_on"), why)


def _reserved(params: Params) -> Mistakes:
    for name in params.attacks:
        if name in RESERVED:
            yield Mistake(("attacks", name), "is the name of a column of result files; rename it")


def _named_as_others(params: Params) -> Mistakes:
    """Refuse an entry that would be printed, and held against what is published, as an attack of another kind."""
    kinds = attack_modules()
    for name, attack in params.attacks.items():
        if name in kinds or name in KNOWN:
            own = max((kind for kind in kinds if f"{name}_".startswith(f"{kind}_")), key=len, default="")
            if own and own != kind_of(attack):
                why = f"is what an attack of kind {own} is called, and this one is of kind {kind_of(attack)}; rename it"
                yield Mistake(("attacks", name), why)


def _timesteps(params: Params) -> Mistakes:
    """Hold what is asked of several targets against the one with the fewest timesteps, so that one line says it."""
    steps, target = _fewest(params, params.audits)
    if params.quality.steps > steps:
        yield Mistake(("quality", "steps"), f"must be at most {steps}, the steps of targets.{target}")
    for name, attack in params.attacks.items():
        audits = [audit for audit in params.audits if name in params.attacks_on(audit)]
        if audits and attack.last_query is not None:
            steps, target = _fewest(params, audits)
            if attack.last_query >= steps:
                why = f"must be below {steps}, the steps of targets.{target} (asks at {attack.last_query})"
                yield Mistake(attack.timesteps_of(name), why)


def _fewest(params: Params, audits: Collection[str]) -> tuple[int, str]:
    return min((params.family_of(audit).timesteps, params.audits[audit].target) for audit in audits)


def _derived(params: Params) -> Mistakes:
    """Refuse what is derived of a derived attack: scores are derived in one step."""
    for name, attack in params.attacks.items():
        for base in attack.bases:
            if isinstance(params.attacks.get(base), DerivedAttack):
                yield Mistake(
                    ("attacks", name, "of"), f"{base} is itself derived; name one that asks a model"
                )


def _theory(params: Params) -> Mistakes:
    theory, members = params.theory, params.splits[params.theory_split].members
    steps, last = theory.schedule.num_train_timesteps, theory.field_timesteps[-1]
    for key, latest in ("line_timestep", theory.line_timestep), ("field_timesteps", last):
        if latest >= steps:
            yield Mistake(("theory", key), f"must be below {steps}, the steps of its schedule (got {latest})")
    for error in theory.beyond(members) if isinstance(members, int) else ():
        yield Mistake(("theory", error.key), error.why)
