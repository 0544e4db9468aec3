"""The jobs that evaluate: blind classifiers of a split, an audit's numbers and quality, comparisons, the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from simaudit.attacks.attack import Attack
from simaudit.attacks.derived_attack import DerivedAttack, Statistics
from simaudit.data.components import WIDEST
from simaudit.data.jobs import NearDuplicateKnobs
from simaudit.evaluation.sets.jobs import SetKnobs
from simaudit.samples.jobs import QualityKnobs
from simaudit.scoring.jobs import ScoringKnobs, asked, modules_of
from simaudit.storage.array import shape_of
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.targets.memory import model_mb
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import MOST_RESAMPLES, Most, Several, Share
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Condition, Knobs, Seed, Threads, deciding, speed
from simaudit.vocabulary.membership import Membership

PAPERS = Path(__file__).parent / "comparison" / "papers"
"""The folder of numbers from papers, CSV."""

EVALUATED = ("table", "summary", "selected", "differences", "permutation", "epochs", "profiles", "metrics")
"""What `evaluate` writes, by name of the file."""
COMPARED = ("table", "summary", "selected", "permutation", "quality", "sets")
"""What of each audit `compare` reads."""

NEEDS_MEMORY = {
    "blind": "evaluation.blind.side",
    "evaluate": "evaluation.threads or evaluation.bootstrap",
    "quality": "quality.samples",
    "own_samples": "scoring.batch_size",
    "compare": "evaluation.bootstrap",
}
"""The knobs that bound the memory of a job, by its function."""


def _feature_mb(job: Job) -> float:
    """Return MB of the features of one image, and of what is computed of them."""
    return 0.05 if job.params["quality"]["features"] == "inception" else 0.002


MEMORY_MB = {
    "blind": lambda job: 700 + 0.0015 * shape_of(job.input("images"))[0],  # two tables of float32
    "evaluate": lambda job: 800 + 8 * job.read_mb("scores"),  # the statistics of an attack, and ranks of them
    "quality": lambda job: 1500 + _feature_mb(job) * shape_of(job.input("images"))[0],
    "own_samples": model_mb,
    "compare": 2000,
}
"""MB of memory that a job needs, by its function."""


class BlindKnobs(Knobs):
    """How the classifiers are fitted that never see a model."""

    folds: Annotated[int, Field(ge=2), Most(20, "a fold of a split may have no more of a side")] = 5
    side: Annotated[int, Field(gt=0), Most(WIDEST, "the covariance of more pixels takes too much memory")] = (
        16
    )


class EvaluationKnobs(Knobs):
    """Resampling settings of the evaluation, what counts as a near duplicate, the blind baseline, and sets of samples.

    `priors` are shares of members among all images asked about, `delta` is that of (ε, δ)-differential privacy.
    """

    seed: Seed = 0
    bootstrap: Annotated[int, Field(ge=100), MOST_RESAMPLES] = 1000
    permutations: Annotated[int, Field(ge=20), MOST_RESAMPLES] = 200
    threads: Threads = 1
    near_duplicates: NearDuplicateKnobs = NearDuplicateKnobs()
    blind: BlindKnobs = BlindKnobs()
    priors: Several[Share] = (0.5, 0.1, 0.01, 0.001)
    delta: Annotated[float, Field(ge=0), Most(0.5, "a larger one allows nearly everything")] = 1e-5
    sets: SetKnobs = SetKnobs()


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
    from simaudit.evaluation.protocol.selected import BLIND
    from simaudit.scoring.score_file import Scores, ScoreWriter
    from simaudit.storage.atomic import atomic_path
    from simaudit.storage.json import write_json

    samples, resampling = Split.read(job.input("split")), _resampling(job)
    knobs = BlindKnobs.model_validate(job.params["blind"])
    images, labels = Images.open(job.input("images")), None
    if "items" in job.reads:
        known = read_items(job.input("items"), "label").label.iloc[samples.sample_id]
        labels = known.factorize()[0] + 1  # 0 where there is none
    features = read_features(job.input("features"), samples.sample_id)
    complexity = np.stack(list(features.values()), axis=1)
    with threadpool_limits(resampling.threads):
        columns, values = blind_scores(
            images, samples, complexity, knobs.side, knobs.folds, resampling.seed, labels
        )
    metadata = {"attack": BLIND, "member_when": "high"}
    with atomic_path(job.output("scores")) as temporary, ScoreWriter(temporary, metadata) as writer:
        writer.write(columns, samples, slice(None), values)
    facts = evaluate_blind(Scores.read(job.output("scores")), resampling, _assumptions(job))
    of = {"split": job.params["split"], "one_sided": samples.one_sided}
    write_json(job.output("summary"), {**of, **facts})


def evaluate_job(
    audit: str,
    split: str,
    membership: Membership,
    scores: Mapping[str, Path],
    intermediate: Mapping[int, Iterable[Path]],
    knobs: EvaluationKnobs,
    images: bool = True,
) -> Job:
    """Measure every attack on one target; `scores` are by attack, `intermediate` ones by epoch.

    Without `images`, of which the blind classifiers and the nearest members are, there are attacks alone.
    """
    of_images = {"blind": paths.blind(split, "parquet"), "nearest": paths.nearest(split)}
    return Job(
        f"evaluate/{audit}",
        reference(evaluate),
        {
            "target": audit,
            "split": split,
            "membership": membership,
            **deciding(knobs, "blind", "near_duplicates", "sets"),
        },
        {
            "scores": list(scores.values()),
            "intermediate": {str(epoch): list(files) for epoch, files in intermediate.items()},
            **(of_images if images else {}),
        },
        {name: paths.of_target(name, audit) for name in EVALUATED},
        speed=speed(knobs),
    )


def evaluate(job: Job) -> None:
    """Measure every attack on one target: knobs are chosen on calibration, numbers are those of evaluation."""
    from threadpoolctl import threadpool_limits

    from simaudit.evaluation.protocol.evaluate import evaluate, evaluate_intermediate, headline
    from simaudit.evaluation.protocol.metrics import SCHEMA as METRICS
    from simaudit.evaluation.protocol.profiles import SCHEMA as PROFILES
    from simaudit.scoring.score_file import Scores
    from simaudit.storage.json import write_json
    from simaudit.storage.parquet import read_table, write_table

    of = {"target": job.params["target"]}
    resampling = _resampling(job)
    reference = Scores.read(job.input("blind")) if "blind" in job.reads else None
    nearest = read_table(job.input("nearest")) if "nearest" in job.reads else None
    assumed = _assumptions(job)
    scores = (Scores.read(Path(path)) for path in job.reads["scores"])
    states = (
        (int(epoch), Scores.read(Path(path)))
        for epoch, files in job.reads["intermediate"].items()
        for path in files
    )
    with threadpool_limits(1):  # each statistic has a thread; a linear algebra library's own would only wait
        audit = evaluate(scores, reference, nearest, resampling, assumed)
        epochs = evaluate_intermediate(states, reference, resampling, assumed) if reference else {}
    audit.selected.write(job.output("selected"))
    write_json(job.output("epochs"), {**of, "epochs": epochs})
    write_json(job.output("differences"), {**of, **audit.differences})
    write_json(job.output("permutation"), {**of, **audit.permutation})
    write_table(job.output("table"), audit.table, METRICS)
    write_table(job.output("profiles"), audit.profiles, PROFILES)
    known = {"membership": job.params["membership"]}
    write_json(job.output("metrics"), {**headline(audit.summary), **known})
    write_json(job.output("summary"), {**of, "split": job.params["split"], **known, **audit.summary})


def quality_job(
    audit: str, split: str, dataset: str, knobs: QualityKnobs, evaluation: EvaluationKnobs
) -> Job:
    """Measure how far a target's samples are from members and from held-out images."""
    images, split_file = paths.images(dataset), paths.split(split)
    reads = {"images": images, "items": paths.items(dataset), "split": split_file}
    resampling = {"bootstrap": evaluation.bootstrap, "seed": evaluation.seed}
    return Job(
        f"quality/{audit}",
        reference(quality),
        {"target": audit, "quality": deciding(knobs), "evaluation": resampling},
        {**reads, "samples": paths.samples(audit)},
        {"quality": paths.of_target("quality", audit)},
        speed=speed(evaluation),
    )


