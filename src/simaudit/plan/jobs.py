"""Every job that parameters ask for: each phase declares its own, and here they are put together."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simaudit.attacks.access import access_of
from simaudit.attacks.attack import TargetAttack
from simaudit.attacks.derived_attack import DerivedAttack
from simaudit.data.jobs import features_job, nearest_job, prepare_job, split_job
from simaudit.evaluation.at_risk.jobs import at_risk_job
from simaudit.evaluation.controls.jobs import blind_job, own_samples_job, own_statistics_job
from simaudit.evaluation.jobs import compare_job, evaluate_job, numbers_job, quality_job
from simaudit.evaluation.sets.jobs import sets_job
from simaudit.figures.jobs import figure_job
from simaudit.plan.params import Params
from simaudit.report.jobs import NO_RECORDS, report_job, tables_job, verdict_job
from simaudit.samples.jobs import sample_job
from simaudit.scoring.derived.jobs import derive_job
from simaudit.scoring.jobs import score_job
from simaudit.targets.files import SUMMARY
from simaudit.targets.jobs import theory_job, train_job
from simaudit.vocabulary import paths
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.job import Job, plain
from simaudit.vocabulary.knobs import deciding

COMPARED = ("group", "control", "reference", "calibrate_on", "membership")
"""What of an audit's context comparisons read; tables read its `arm` and `kinds` too."""


def jobs(params: Params) -> Iterator[Job]:
    """Yield every job, in an order in which each stands after those whose outputs it reads."""
    before = [*_of_data(params)]
    for audit in params.audits:
        before += _of_audit(params, audit)
    contexts = {name: plain(_known(context)) for name, context in params.contexts.items()}
    facts = _facts(contexts, *COMPARED)
    before.append(compare_job(facts, params.audited_splits, params.evaluation, scores=_carried(params)))
    yield from before
    yield numbers_job(numbered(before), {name: known["membership"] for name, known in contexts.items()})
    figures = {paths.RUN: params.figures_of_run, **{name: params.figures_of(name) for name in params.audits}}
    drawn = {of: [name for name, why in names.items() if why is None] for of, names in figures.items()}
    for of, names in drawn.items():
        for name in names:
            attacks = {} if of == paths.RUN else params.attacks_on(of)
            yield figure_job(of, name, params.figures[name], contexts, params.audited_splits, attacks)
    yield tables_job(_facts(contexts, *COMPARED, "arm", "kinds"))
    datasets = {split: params.dataset_of(split) for split in params.audited_splits}
    yield verdict_job(_facts(contexts, *COMPARED, "is_latent"), datasets, _access(params))
    yield report_job(
        contexts,
        *_on_page(params, figures),
        {name: deciding(params.splits[name]) for name in params.audited_splits},
        {name: paths.target(audit.target) / SUMMARY for name, audit in params.audits.items()},
        [paths.record(job.name) for job in before if job.name != "theory"],
        show_records=params.report.show_records,
    )


def _on_page(
    params: Params, figures: Mapping[str, Mapping[str, str | None]]
) -> tuple[dict[str, list[str]], dict[str, dict[str, str]]]:
    """Return which of the `figures` of each audit, and of the run, stand on the page, and by title why others do not.

    `figures` gives for each None where it is drawn, otherwise the reason why it is not.
    """

    def why_not(name: str, why: str | None) -> str | None:
        hidden = params.figures[name].shows_images and not params.report.show_records
        return why or (NO_RECORDS if hidden else None)

    reasons = {of: {name: why_not(name, why) for name, why in names.items()} for of, names in figures.items()}
    drawn = {of: [name for name, why in names.items() if why is None] for of, names in reasons.items()}
    undrawn = {
        of: {params.figures[name].title: why for name, why in names.items() if why}
        for of, names in reasons.items()
    }
    return drawn, undrawn


def _of_data(params: Params) -> Iterator[Job]:
    """Yield the jobs of what something refers to: an unused entry has none."""
    for name in params.used_datasets:
        yield prepare_job(name, params.datasets[name])
    for name in params.used_splits:
        yield split_job(name, params.splits[name])
    for name in params.audited_splits:
        dataset, knobs = params.dataset_of(name), params.evaluation
        yield nearest_job(name, dataset, knobs.near_duplicates, knobs.threads)
        yield features_job(name, dataset)
        yield blind_job(name, dataset, knobs, params.is_asked_for_labels(name))
    yield theory_job(params.theory, params.theory_split, params.dataset_of(params.theory_split))
    for name, target in params.used_targets.items():
        yield train_job(name, target, params.dataset_of(target.split), params.membership_of(name))


