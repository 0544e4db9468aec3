"""How evaluating an audit grows with the number of its samples: seconds and peak memory of the job `evaluate`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from scale import Spent, seconds, spent
from simaudit.data.split import Split, make_split, write_split
from simaudit.evaluation.jobs import evaluate_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.provenance import stamps
from simaudit.scoring.score_file import Column, ScoreWriter
from simaudit.storage.parquet import write_table
from simaudit.vocabulary import paths

FEW, MANY = 100_000, 1_000_000
BATCH = 1000  # samples in a row group of a score file
THREADS = 2
STATISTICS = {
    "attack": [Column(t, {"norm": k}, 1) for t in range(0, 301, 10) for k in range(8)],
    "blind": [Column(None, {"classifier": "c"}, 0)],
}


def split_of(folder: Path, samples: int) -> Split:
    """Return a split of so many samples, half of them members."""
    folder.mkdir()
    write_split(
        folder / "split.parquet", make_split([f"{i:064x}" for i in range(samples)], samples // 2, 0.3, 0)
    )
    return Split.read(folder / "split.parquet")


def evaluated(folder: Path, split: Split, knobs: EvaluationKnobs) -> tuple[Spent, int]:
    """Return what an evaluation of STATISTICS took, and the MB that the job says it needs."""
    rng = np.random.default_rng(0)
    samples = len(split.sample_id)
    for name, columns in STATISTICS.items():
        with ScoreWriter(folder / f"{name}.parquet", {"attack": name, "member_when": "low"}) as writer:
            for first in range(0, samples, BATCH):
                rows = slice(first, first + BATCH)
                noise = rng.normal(size=(len(columns), len(split.is_member[rows])))
                writer.write(columns, split, rows, noise - split.is_member[rows])
    distances = {"sample_id": split.sample_id, "distance": rng.uniform(size=samples), "near_duplicate": False}
    write_table(folder / "nearest.parquet", pd.DataFrame(distances))
    reads = {name: folder / f"{name}.parquet" for name in ("blind", "nearest")}
    reads |= {"scores": [folder / "attack.parquet"], "intermediate": {}}
    job = evaluate_job("bench", "s", "verified", {}, {}, knobs.model_copy(update={"threads": THREADS}))
    job = replace(job, reads=reads)
    stamps.write([job], folder / paths.STAMPS, folder / paths.SPEED)
    command = ["simaudit", "run", job.name, "--threads", str(THREADS)]
    return spent(command, folder), job.memory_mb


def sorting(split: Split) -> float:
    """Return how long it takes to sort each statistic once in each fold, in seconds."""
    values = np.random.default_rng(0).normal(size=len(split.sample_id))
    folds = split.is_calibration, ~split.is_calibration
    return len(STATISTICS["attack"]) * seconds(lambda: [np.argsort(values[fold]) for fold in folds])


def rows(folder: Path, knobs: EvaluationKnobs) -> Iterator[tuple[str, str]]:
    """Yield what was measured and its reading."""
    took = {}
    for samples in FEW, MANY:
        of = folder / f"evaluation{samples}"
        split = split_of(of, samples)
        took[samples], needed = evaluated(of, split, knobs)
        one = took[samples]
        memory = f"{one.megabytes / 1000:.1f} GB, of {needed / 1000:.1f} GB that the job asks for"
        reading = f"{one.seconds:.0f} s, {one.processor:.0f} core-seconds; {memory}"
        yield f"evaluation of {samples:,} samples × 248 statistics", reading
        if samples == FEW:
            yield (
                "evaluation of them, as a multiple of the time for sorting each once",
                f"{one.seconds / sorting(split):.1f} times",
            )
    few, many = (took[samples].processor / samples for samples in (FEW, MANY))
    yield f"core-seconds per sample, of {MANY:,} samples over {FEW:,}", f"{many / few:.2f} times"
