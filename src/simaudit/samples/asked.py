"""What attacks measure of images that the model has drawn itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from simaudit.attacks.derived_attack import Statistics
from simaudit.data.classes import read_classes
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import set_precision
from simaudit.machine.progress import Progress
from simaudit.samples.draw import classes_to_draw
from simaudit.scoring.batch_size import fitting
from simaudit.scoring.jobs import ScoringKnobs
from simaudit.scoring.questions import AskedTarget, Asking
from simaudit.scoring.run import Samples, ask_in_turn, batches_of
from simaudit.scoring.score_file import require_finite
from simaudit.scoring.unfinished import Piece
from simaudit.targets.files import read_summary
from simaudit.targets.loaded import loaded
from simaudit.targets.target import Target
from simaudit.vocabulary.job import Job


@dataclass(frozen=True)
class OwnSamples:
    """Images (S, C, H, W) that a target has drawn; `labels` (S,) are the classes that it was asked for, if it was.

    Their noise is drawn by `seed`, as that of the split's images. They are numbered from `first_id` on, so that it is
    neither the noise of other images nor that from which they were drawn.
    """

    target: Target
    images: Images
    labels: np.ndarray | None
    seed: int
    first_id: int
    batch_size: int
    device: torch.device

    @classmethod
    def of(cls, job: Job) -> OwnSamples:
        """Return the samples that a job reads, and the target that drew them, ready to be asked.

        Raises SimauditError when the files of the target are not those that it was made with.
        """
        scoring = ScoringKnobs.model_validate({**job.params["scoring"], **job.speed})
        torch.set_num_threads(scoring.threads)
        device, folder = resolve_device(scoring.device), job.input("target")
        set_precision(scoring.precision, device)
        target = loaded(folder, read_summary(folder), device)
        drawn, labels = Images.open(job.input("samples")), None
        if "quality" in job.params:
            members = Split.read(job.input("split")).member_ids
            of_members = read_classes(job.input("items"), members, target.known_classes)
            labels = classes_to_draw(of_members, len(drawn), job.params["quality"]["seed"])
        first_id = max(len(drawn), len(Images.open(job.input("images"))))
        size = fitting(scoring.batch_size, target, drawn, device)
        return cls(target, drawn, labels, scoring.seed, first_id, size, device)

    def statistics(self, asking: Mapping[str, Asking]) -> dict[str, Statistics]:
        """Return every statistic of attacks by their names, asked as when the split is scored: (K, S) float32 each.

        Raises SimauditError when one is not finite.
        """
        parts, places = list[dict[str, Piece]](), np.arange(len(self.images))
        samples = Samples(self.images, places, self.first_id + places, self.labels)
        batches = batches_of(len(places), self.batch_size)
        work = [(batch, asking) for batch in batches]
        asked = ask_in_turn(AskedTarget(self.target, self.batch_size), samples, self.seed, self.device, work)
        with Progress("", len(places), unit="sample") as progress:
            for batch, part in zip(batches, asked, strict=True):
                for piece in part.values():
                    require_finite("the model's own samples", piece.columns, piece.values, places[batch])
                parts.append(part)
                progress.advance(batch.stop - batch.start)
        return {
            name: Statistics(
                parts[0][name].columns,
                np.concatenate([part[name].values for part in parts], axis=1),
                one.attack.member_when,
            )
            for name, one in asking.items()
        }