def quality(job: Job) -> None:
    """Measure Fréchet distances of a target's samples to members and to held-out images."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from simaudit.data.split import Split
    from simaudit.data.store import Images, read_items
    from simaudit.evaluation.protocol.quality import quality
    from simaudit.samples.features import DESCRIBED, extractor
    from simaudit.storage.json import write_json

    split, real = Split.read(job.input("split")), Images.open(job.input("images"))
    drawn, used = Images.open(job.input("samples")), split.sample_id
    labels = read_items(job.input("items"), "label").label.iloc[used]
    knobs, resampling = QualityKnobs.model_validate(job.params["quality"]), job.params["evaluation"]
    with threadpool_limits(job.speed["threads"]):
        features = extractor(knobs.features, real, used, labels, knobs.seed)
        distances = quality(
            features.of(drawn, np.arange(len(drawn))),
            features.of(real, split.member_ids),
            features.of(real, split.sample_id[~split.is_member]),
            resampling["bootstrap"],
            resampling["seed"],
            unit=f"in {DESCRIBED[features.kind]}",
        )
    summary = {"target": job.params["target"], "features": features.kind, "frechet": distances}
    write_json(job.output("quality"), summary)


def own_samples_job(
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
    bases = sorted({base for knobs in attacks.values() for base in knobs.bases})
    by_class = {"quality": {"seed": quality.seed}} if "labels" in conditions else {}
    return Job(
        f"own_samples/{audit}",
        reference(own_samples),
        {
            "target": audit,
            "kind": family.kind,
            "attacks": [asked(name, knobs) for name, knobs in attacks.items()],
            "scoring": deciding(scoring),
            **by_class,
        },
        {
            **reads,
            "features": paths.features(split),
            "samples": paths.samples(audit),
            "scores": {base: paths.scores(audit, base) for base in bases},
            "summary": paths.of_target("summary", audit),
        },
        {"own_samples": paths.of_target("own_samples", audit)},
        (
            family_modules()[family.kind],
            *sorted({module for knobs in attacks.values() for module in modules_of(knobs)}),
        ),
        speed=speed(scoring),
    )


def own_samples(job: Job) -> Mapping[str, Any]:
    """Measure which share of a target's own samples each attack accuses, at the threshold that calibration set."""
    import numpy as np
    import torch

    from simaudit.data.classes import read_classes
    from simaudit.data.complexity import features_of, read_features
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.evaluation.controls.own_samples import shares_accused
    from simaudit.evaluation.protocol.metrics import tail_mark
    from simaudit.evaluation.protocol.transfer import TRANSFERRED
    from simaudit.machine.devices import resolve_device
    from simaudit.samples.asked import OwnSamples
    from simaudit.samples.draw import classes_to_draw
    from simaudit.scoring.derive import derive_of_others
    from simaudit.scoring.jobs import attack_of
    from simaudit.scoring.score_file import Scores
    from simaudit.storage.json import read_json, write_json
    from simaudit.targets.family import family_type

    scoring = ScoringKnobs.model_validate({**job.params["scoring"], **job.speed})
    torch.set_num_threads(scoring.threads)
    device = resolve_device(scoring.device)
    target = family_type(job.params["kind"]).load(job.input("target"), device)
    split, drawn, labels = Split.read(job.input("split")), Images.open(job.input("samples")), None
    if "quality" in job.params:
        of_members = read_classes(job.input("items"), split.member_ids, target.known_classes)
        labels = classes_to_draw(of_members, len(drawn), job.params["quality"]["seed"])
    first_id = max(len(drawn), len(Images.open(job.input("images"))))
    own = OwnSamples(target, drawn, labels, scoring.seed, first_id, scoring.batch_size, device)
    features = [
        read_features(job.input("features"), split.sample_id),
        features_of(drawn, np.arange(len(drawn))),
    ]

    def derive(attack: DerivedAttack, of: Mapping[str, Statistics]) -> Statistics:
        scores = {base: Scores.read(Path(job.reads["scores"][base])) for base in of}
        return derive_of_others(attack, scores, split, features[0], of, features[1])

    sides = (int((split.is_calibration & side).sum()) for side in (split.is_member, ~split.is_member))
    shares = shares_accused(
        {said["name"]: attack_of(said, Attack) for said in job.params["attacks"]},
        read_json(job.input("summary"))["attacks"],
        own.statistics,
        derive,
        tail_mark(TRANSFERRED["transferred"], *sides),
    )
    write_json(
        job.output("own_samples"),
        {"target": job.params["target"], "own_samples": {"drawn": len(drawn)}, **shares},
    )
    return {"device": str(device)}


