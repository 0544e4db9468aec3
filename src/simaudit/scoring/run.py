"""Running one attack over a split, batch by batch, into a score file that is whole or absent."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import torch

from simaudit.attacks.attack import TargetAttack
from simaudit.attacks.derived_attack import Known
from simaudit.attacks.learning_attack import LearningAttack
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.diffusion.noise import SampleNoise, noise_of_batches
from simaudit.machine.progress import Progress
from simaudit.machine.transfer import sent_ahead
from simaudit.scoring.conditions import statistics_under
from simaudit.scoring.score_file import ScoreWriter, require_finite
from simaudit.storage.atomic import atomic_path
from simaudit.targets.target import Target
from simaudit.vocabulary.knobs import Condition
from simaudit.vocabulary.variant import Column

Answers = Iterator[tuple[slice, list[Column], np.ndarray]]
"""Samples of a split, what the K statistics are, and their values (K, B), or (K, B, …) where they are maps."""


def write_scores(
    path: Path,
    attack: TargetAttack,
    target: Target,
    images: Images,
    split: Split,
    *,
    seed: int,
    batch_size: int,
    device: torch.device,
    metadata: dict[str, str],
    conditions: Sequence[Condition] = (),
    labels: np.ndarray | None = None,
) -> None:
    """Score every sample of `split` with `attack` and write the long table to `path`, atomically.

    A model of classes is asked under each of `conditions`, with the `labels` (N,) int64 of the samples of the split.
    `images` is (N, C, H, W) and may be memory-mapped: one batch is read and one row group written at a time, so that
    memory does not grow with N. A sample's statistic does not depend on its batch.
    A `LearningAttack` answers with maps; when all samples have theirs, it learns.
    Raises SimauditError naming timestep, variant and sample_id when a statistic is not finite.
    """

    def answers() -> Answers:
        parts = _parts(len(split), batch_size)
        ids = [split.sample_id[rows] for rows in parts]
        batches = sent_ahead((images[sample_ids] for sample_ids in ids), device)
        noises = noise_of_batches(seed, ids, device)
        with Progress("", len(split), unit="sample") as progress:
            for rows, sample_ids, batch, noise in zip(parts, ids, batches, noises, strict=True):
                asked = None if labels is None else torch.from_numpy(labels[rows])
                columns, values = score_batch(attack, target, batch, noise, conditions, asked)
                totals = values.reshape(*values.shape[:2], -1).sum(
                    axis=2
                )  # of a map, not finite if one number is not
                require_finite(path, columns, totals, sample_ids)
                yield rows, columns, values
                progress.advance(len(sample_ids))

    made = answers()
    if isinstance(attack, LearningAttack):
        made = learned(attack, made, split, path.parent, device)
    with atomic_path(path) as temporary, ScoreWriter(temporary, metadata) as writer:
        for rows, columns, values in made:
            writer.write(columns, split, rows, values)


def learned(
    attack: LearningAttack, answers: Answers, split: Split, folder: Path, device: torch.device
) -> Answers:
    """Yield what an attack learns from the maps of all samples, which wait in a file of `folder` that has no name."""
    calibration = split.is_calibration
    known = Known({}, {}, split.is_member & calibration, ~split.is_member & calibration)
    rows, columns, values = next(answers)
    with TemporaryFile(dir=folder) as file:
        maps = np.memmap(file, np.float32, shape=(len(values), len(split), *values.shape[2:]))
        maps[:, rows] = values
        for rows, _, values in answers:
            maps[:, rows] = values
        yield slice(None), columns, np.stack([attack.learn(of_column, known, device) for of_column in maps])


def score_batch(
    attack: TargetAttack,
    target: Target,
    images: torch.Tensor,
    noise: SampleNoise,
    conditions: Sequence[Condition] = (),
    labels: torch.Tensor | None = None,
) -> tuple[list[Column], np.ndarray]:
    """Return what the K statistics of a batch of images (B, C, H, W) are, and their values as (K, B) float32.

    Those of a `LearningAttack` are (K, B, …). `conditions` and `labels` (B,) are as in `statistics_under`. An attack
    that differentiates is run outside inference mode, where it records what it differentiates by itself; the batch is
    given to it in parts of its `microbatch`.
    """
    with torch.inference_mode(not attack.differentiates()), torch.no_grad():
        parts = []
        for rows in _parts(len(images), attack.microbatch):
            asked = None if labels is None else labels[rows]
            parts.append(
                list(statistics_under(conditions, attack, target, images[rows], noise.of(rows), asked))
            )
        values = torch.cat([torch.stack([s.values for s in part]) for part in parts], dim=1)
    columns = [Column(s.timestep, s.variant, s.queries) for s in parts[0]]
    return columns, values.float().cpu().numpy()  # one transfer from the device


def _parts(count: int, most: int | None) -> list[slice]:
    """Return the slices that cut so many samples into parts of at most `most`, or leave them whole."""
    size = most or count
    return [slice(first, first + size) for first in range(0, count, size)]
