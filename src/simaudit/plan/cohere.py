"""What must hold between the sections of params.yaml, each of which is valid by itself."""

from collections.abc import Collection, Iterator

from simaudit.figures.figure import TargetFigure
from simaudit.plan.params import Params
from simaudit.vocabulary import paths

Mistakes = Iterator[tuple[str, str]]
"""For each mistake the dotted key, and what is wrong with its value."""


def mistakes(params: Params) -> Mistakes:
    """Yield every name of no entry; if there is none, every value that does not fit other sections."""
    dangling = list(_dangling(params))
    yield from dangling
    if not dangling:
        for audit in params.audits:
            yield from _of_audit(params, audit)
        yield from _timesteps(params)
        yield from _theory(params)


def _dangling(params: Params) -> Mistakes:
    for name, split in params.splits.items():
        yield from _unknown(f"splits.{name}.dataset", [split.dataset], params.datasets)
    for name, target in params.targets.items():
        yield from _unknown(f"targets.{name}.split", [target.split], params.splits)
        if target.given and target.given.is_relative_to(paths.TARGETS) and not target.given.exists():
            made_by = target.given.relative_to(paths.TARGETS).parts[:1]
            yield from _unknown(f"targets.{name}.autoencoder.pretrained", made_by, params.targets)
    for name, audit in params.audits.items():
        yield from _unknown(f"audits.{name}.target", [audit.target], params.targets)
        yield from _unknown(f"audits.{name}.split", [audit.split] if audit.split else [], params.splits)
        yield from _unknown(f"audits.{name}.attacks", audit.attacks or [], params.attacks)
        yield from _unknown(f"audits.{name}.figures", audit.figures or [], params.figures)
    yield from _unknown("theory.split", [params.theory_split], params.splits)


def _unknown(key: str, names: Collection[str], known: Collection[str]) -> Mistakes:
    for name in names:
        if name not in known:
            yield key, f"no such entry; known: {', '.join(known) or 'none'} (got {name!r})"


def _of_audit(params: Params, name: str) -> Mistakes:
    audit, family, key = params.audits[name], params.family_of(name), f"audits.{name}"
    if name == paths.RUN:
        yield key, "is the folder of the figures of all audits; rename it"
    if name in params.splits:
        yield key, "is also the name of a split; numbers are named after both, rename one"
    for attack in audit.attacks or ():
        if lacking := sorted(params.attacks[attack].needs - family.offers):
            yield f"{key}.attacks", f"{attack} needs a {lacking[0]}, which kind {family.kind} has not"
    yield from _unknown(f"{key}.intermediate_attacks", audit.intermediate_attacks, params.attacks_on(name))
    for figure in audit.figures or ():
        if not isinstance(params.figures[figure], TargetFigure):
            yield f"{key}.figures", f"{figure} is of all audits together; leave it out"


def _timesteps(params: Params) -> Mistakes:
    """Hold what is asked of several targets against the one with the fewest timesteps, so that one line says it."""
    steps, target = _fewest(params, params.audits)
    if params.quality.steps > steps:
        yield "quality.steps", f"must be at most {steps}, the steps of targets.{target}"
    for name, attack in params.attacks.items():
        audits = [audit for audit in params.audits if name in params.attacks_on(audit)]
        if audits and attack.last_query is not None:
            steps, target = _fewest(params, audits)
            if attack.last_query >= steps:
                why = f"must be below {steps}, the steps of targets.{target} (asks at {attack.last_query})"
                yield f"attacks.{name}.timesteps", why


def _fewest(params: Params, audits: Collection[str]) -> tuple[int, str]:
    return min((params.family_of(audit).timesteps, params.audits[audit].target) for audit in audits)


def _theory(params: Params) -> Mistakes:
    theory, members = params.theory, params.splits[params.theory_split].members
    steps, last = theory.schedule.num_train_timesteps, theory.field_timesteps[-1]
    for key, latest in ("line_timestep", theory.line_timestep), ("field_timesteps", last):
        if latest >= steps:
            yield f"theory.{key}", f"must be below {steps}, the steps of its schedule (got {latest})"
    for key, count in ("line_members", theory.line_members), ("field_members", theory.field_members):
        if count > members:
            yield f"theory.{key}", f"must be at most {members}, the members of its split (got {count})"