def compare_job(
    audits: Mapping[str, Mapping[str, Any]],
    splits: Iterable[str],
    knobs: EvaluationKnobs,
    compared: Iterable[str] = COMPARED,
    scores: Mapping[str, Mapping[str, Path]] = MappingProxyType({}),
) -> Job:
    """Hold controls against what they must show, audits against one another; `audits` gives the context of each.

    `splits` are those that have blind classifiers, `compared` the results of each audit that there are; `scores` are
    the score files of audits whose knobs and thresholds come from another one, by audit and attack.
    """
    files = [paths.of_target(name, audit) for audit in audits for name in compared]
    return Job(
        "compare",
        reference(compare),
        {"targets": audits, "evaluation": {"bootstrap": knobs.bootstrap, "seed": knobs.seed}},
        {"evaluation": files, "blind": {split: paths.blind(split, "json") for split in splits}}
        | ({"scores": scores} if scores else {}),
        {name: paths.comparison(name) for name in paths.COMPARISONS},
        given=(PAPERS,),
    )


def compare(job: Job) -> None:
    """Hold controls against what they must show; compare seeds of one target, and attacks over audits."""
    from simaudit.evaluation.comparison.compare import compare
    from simaudit.evaluation.results import Results
    from simaudit.storage.json import read_json, write_json
    from simaudit.vocabulary.context import AuditContext

    audits = [
        Results(paths.RESULTS, name, AuditContext(**context))
        for name, context in job.params["targets"].items()
    ]
    blind = {split: read_json(Path(path)) for split, path in job.reads["blind"].items()}
    scores = {
        audit: {attack: Path(file) for attack, file in files.items()}
        for audit, files in job.reads.get("scores", {}).items()
    }
    comparisons = compare(audits, blind, **job.params["evaluation"], scores=scores)
    for name, content in comparisons.items():
        write_json(job.output(name), content)


def numbers_job(files: Iterable[Path], membership: Mapping[str, Membership]) -> Job:
    """Write every number of result files into one ledger; `membership` is by audit."""
    return Job(
        "numbers",
        reference(numbers),
        {"membership": membership},
        {"files": list(files)},
        {"numbers": paths.NUMBERS},
    )


def numbers(job: Job) -> None:
    """Write every number of result files into one ledger, each with the place that it comes from."""
    from simaudit.evaluation.numbers import ledger
    from simaudit.storage.json import write_json

    write_json(job.output("numbers"), ledger(job.inputs, job.params["membership"]))


def _resampling(job: Job) -> Any:
    from simaudit.evaluation.protocol.evaluate import Resampling

    knobs = job.params
    return Resampling(knobs["bootstrap"], knobs["permutations"], knobs["seed"], job.speed["threads"])


def _assumptions(job: Job) -> Any:
    from simaudit.evaluation.protocol.transfer import Assumptions

    return Assumptions(job.params["priors"], job.params["delta"])
