"""Asking a target once what several attacks ask of it, in batches as full as can be.

An attack runs until it asks the target, and waits there while others run (a greenlet: it need not know of it). Of all
questions that wait, the one of the earliest timestep is answered next, so that attacks walk through time side by side,
and ask the same question at about the same moment. An answer is kept a while for those that come later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, cast

import torch
from greenlet import getcurrent, greenlet

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.machine.progress import log
from simaudit.targets.target import Target
from simaudit.vocabulary.errors import is_out_of_memory
from simaudit.vocabulary.knobs import Condition
from simaudit.vocabulary.variant import CONDITION

KEPT_BYTES = 256_000_000
"""How much memory the questions of a batch whose answers are kept may take, with these answers."""


class Asking(NamedTuple):
    """An attack, and the conditions under which it asks a model of classes; none for another model."""

    attack: TargetAttack
    conditions: Sequence[Condition] = ()


@dataclass
class AskedTarget:
    """A target, and the samples that it is asked about at a time: fewer, once these were too many for the memory.

    `asked` counts the queries that were really made, and `wanted` those that attacks would have made alone.
    """

    target: Target
    rows: int
    asked: int = 0
    wanted: int = 0

    def answer(self, questions: Sequence[Question], condition: Condition | None) -> list[torch.Tensor]:
        """Return ε̂(z, t) of several questions (B, …) of one condition, each shaped as its z."""
        first = questions[0]
        if len(questions) == 1:
            answers = self._predict(first.z, first.timestep, first.labels, condition)
        else:
            z = torch.cat([question.z for question in questions])
            t = torch.cat([torch.full((len(question.z),), question.timestep) for question in questions])
            given = [question.labels for question in questions if question.labels is not None]
            answers = self._predict(z, t.to(z.device), torch.cat(given) if given else None, condition)
        self.asked += len(answers)
        return list(torch.split(answers, [len(question.z) for question in questions]))

    def _predict(
        self,
        z: torch.Tensor,
        t: int | torch.Tensor,
        labels: torch.Tensor | None,
        condition: Condition | None,
    ) -> torch.Tensor:
        parts, start = [], 0
        while start < len(z):
            rows = slice(start, start + self.rows)
            target = under_condition(self.target, condition, None if labels is None else labels[rows])
            try:
                parts.append(target.predict_noise(z[rows], t if isinstance(t, int) else t[rows]))
            except Exception as error:
                if self.rows == 1 or not is_out_of_memory(error):
                    raise
                self.rows = (min(self.rows, len(z)) + 1) // 2
            else:
                start += self.rows
                continue
            log.warning("scoring.batch_size: too large for the memory here; going on with %d", self.rows)
            if z.device.type == "cuda":
                torch.cuda.empty_cache()
        return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(eq=False)
class Question:
    """What one attack asks about a batch: ε̂(z, t) under the condition of that `place`, for these `labels` if any."""

    z: torch.Tensor
    timestep: int
    place: int
    labels: torch.Tensor | None

    @cached_property
    def total(self) -> float:
        """The sum of z: questions with other sums are not the same.

        A GPU is waited for until it has it, so it is read only where another question is of the same moment.
        """
        return self.z.sum(dtype=torch.float64 if self.z.device.type != "mps" else None).item()

    @property
    def order(self) -> tuple[int, int]:
        """What is asked first."""
        return self.timestep, self.place

    def is_same(self, other: Question) -> bool:
        """Return whether both ask the same, to the bit."""
        return (
            (self.order, self.z.shape) == (other.order, other.z.shape)
            and self.total == other.total
            and torch.equal(self.z, other.z)
        )


@dataclass
class Asked:
    """What an attack has got of one batch: its statistics, and how many seconds it would have taken alone.

    `queries` counts what it asked, all samples and all of its knobs together; 0 where that is not counted. `made` are
    the queries that the model answered for it: what several attacks ask is answered for the first of them.
    """

    statistics: list[Statistic]
    seconds: float
    queries: int = 0
    made: int = 0


def ask(
    asking: Mapping[str, Asking],
    model: AskedTarget,
    images: torch.Tensor,
    noise: SampleNoise,
    labels: torch.Tensor | None = None,
) -> dict[str, Asked]:
    """Return what attacks get for one batch of images (B, C, H, W) in [-1, 1], by their names.

    Statistics that were asked for under a condition name it in their variant, one condition after another; those that
    cost no query depend on none, and appear once. `labels` (B,) int64 are asked for under the condition `labels`. The
    noise is the same for all. None of the attacks may differentiate the denoiser.
    """
    return _Batch(model, images, noise, labels).run(asking)


@dataclass(eq=False)
class _Walk:
    """An attack on its way through a batch, under one of the conditions that it asks under."""

    run: greenlet
    has_asked: bool = False
    statistics: list[Statistic] = field(default_factory=list)
    seconds: float = 0.0
    queries: int = 0
    made: int = 0


class _View:
    """A target as one attack sees it: where it asks, it waits."""

    def __init__(self, batch: _Batch, target: Target, place: int, labels: torch.Tensor | None) -> None:
        self._batch, self._target, self._place, self._labels = batch, target, place, labels

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self._batch.encoded() if images is self._batch.images else self._target.encode(images)

    def predict_noise(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        answer: torch.Tensor = getcurrent().parent.switch(Question(z, timestep, self._place, self._labels))
        return answer


class _Batch:
    """The questions about one batch: those that wait, by who waits for them, and those whose answers are kept."""

    def __init__(
        self, model: AskedTarget, images: torch.Tensor, noise: SampleNoise, labels: torch.Tensor | None
    ) -> None:
        self.images, self._model, self._noise, self._labels = images, model, noise, labels
        self._encoded: torch.Tensor | None = None
        self._conditions: list[Condition | None] = [None]
        self._waiting: dict[Question, list[_Walk]] = {}
        self._kept: OrderedDict[Question, tuple[torch.Tensor, float]] = OrderedDict()

    def encoded(self) -> torch.Tensor:
        """Return z of the images, which all attacks start from."""
        if self._encoded is None:
            self._encoded = self._model.target.encode(self.images)
        return self._encoded

    def run(self, asking: Mapping[str, Asking]) -> dict[str, Asked]:
        self._conditions += sorted({condition for one in asking.values() for condition in one.conditions})
        walks = {name: self._start(one) for name, one in asking.items()}
        while self._waiting:
            self._answer_next()
        return {name: _joined(asking[name].conditions, of_it) for name, of_it in walks.items()}

    def _start(self, asking: Asking) -> list[_Walk]:
        """Set an attack going under each condition; under the first alone where it asks the denoiser nothing."""
        walks: list[_Walk] = []
        for condition in asking.conditions or (None,):
            target = under_condition(self._model.target, condition, self._labels)
            view = cast(Target, _View(self, target, self._conditions.index(condition), self._labels))
            walk = _Walk(greenlet(self._walked(asking.attack, view)))
            walks.append(walk)
            self._go_on(walk, None)
            if not walk.has_asked:
                break
        return walks

    def _walked(self, attack: TargetAttack, target: Target) -> Any:
        return lambda _: list(attack.statistics(target, self.images, self._noise))

    def _go_on(self, walk: _Walk, answer: torch.Tensor | None) -> None:
        """Let an attack run on until it asks what is not known yet, or has its statistics."""
        while True:
            start = time.perf_counter()
            said = walk.run.switch(answer)
            walk.seconds += time.perf_counter() - start
            if not isinstance(said, Question):
                walk.statistics = said
                return
            walk.has_asked = True
            walk.queries += len(said.z)
            self._model.wanted += len(said.z)
            known = next((question for question in self._kept if question.is_same(said)), None)
            if known is None:
                self._wait(walk, said)
                return
            self._kept.move_to_end(known)
            answer, seconds = self._kept[known]
            walk.seconds += seconds

    def _wait(self, walk: _Walk, question: Question) -> None:
        same = next((other for other in self._waiting if other.is_same(question)), question)
        if same is question:
            walk.made += len(question.z)
        self._waiting.setdefault(same, []).append(walk)

    def _answer_next(self) -> None:
        """Answer the question of the earliest timestep, and with it as many others as fill a batch of the model."""
        first, *others = sorted(self._waiting, key=lambda question: question.order)
        together, rows = [first], len(first.z)
        for other in others:
            fits = rows + len(other.z) <= self._model.rows and other.z.shape[1:] == first.z.shape[1:]
            if fits and other.place == first.place:
                together.append(other)
                rows += len(other.z)
        start = time.perf_counter()
        answers = self._model.answer(together, self._conditions[first.place])
        seconds = (time.perf_counter() - start) / len(together)
        for question, answer in zip(together, answers, strict=True):
            self._keep(question, answer, seconds)
        for question, answer in zip(together, answers, strict=True):
            for walk in self._waiting.pop(question):
                walk.seconds += seconds
                self._go_on(walk, answer)

    def _keep(self, question: Question, answer: torch.Tensor, seconds: float) -> None:
        self._kept[question] = answer, seconds
        room = KEPT_BYTES // (2 * answer.nbytes)
        while len(self._kept) > max(room, 1):
            self._kept.popitem(last=False)


def _joined(conditions: Sequence[Condition], walks: Sequence[_Walk]) -> Asked:
    """Return the statistics of an attack under all conditions."""
    statistics = [
        statistic
        for number, walk in enumerate(walks)
        for statistic in under(
            conditions[number] if conditions else None, walk.statistics, is_first=number == 0
        )
    ]
    spent = ((walk.seconds, walk.queries, walk.made) for walk in walks)
    return Asked(statistics, *map(sum, zip(*spent, strict=True)))


def under_condition(target: Target, condition: Condition | None, labels: torch.Tensor | None) -> Target:
    """Return a target as it is asked about a batch under a condition, if any; `labels` (B,) are the batch's classes."""
    if condition is None:
        return target
    return target.conditioned(labels if condition == "labels" else None)


def under(
    condition: Condition | None, statistics: Sequence[Statistic], is_first: bool
) -> Iterator[Statistic]:
    """Yield the statistics of an attack that was asked under a condition, which each that cost a query names.

    The others depend on none, and are those of the first condition alone.
    """
    for statistic in statistics:
        if statistic.queries and condition is not None:
            yield statistic._replace(variant={**statistic.variant, CONDITION: condition})
        elif is_first:
            yield statistic
