"""The jobs that evaluate: an audit's numbers and quality, comparisons, the ledger."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simaudit.evaluation.comparison import PAPERS
from simaudit.evaluation.knobs import EvaluationKnobs, assumptions_of, resampling_of
from simaudit.samples.jobs import QualityKnobs
from simaudit.storage.array import shape_of
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, paths_in, reference
from simaudit.vocabulary.knobs import deciding, speed
from simaudit.vocabulary.membership import Membership

EVALUATED = ("table", "summary", "selected", "differences", "permutation", "epochs", "profiles", "metrics")
"""What `evaluate` writes, by name of the file."""
COMPARED = ("table", "summary", "selected", "permutation", "quality", "sets")
"""What of each audit `compare` reads."""

NEEDS_MEMORY = {
    "evaluate": "evaluation.threads or evaluation.bootstrap",
    "quality": "quality.samples",
    "compare": "evaluation.bootstrap",
}
"""The knobs that bound the memory of a job, by its function."""


def _feature_mb(job: Job) -> float:
    """Return MB of the features of one image, and of what is computed of them."""
    return 0.05 if job.params["quality"]["features"] == "inception" else 0.002


def _evaluate_mb(job: Job) -> float:
    """Return MB of the statistics of the largest score file, which is in memory by itself, and of its samples.

    Of each sample there is a byte for each resample and permutation, 15 for each attack, 300 for each thread, which
    sorts a statistic and has midranks of a block of them, and 100 once.
    """
    from simaudit.storage.parquet import row_count

    files = paths_in([job.reads["scores"], job.reads["intermediate"]])
    width = 4 if "nearest" in job.reads else 8  # scores that others computed are float64, and of no images
    samples = row_count(job.input("nearest") if "nearest" in job.reads else paths.split(job.params["split"]))
    drawn: int = job.params["bootstrap"] + job.params["permutations"]
    of_sample: float = drawn + 15 * len(job.reads["scores"]) + 300 * job.speed["threads"] + 100
    return 500 + (width * max(map(row_count, files), default=0) + of_sample * samples) / 1e6


MEMORY_MB = {
    "evaluate": _evaluate_mb,
    "quality": lambda job: 1500 + _feature_mb(job) * shape_of(job.input("images"))[0],
    "compare": lambda job: 2000 + 3 * job.read_mb("evaluation"),  # the selected statistics of every audit
}
"""MB of memory that a job needs, by its function."""


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
        process=f"evaluation/{audit}",
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
    resampling = resampling_of(job)
    reference = Scores.read(job.input("blind")) if "blind" in job.reads else None
    nearest = read_table(job.input("nearest")) if "nearest" in job.reads else None
    assumed = assumptions_of(job)
    scores = (Scores.read(Path(path)) for path in job.reads["scores"])
    states = (
        (int(epoch), Scores.read(Path(path)))
        for epoch, files in job.reads["intermediate"].items()
        for path in files
    )
    with threadpool_limits(1):  # each statistic has a thread; a linear algebra library's own would only wait
        audit = evaluate(scores, reference, nearest, resampling, assumed)
        epochs = (
            evaluate_intermediate(states, reference, resampling, assumed)
            if reference and job.reads["intermediate"]
            else {}
        )
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
        process=f"evaluation/{audit}",
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
        {"numbers": paths.NUMBERS, "occasion": paths.OCCASION},
    )


def numbers(job: Job) -> None:
    """Write every number of result files into one ledger, each with the place that it comes from; and when that was."""
    from simaudit.evaluation.numbers import ledger
    from simaudit.machine.commit import occasion
    from simaudit.storage.json import write_json

    write_json(job.output("numbers"), ledger(job.inputs, job.params["membership"]))
    write_json(job.output("occasion"), occasion())
