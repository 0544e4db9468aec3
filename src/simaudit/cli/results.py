"""Verbs that turn scores and samples into results, from blind, nearest and evaluate to numbers and figure."""

import logging
from pathlib import Path
from typing import Any

import click

from simaudit.cli.options import (
    FILE,
    FOLDER,
    images_option,
    results_option,
    scores_option,
    split_option,
    stamp_option,
    threads_option,
)
from simaudit.vocabulary.errors import SimauditError

log = logging.getLogger("simaudit")


@click.command()
@stamp_option
@images_option
@split_option
@threads_option
@click.option("--scores", type=FILE, required=True, help="Where their scores go, Parquet.")
@click.option("--summary", type=FILE, required=True, help="Where the selected row goes, JSON.")
def blind(stamp: Path, images: Path, split: Path, threads: int, scores: Path, summary: Path) -> None:
    """Let classifiers that never see a model tell members from held-out samples."""
    from threadpoolctl import threadpool_limits

    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.evaluation.controls.blind import blind_scores
    from simaudit.evaluation.protocol.evaluate import evaluate_blind
    from simaudit.evaluation.protocol.selected import BLIND
    from simaudit.plan.params import BlindKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.scoring.score_file import Scores, ScoreWriter
    from simaudit.storage.atomic import atomic_path
    from simaudit.storage.json import write_json

    job, samples = Stamp.read(stamp).params, Split.read(split)
    knobs, resampling = BlindKnobs.model_validate(job["blind"]), _resampling(job["evaluation"], threads)
    with threadpool_limits(threads):
        columns, values = blind_scores(
            open_images(images)[samples.sample_id], samples, knobs.side, knobs.folds, resampling.seed
        )
    metadata = {"attack": BLIND, "member_when": "high"}
    with atomic_path(scores) as temporary, ScoreWriter(temporary, metadata) as writer:
        writer.write(columns, samples, slice(None), values)
    facts = evaluate_blind(Scores.read(scores), resampling)
    write_json(summary, {"split": split.stem, **facts})


@click.command()
@stamp_option
@images_option
@split_option
@click.option("--output", type=FILE, required=True, help="Where they go, Parquet.")
def nearest(stamp: Path, images: Path, split: Path, output: Path) -> None:
    """Find the member that each sample of a split looks most like."""
    from simaudit.data.neighbours import SCHEMA, nearest_members
    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.provenance.stamps import Stamp
    from simaudit.storage.parquet import write_table

    Stamp.read(stamp)
    write_table(output, nearest_members(open_images(images), Split.read(split)), SCHEMA)


@click.command()
@stamp_option
@scores_option
@click.option(
    "--blind", type=FILE, required=True, help="Scores of the blind classifiers of the target's split."
)
@click.option("--nearest", type=FILE, required=True, help="The nearest member of every sample, Parquet.")
@click.option(
    "--snapshot",
    "snapshots",
    type=(int, FILE),
    multiple=True,
    help="An epoch and scores of the target's state after it; repeatable.",
)
@threads_option
@click.option("--table", type=FILE, required=True, help="Where every metric goes, Parquet.")
@click.option("--summary", type=FILE, required=True, help="Where the selected rows go, JSON.")
@click.option("--differences", type=FILE, required=True, help="Where differences between attacks go, JSON.")
@click.option(
    "--permutation", type=FILE, required=True, help="Where the control of shuffled labels goes, JSON."
)
@click.option("--selected", type=FILE, required=True, help="Where the selected statistics go, Parquet.")
@click.option("--profiles", type=FILE, required=True, help="Where the distributions by role go, Parquet.")
@click.option("--metrics", type=FILE, required=True, help="Where a few numbers for `dvc metrics` go, JSON.")
@click.option("--epochs", type=FILE, required=True, help="Where the states on the way go, JSON.")
def evaluate(
    stamp: Path,
    score_files: tuple[Path, ...],
    blind: Path,
    nearest: Path,
    snapshots: tuple[tuple[int, Path], ...],
    threads: int,
    table: Path,
    summary: Path,
    differences: Path,
    permutation: Path,
    selected: Path,
    profiles: Path,
    metrics: Path,
    epochs: Path,
) -> None:
    """Measure every attack on one target; choose knobs on calibration, report on evaluation."""
    from threadpoolctl import threadpool_limits

    from simaudit.evaluation.protocol.evaluate import evaluate, evaluate_snapshots, headline
    from simaudit.evaluation.protocol.metrics import SCHEMA as METRICS
    from simaudit.evaluation.protocol.profiles import SCHEMA as PROFILES
    from simaudit.provenance.stamps import Stamp
    from simaudit.scoring.score_file import Scores
    from simaudit.storage.json import write_json
    from simaudit.storage.parquet import read_table, write_table

    resampling = _resampling(Stamp.read(stamp).params, threads)
    reference = Scores.read(blind)
    with threadpool_limits(
        1
    ):  # the threads are one a statistic; a linear algebra library's own would only spin
        found = evaluate(map(Scores.read, score_files), reference, read_table(nearest), resampling)
        on_the_way = evaluate_snapshots(
            ((epoch, Scores.read(path)) for epoch, path in snapshots), reference, resampling
        )
    found.selected.write(selected)
    write_json(epochs, {"target": summary.stem, "epochs": on_the_way})
    write_json(differences, {"target": summary.stem, **found.differences})
    write_json(permutation, {"target": summary.stem, **found.permutation})
    write_table(table, found.table, METRICS)
    write_table(profiles, found.profiles, PROFILES)
    write_json(metrics, headline(found.summary))
    write_json(summary, {"target": summary.stem, "split": blind.stem, **found.summary})


