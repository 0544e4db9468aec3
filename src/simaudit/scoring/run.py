"""Running attacks over a split, batch by batch, into score files that are whole or absent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.attacks.learning_attack import LearningAttack
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.diffusion.noise import SampleNoise, noise_of_batches
from simaudit.machine.progress import Progress
from simaudit.machine.transfer import sent_ahead
from simaudit.scoring.maps import Maps
from simaudit.scoring.questions import Asked, AskedTarget, Asking, ask, under, under_condition
from simaudit.scoring.score_file import ScoreWriter, require_finite
from simaudit.scoring.unfinished import Piece, Unfinished
from simaudit.storage.atomic import atomic_path
from simaudit.targets.target import Target
from simaudit.vocabulary.knobs import Condition
from simaudit.vocabulary.variant import Column


@dataclass(frozen=True)
class ScoreFile:
    """A score file to be written: which attack it is of, and what it says of itself.

    `key` says all that decides its content, the split's rows apart: pieces of another key are not of this file.
    """

    path: Path
    asking: Asking
    metadata: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Asker:
    """Whom score files ask about which images: the N samples of a split, and their classes where these are asked for.

    `images` is (N, C, H, W) and may be memory-mapped: one batch of at most `batch_size` is read at a time, so that
    memory does not grow with N. `labels` are (N,) int64.
    """

    target: Target
    images: Images
    split: Split
    seed: int
    batch_size: int
    device: torch.device
    labels: np.ndarray | None = None

    @cached_property
    def model(self) -> AskedTarget:
        """The target, as it is asked."""
        return AskedTarget(self.target, self.batch_size)

    @property
    def batches(self) -> list[slice]:
        """The rows of the split that are asked about together.

        They follow from the split and the size alone, and none depends on another: a part of them can be scored
        elsewhere.
        """
        return batches_of(len(self.split), self.batch_size)

    def ask(
        self, work: Sequence[tuple[slice | np.ndarray, Mapping[str, Asking]]]
    ) -> Iterator[dict[str, Piece]]:
        """Yield what each attack gets, by its name, of one batch after another: of these samples of the split each."""
        ids = self.split.sample_id
        return ask_in_turn(
            self.model, Samples(self.images, ids, ids, self.labels), self.seed, self.device, work
        )

    def few(
        self, asking: Mapping[str, Asking]
    ) -> Callable[[np.ndarray], dict[str, tuple[list[Column], np.ndarray]]]:
        """Return a function of places in the split, (B,): what the attacks get of these samples, in one batch."""

        def ask(places: np.ndarray) -> dict[str, tuple[list[Column], np.ndarray]]:
            apart = replace(self)  # what is too large for this batch says nothing of others
            (got,) = apart.ask([(places, asking)])
            return {name: (piece.columns, piece.values) for name, piece in got.items()}

        return ask


class Samples(NamedTuple):
    """N samples that are asked about: the `rows` (N,) of `images`, and the `ids` (N,) by which their noise is drawn.

    `labels` are their classes, (N,) int64, where these are asked for.
    """

    images: Images
    rows: np.ndarray
    ids: np.ndarray
    labels: np.ndarray | None = None


def batches_of(count: int, size: int) -> list[slice]:
    """Return the batches of so many samples: all are of one size, or one less, and none is larger than `size`."""
    ends = np.linspace(0, count, -(-count // size) + 1).round().astype(int).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)]


def ask_in_turn(
    model: AskedTarget,
    samples: Samples,
    seed: int,
    device: torch.device,
    work: Sequence[tuple[slice | np.ndarray, Mapping[str, Asking]]],
) -> Iterator[dict[str, Piece]]:
    """Yield what each attack gets, by its name, of one batch after another: of these samples each.

    On a GPU a thread reads the next images and draws the next noise meanwhile.
    """
    batches = sent_ahead((samples.images[samples.rows[batch]] for batch, _ in work), device)
    noises = noise_of_batches(seed, [samples.ids[batch] for batch, _ in work], device)
    for (batch, asking), images, noise in zip(work, batches, noises, strict=True):
        labels = None if samples.labels is None else torch.from_numpy(samples.labels[batch])
        yield score_together(asking, model, images, noise, labels)


class Spent(NamedTuple):
    """The seconds that an attack would have taken alone, and the queries that it would have made, of all samples.

    `made` are the queries that were really made for it, as in `questions.Asked`: the sum over all attacks of a target
    is how often that was asked for what their files hold.
    """

    seconds: float
    queries: int
    made: int


def write_scores(files: Sequence[ScoreFile], asker: Asker, folder: Path) -> list[Spent]:
    """Score every sample of a split by the attack of each file, and write the long tables, atomically.

    Pieces that are finished are kept in `folder`, and those that are there already are not asked for again. A
    `LearningAttack` answers with maps, which are not kept; when all samples have theirs, it learns. Returns what each
    attack would have spent alone.
    Raises SimauditError naming timestep, variant and sample_id when a statistic is not finite.
    """
    pieces, spent = Unfinished(folder), []
    with ExitStack() as stack:
        maps = {
            file.key: stack.enter_context(Maps(file.path.parent, len(asker.split)))
            for file in files
            if learns(file)
        }
        collect(files, asker, asker.batches, pieces, maps)
        for file in files:
            seconds, queries, made = 0.0, 0, 0
            with atomic_path(file.path) as temporary, ScoreWriter(temporary, dict(file.metadata)) as writer:
                for rows, piece in _whole(file, asker, pieces, maps):
                    writer.write(piece.columns, asker.split, rows, piece.values)
                    seconds += piece.seconds
                    queries += piece.queries
                    made += piece.made
            spent.append(Spent(seconds, queries, made))
    return spent


def collect(
    files: Sequence[ScoreFile],
    asker: Asker,
    batches: Sequence[slice],
    pieces: Unfinished,
    maps: Mapping[str, Maps] = MappingProxyType({}),
) -> None:
    """Ask for what `pieces` lack of these batches, and add it; the maps of learning attacks go to `maps`, by key.

    An attack that learns and has no maps is left out.
    """
    due = [
        [file for file in files if file.key in maps or not (learns(file) or pieces.has(file.key, rows))]
        for rows in batches
    ]
    work = [
        (rows, {file.key: file.asking for file in of_it}) for rows, of_it in zip(batches, due, strict=True)
    ]
    with Progress("", sum(rows.stop - rows.start for rows in batches), unit="sample") as progress:
        try:
            for rows, of_it, got in zip(batches, due, asker.ask(work), strict=True):
                for file in of_it:
                    piece = got[file.key]
                    totals = piece.values.reshape(*piece.values.shape[:2], -1).sum(axis=2)
                    require_finite(file.path, piece.columns, totals, asker.split.sample_id[rows])
                    if file.key in maps:
                        maps[file.key].add(rows, piece)
                    else:
                        pieces.add(file.key, rows, piece)
                progress.advance(rows.stop - rows.start)
        finally:
            pieces.write()


def learns(file: ScoreFile) -> bool:
    """Return whether a file is of an attack that answers with maps."""
    return isinstance(file.asking.attack, LearningAttack)


def _whole(
    file: ScoreFile, asker: Asker, pieces: Unfinished, maps: Mapping[str, Maps]
) -> Iterator[tuple[slice, Piece]]:
    """Yield what a file is to hold: batch by batch, or all at once where it was learned."""
    attack = file.asking.attack
    if isinstance(attack, LearningAttack):
        yield slice(None), maps[file.key].learned(attack, asker.split, asker.device)
    else:
        for rows in asker.batches:
            yield rows, pieces.read(file.key, rows)


def score_together(
    asking: Mapping[str, Asking],
    model: AskedTarget,
    images: torch.Tensor,
    noise: SampleNoise,
    labels: torch.Tensor | None = None,
) -> dict[str, Piece]:
    """Return what attacks get of a batch of images (B, C, H, W): K statistics each, with their values (K, B) float32.

    Those of a `LearningAttack` are (K, B, …). `labels` (B,) int64 are as in `questions.ask`. What one attack asks
    another need not ask again; an attack that differentiates asks alone, outside inference mode, where it records what
    it differentiates by itself, and gets the batch in parts of its `microbatch`.
    """
    alone = {name: one for name, one in asking.items() if one.attack.differentiates()}
    with torch.inference_mode():
        together = {name: one for name, one in asking.items() if name not in alone}
        got = {name: _piece([of_it]) for name, of_it in ask(together, model, images, noise, labels).items()}
    for name, one in alone.items():
        with torch.inference_mode(False), torch.no_grad():
            got[name] = _piece(list(_in_parts(one, model, images, noise, labels)))
    return got


def score_batch(
    attack: TargetAttack,
    target: Target,
    images: torch.Tensor,
    noise: SampleNoise,
    conditions: Sequence[Condition] = (),
    labels: torch.Tensor | None = None,
) -> tuple[list[Column], np.ndarray]:
    """Return what the K statistics of one attack are, and their values (K, B): see `score_together`."""
    asking, model = {"": Asking(attack, conditions)}, AskedTarget(target, len(images))
    piece = score_together(asking, model, images, noise, labels)[""]
    return piece.columns, piece.values


def _in_parts(
    asking: Asking,
    model: AskedTarget,
    images: torch.Tensor,
    noise: SampleNoise,
    labels: torch.Tensor | None,
) -> Iterator[Asked]:
    """Yield what an attack gets that differentiates, for one part of a batch after another."""
    size = asking.attack.microbatch or len(images)
    for first in range(0, len(images), size):
        rows, start = slice(first, first + size), time.perf_counter()
        of_rows = None if labels is None else labels[rows]
        before = model.asked
        statistics: list[Statistic] = []
        for place, condition in enumerate(asking.conditions or [None]):
            asked = cast(Target, _Counted(under_condition(model.target, condition, of_rows), model))
            found = list(asking.attack.statistics(asked, images[rows], noise.of(rows)))
            statistics += under(condition, found, is_first=place == 0)
            if not any(statistic.queries for statistic in found):
                break
        yield Asked(statistics, time.perf_counter() - start, made=model.asked - before)


class _Counted:
    """A target as an attack sees it that asks alone: what it asks is counted with all that its model is asked."""

    def __init__(self, target: Target, model: AskedTarget) -> None:
        self._target, self._model = target, model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> _Counted:
        return _Counted(self._target.with_parameters(parameters), self._model)

    def predict_noise(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        self._model.asked += len(z)
        self._model.wanted += len(z)
        return self._target.predict_noise(z, timestep)


def _piece(parts: Sequence[Asked]) -> Piece:
    """Return what an attack got for the parts of a batch as one; one transfer from the device."""
    values = torch.cat([torch.stack([s.values for s in part.statistics]) for part in parts], dim=1)
    columns = [Column(s.timestep, s.variant, s.queries) for s in parts[0].statistics]
    spent = ((part.seconds, part.queries, part.made) for part in parts)
    return Piece(columns, values.float().cpu().numpy(), *map(sum, zip(*spent, strict=True)))