def _of_audit(params: Params, audit: str) -> Iterator[Job]:
    split, family, attacks = params.split_of(audit), params.family_of(audit), params.attacks_on(audit)
    asking = {name: knobs for name, knobs in attacks.items() if isinstance(knobs, TargetAttack)}
    dataset = params.dataset_of(split)
    reads: dict[str, Path] = {
        "images": paths.images(dataset),
        "split": paths.split(split),
        "target": paths.target(params.audits[audit].target),
    }
    conditions = params.conditions_of(audit)
    if "labels" in conditions:
        reads["items"] = paths.items(dataset)
    intermediate = params.audits[audit].intermediate_attacks
    epochs = params.epochs_of(audit) if intermediate else ()
    for name, knobs in asking.items():
        yield score_job(audit, name, knobs, params.scoring, reads, family, conditions=conditions)
    for epoch in epochs:
        for name in intermediate:
            yield score_job(audit, name, asking[name], params.scoring, reads, family, epoch, conditions)
    references = {name: params.targets[name] for name in params.references_of(audit)}
    for name, reference in references.items():
        of = reads | {"target": paths.target(name), "trained_on": paths.split(reference.split)}
        for base in params.under_references(audit):
            yield score_job(
                audit,
                base,
                asking[base],
                params.scoring,
                of,
                reference,
                conditions=conditions,
                as_reference=name,
            )
    yield sample_job(audit, params.quality, params.scoring, reads, family, conditions)
    for name, derived in attacks.items():
        if isinstance(derived, DerivedAttack):
            splits = {target: known.split for target, known in references.items() if derived.needs_references}
            yield derive_job(audit, name, derived, split, dataset, splits)
    yield own_statistics_job(audit, split, attacks, params.scoring, params.quality, reads, family, conditions)
    yield evaluate_job(
        audit,
        split,
        params.contexts[audit].membership,
        {name: paths.scores(audit, name) for name in attacks},
        {epoch: [paths.scores(audit, name, epoch) for name in intermediate] for epoch in epochs},
        params.evaluation,
    )
    yield quality_job(audit, split, dataset, params.quality, params.evaluation)
    yield own_samples_job(audit, split, attacks)
    judging = [name for name, knobs in attacks.items() if not knobs.learned]
    yield sets_job(audit, split, dataset, judging, params.evaluation.sets, params.evaluation.seed)
    yield at_risk_job(audit, split, dataset, judging)


def _access(params: Params) -> dict[str, dict[str, list[str]]]:
    """Return what each attack of each audit takes, see `simaudit.attacks.access`."""
    return {
        audit: {
            name: access_of(name, params.attacks_on(audit), params.conditions_of(audit))
            for name in params.attacks_on(audit)
        }
        for audit in params.audits
    }


def _carried(params: Params) -> dict[str, dict[str, Path]]:
    """Return the score files of audits whose knobs and thresholds come from another one.

    They are those of the threshold attacks of both: a learned head has none in `carried`.
    """
    pairs = {name: audit.calibrate_on for name, audit in params.audits.items() if audit.calibrate_on}
    return {
        name: {
            attack: paths.scores(name, attack)
            for attack, knobs in params.attacks_on(name).items()
            if attack in params.attacks_on(other) and not knobs.learned
        }
        for name, other in pairs.items()
    }


def numbered(before: list[Job]) -> list[Path]:
    """Return the result files of these jobs that numbers are taken from."""
    files = [path for job in before for path in job.outputs]
    folders = [paths.RESULTS / name for name in ("evaluation", "comparison", "cost")]
    return [file for file in files if file.suffix == ".json" and any(map(file.is_relative_to, folders))]


def _known(context: AuditContext) -> dict[str, Any]:
    """Return what readers of results must be told of an audit: which attacks there are, results say themselves."""
    unread = ("attacks", "checkpoint_attacks")
    return {key: value for key, value in asdict(context).items() if key not in unread}


def _facts(contexts: Mapping[str, Mapping[str, Any]], *keys: str) -> dict[str, dict[str, Any]]:
    """Return these facts alone: a job's stamp holds what the job reads, so that nothing else reruns it."""
    return {name: {key: known[key] for key in keys} for name, known in contexts.items()}