@click.command()
@stamp_option
@images_option
@click.option("--labels", type=FILE, required=True, help="Their class labels, .npy.")
@split_option
@click.option("--samples", type=FILE, required=True, help="Images drawn from the target, .npy.")
@threads_option
@click.option("--output", type=FILE, required=True, help="Where the distances go, JSON.")
def quality(
    stamp: Path, images: Path, labels: Path, split: Path, samples: Path, threads: int, output: Path
) -> None:
    """Measure how far a target's samples are from members and from held-out images."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.evaluation.protocol.quality import quality
    from simaudit.plan.params import QualityKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.samples.features import extractor
    from simaudit.storage.json import write_json

    job, roles, real = Stamp.read(stamp).params, Split.read(split), open_images(images)
    knobs = QualityKnobs.model_validate(job["quality"])
    with threadpool_limits(threads):
        features = extractor(knobs.features, real, np.load(labels, allow_pickle=False), knobs.seed)
        of_real = features(real[roles.sample_id])
        found = quality(
            features(open_images(samples)),
            of_real[roles.is_member],
            of_real[~roles.is_member],
            job["evaluation"]["bootstrap"],
            job["evaluation"]["seed"],
        )
    write_json(output, {"target": output.stem, "features": knobs.features, "frechet": found})


@click.command()
@stamp_option
@results_option
@click.option("--output", type=FOLDER, required=True, help="Where controls, groups and ranks go, JSON each.")
def compare(stamp: Path, results: Path, output: Path) -> None:
    """Hold the controls against what they must show; compare seeds of one target, and attacks over targets."""
    from simaudit.evaluation.comparison.compare import compare
    from simaudit.evaluation.results import Results
    from simaudit.provenance.stamps import Stamp
    from simaudit.report.outcome import control_line
    from simaudit.storage.json import read_json, write_json
    from simaudit.vocabulary.context import AuditContext

    job = Stamp.read(stamp).params
    targets = [Results(results, name, AuditContext(**context)) for name, context in job["targets"].items()]
    splits = sorted({target.split for target in targets})
    found = compare(
        targets,
        {split: read_json(results / "evaluation" / "blind" / f"{split}.json") for split in splits},
        job["evaluation"]["bootstrap"],
        job["evaluation"]["seed"],
    )
    for name, content in found.items():
        write_json(output / f"{name}.json", content)
    log.info(control_line(found["controls"]["controls"]))


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--output", type=FILE, required=True, help="Where the ledger goes, JSON.")
def numbers(files: tuple[Path, ...], output: Path) -> None:
    """Write every number of result FILES into one ledger, each with where it came from."""
    from simaudit.evaluation.numbers import ledger
    from simaudit.storage.json import write_json

    write_json(output, ledger(files))


@click.command()
@click.argument("name")
@click.option("--target", help="Which target; not for a figure of all targets together.")
@results_option
@click.option(
    "--params", "stamp", type=FILE, help="The figure's stamp, results/params/figure/….json if not given."
)
@click.option(
    "--set", "knobs", multiple=True, metavar="KNOB=VALUE", help="Another value of a knob; repeatable."
)
@click.option(
    "--output",
    "outputs",
    type=FILE,
    multiple=True,
    required=True,
    help="A .pdf, .png, .csv or .json; repeatable.",
)
def figure(
    name: str,
    target: str | None,
    results: Path,
    stamp: Path | None,
    knobs: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> None:
    """Draw the figure NAME from existing results: its picture, the values in it, or its caption."""
    from simaudit.evaluation.results import Results, Run
    from simaudit.figures.drawing import SUFFIXES, draw
    from simaudit.provenance.stamps import Stamp
    from simaudit.vocabulary.context import AuditContext
    from simaudit.vocabulary.paths import RUN

    path = stamp or results / "params" / "figure" / (target or RUN) / f"{name}.json"
    if not path.exists():
        raise SimauditError(
            f"{path}: missing; `simaudit figures` lists the figures of params.yaml, and why one may not be drawn"
        )
    for output in outputs:
        if output.suffix not in SUFFIXES:
            raise SimauditError(f"{output}: must end in one of {', '.join(SUFFIXES)}")
    job = Stamp.read(path).params
    of = (
        Results(results, target)
        if target
        else Run(results, {name: AuditContext(**context) for name, context in job["targets"].items()})
    )
    draw(_figure(name, job["figure"], knobs), of).save(outputs)


def _figure(name: str, job: dict[str, Any], knobs: tuple[str, ...]) -> Any:
    """The figure of a stamp, with other values of some knobs (`knob=value`, the value in YAML)."""
    import yaml
    from pydantic import ValidationError

    from simaudit.figures.figure import figure_type

    for knob in knobs:
        key, _, value = knob.partition("=")
        job = job | {key: yaml.safe_load(value)}
    try:
        return figure_type(name).model_validate(job)
    except ValidationError as error:
        first = error.errors()[0]
        raise SimauditError(f"--set {first['loc'][0]}: {first['msg']} (got {first['input']!r})") from None


def _resampling(evaluation: Any, threads: int) -> Any:
    """From the section `evaluation` of a stamp."""
    from simaudit.evaluation.protocol.evaluate import Resampling

    return Resampling(evaluation["bootstrap"], evaluation["permutations"], evaluation["seed"], threads)
