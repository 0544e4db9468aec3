"""The jobs of controls: blind classifiers of a split, and what attacks say of the images that a model draws itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simaudit.attacks.attack import Attack
from simaudit.attacks.derived_attack import DerivedAttack, Statistics
from simaudit.evaluation.knobs import BlindKnobs, EvaluationKnobs, assumptions_of, resampling_of
from simaudit.samples.jobs import QualityKnobs
from simaudit.scoring.jobs import ScoringKnobs, asked, modules_of
from simaudit.storage.array import shape_of
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.targets.memory import model_mb
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, paths_in, reference
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.knobs import Condition, deciding, speed

NEEDS_MEMORY = {"blind": "evaluation.blind.side", "own_statistics": "scoring.batch_size"}
"""The knobs that bound the memory of a job, by its function."""


def _own_statistics_mb(job: Job) -> float:
    """Return MB of the model, and of the largest score file, which is in memory by itself."""
    from simaudit.storage.parquet import row_count

    return model_mb(job) + max(map(row_count, paths_in(job.reads["scores"])), default=0) * 4 / 1e6


MEMORY_MB = {
    "blind": lambda job: 700 + 0.0015 * shape_of(job.input("images"))[0],  # two tables of float32
    "own_statistics": _own_statistics_mb,
}
"""MB of memory that a job needs, by its function."""


def blind_job(split: str, dataset: str, knobs: EvaluationKnobs, labels: bool = False) -> Job:
    """Let classifiers that never see a model tell members from held-out samples: of their `labels`, too, if models are
    asked for these.
    """
    reads = {"images": paths.images(dataset), "split": paths.split(split), "features": paths.features(split)}
    return Job(
        f"blind/{split}",
        reference(blind),
        {"split": split, **deciding(knobs, "near_duplicates", "sets")},
        reads | ({"items": paths.items(dataset)} if labels else {}),
        {"scores": paths.blind(split, "parquet"), "summary": paths.blind(split, "json")},
        speed=speed(knobs),
    )


def blind(job: Job) -> None:
    """Fit the blind classifiers of a split, and measure them as an attack is measured."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from simaudit.data.complexity import read_features
    from simaudit.data.split import Split
    from simaudit.data.store import Images, read_items
    from simaudit.evaluation.controls.blind import blind_scores
    from simaudit.evaluation.protocol.evaluate import evaluate_blind
    from simaudit.scoring.score_file import Scores, ScoreWriter
    from simaudit.storage.atomic import atomic_path
    from simaudit.storage.json import write_json

    samples, resampling = Split.read(job.input("split")), resampling_of(job)
    knobs = BlindKnobs.model_validate(job.params["blind"])
    images, labels = Images.open(job.input("images")), None
    if "items" in job.reads:
        known = read_items(job.input("items"), "label").label.iloc[samples.sample_id]
        labels = known.factorize()[0] + 1  # 0 where there is none
    complexity = np.stack([*read_features(job.input("features"), samples.sample_id).values()], axis=1)
    with threadpool_limits(resampling.threads):
        columns, values = blind_scores(
            images, samples, complexity, knobs.side, knobs.folds, resampling.seed, labels
        )
    metadata = {"attack": BLIND, "member_when": "high"}
    with atomic_path(job.output("scores")) as temporary, ScoreWriter(temporary, metadata) as writer:
        writer.write(columns, samples, slice(None), values)
    facts = evaluate_blind(Scores.read(job.output("scores")), resampling, assumptions_of(job))
    of = {"split": job.params["split"], "one_sided": samples.one_sided}
    write_json(job.output("summary"), {**of, **facts})


def left_out(attack: Attack) -> str | None:
    """Return why an attack is not asked about samples; None where it is."""
    if isinstance(attack, DerivedAttack) and attack.needs_samples:
        return "measures the distance to these samples themselves"
    if isinstance(attack, DerivedAttack) and attack.needs_references:
        return "reads scores under references, which are not asked about samples"
    if attack.learned:
        return "is learned, and has no threshold of a statistic's own"
    return None


