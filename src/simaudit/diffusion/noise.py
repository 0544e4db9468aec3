"""Noise that depends on the sample, and not on the batch or the moment in which it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from simaudit.machine.transfer import sent

KEPT_BYTES = 256_000_000
"""How much memory the draws of a batch may take that are kept for the timesteps to come."""
Draw = tuple[int, tuple[int, ...]]
"""The number of a draw, and the shape of that of one sample."""


class SampleNoise:
    """Standard normal noise for one batch, from a counter-based generator keyed by (seed, sample_id, draw).

    The key of Philox (Salmon et al. 2011) is (seed, sample_id), and the highest word of its counter is the draw. So a
    sample's k-th noise is the same in every batch, order, attack and timestep, and no two draws overlap.
    """

    def __init__(self, seed: int, sample_ids: np.ndarray) -> None:
        """`sample_ids` is (B,) int64."""
        self._seed, self._ids = seed, sample_ids
        self._drawn: dict[Draw, torch.Tensor] = {}
        self._room = KEPT_BYTES
        self._coming: dict[Draw, Future[torch.Tensor]] = {}
        self._thread: ThreadPoolExecutor | None = None
        self._next: SampleNoise | None = None

    def of(self, rows: slice) -> SampleNoise:
        """Return the noise of some samples of the batch, which is what they have in the whole of it."""
        ids = self._ids[rows]
        return self if len(ids) == len(self._ids) else SampleNoise(self._seed, ids)

    def draw(self, k: int, like: torch.Tensor) -> torch.Tensor:
        """Return the k-th draw (0-based) with the shape (B, …), dtype and device of `like`.

        It stays in memory while the batch lasts, so that every timestep reuses it; what there is no room for, after the
        earlier draws, is drawn anew each time.
        """
        draw = (k, like.shape[1:])
        if draw in self._drawn:
            return self._drawn[draw]
        is_kept = like.nbytes <= self._room
        if is_kept and self._thread and self._next:
            self._next._coming[draw] = self._thread.submit(self._next._numbers, *draw, like.device)
        coming = self._coming.pop(draw, None)
        with torch.inference_mode(False):  # whoever differentiates uses it, too
            numbers = (coming.result() if coming else self._numbers(*draw, like.device)).to(like)
        if is_kept:
            self._drawn[draw] = numbers
            self._room -= numbers.nbytes
        return numbers

    def lead(self, following: SampleNoise, thread: ThreadPoolExecutor) -> None:
        """Let a thread draw for the `following` batch, from now on, each draw that is asked for here."""
        self._next, self._thread = following, thread

    def _numbers(self, k: int, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        noise = np.empty((len(self._ids), *shape), dtype=np.float32)
        for row, sample_id in zip(noise, self._ids.tolist(), strict=True):
            generator = np.random.Philox(key=[self._seed, sample_id], counter=[0, 0, 0, k])
            np.random.Generator(generator).standard_normal(dtype=np.float32, out=row)
        return sent(noise, device)


def noise_of_batches(seed: int, batches: Sequence[np.ndarray], device: torch.device) -> Iterator[SampleNoise]:
    """Yield the noise of one batch after another; `batches` are their samples' ids, each (B,) int64.

    While one is worked on, a thread draws for the next one what is drawn for it, so that the device does not wait. On
    the CPU, where a thread would only take a core from that work, all is drawn when it is asked for.
    """
    noises = (SampleNoise(seed, ids) for ids in batches)
    return noises if device.type == "cpu" else _leading(noises)


def _leading(noises: Iterator[SampleNoise]) -> Iterator[SampleNoise]:
    with ThreadPoolExecutor(1) as thread:
        noise = next(noises, None)
        while noise:
            following = next(noises, None)
            if following:
                noise.lead(following, thread)
            yield noise
            noise = following