def own_statistics_job(
    audit: str,
    split: str,
    attacks: Mapping[str, Attack],
    scoring: ScoringKnobs,
    quality: QualityKnobs,
    reads: Mapping[str, Any],
    family: TargetFamily,
    conditions: Sequence[Condition] = (),
) -> Job:
    """Ask attacks about images that a target drew; `reads` and `conditions` are those of the job that drew them."""
    judged = {name: knobs for name, knobs in attacks.items() if left_out(knobs) is None}
    asking = {base: attacks[base] for knobs in judged.values() for base in knobs.bases} | judged
    by_class = {"quality": {"seed": quality.seed}} if "labels" in conditions else {}
    return Job(
        f"own_statistics/{audit}",
        reference(own_statistics),
        {
            "target": audit,
            "kind": family.kind,
            "attacks": [asked(name, knobs) for name, knobs in asking.items()],
            "scoring": deciding(scoring),
            **by_class,
        },
        {
            **reads,
            "features": paths.features(split),
            "samples": paths.samples(audit),
            "scores": {name: paths.scores(audit, name) for name in asking},
        },
        {"own_statistics": paths.of_target("own_statistics", audit)},
        (
            family_modules()[family.kind],
            *sorted({module for knobs in asking.values() for module in modules_of(knobs)}),
        ),
        speed=speed(scoring),
        process=f"score/{audit}",
    )


def own_statistics(job: Job) -> Mapping[str, Any]:
    """Ask each attack about a target's own samples, at the knobs that calibration chooses."""
    import numpy as np

    from simaudit.data.complexity import features_of, read_features
    from simaudit.data.split import Split
    from simaudit.evaluation.controls.own_samples import SCHEMA, own_statistics
    from simaudit.evaluation.protocol.selection import selected_column
    from simaudit.samples.asked import OwnSamples
    from simaudit.scoring.derived.derive import derive_of_others
    from simaudit.scoring.jobs import attack_of
    from simaudit.scoring.score_file import Scores
    from simaudit.storage.parquet import write_table

    own, split = OwnSamples.of(job), Split.read(job.input("split"))
    drawn, files = own.images, job.reads["scores"]
    features = [
        read_features(job.input("features"), split.sample_id),
        features_of(drawn, np.arange(len(drawn))),
    ]

    def derive(attack: DerivedAttack, of: Mapping[str, Statistics]) -> Statistics:
        scores = {base: Scores.read(Path(files[base])) for base in of}
        return derive_of_others(attack, scores, split, features[0], of, features[1])

    attacks = {said["name"]: attack_of(said, Attack) for said in job.params["attacks"]}
    chosen = {
        name: selected_column(Scores.read(Path(files[name])))
        for name, attack in attacks.items()
        if left_out(attack) is None
    }
    statistics = own_statistics(attacks, chosen, own.statistics, derive)
    write_table(job.output("own_statistics"), statistics, SCHEMA)
    return {"device": str(own.device)}


def own_samples_job(audit: str, split: str, attacks: Mapping[str, Attack]) -> Job:
    """Hold what attacks say of images that a target drew against the thresholds of its audit."""
    reasons = {name: why for name, knobs in attacks.items() if (why := left_out(knobs))}
    return Job(
        f"own_samples/{audit}",
        reference(own_samples),
        {"target": audit, "left_out": reasons},
        {
            "split": paths.split(split),
            "samples": paths.samples(audit),
            "own_statistics": paths.of_target("own_statistics", audit),
            "summary": paths.of_target("summary", audit),
        },
        {"own_samples": paths.of_target("own_samples", audit)},
        process=f"evaluation/{audit}",
    )


def own_samples(job: Job) -> None:
    """Measure which share of a target's own samples each attack accuses, at the threshold that calibration set."""
    from simaudit.data.split import Split
    from simaudit.evaluation.controls.own_samples import shares_accused
    from simaudit.evaluation.protocol.metrics import tail_mark
    from simaudit.evaluation.protocol.transfer import TRANSFERRED
    from simaudit.storage.json import read_json, write_json
    from simaudit.storage.parquet import read_table

    split = Split.read(job.input("split"))
    sides = (int((split.is_calibration & side).sum()) for side in (split.is_member, ~split.is_member))
    shares = shares_accused(
        read_table(job.input("own_statistics")),
        read_json(job.input("summary"))["attacks"],
        tail_mark(TRANSFERRED["transferred"], *sides),
    )
    write_json(
        job.output("own_samples"),
        {
            "target": job.params["target"],
            "own_samples": {"drawn": shape_of(job.input("samples"))[0]},
            "attacks": shares,
            "left_out": job.params["left_out"],
        },
    )
