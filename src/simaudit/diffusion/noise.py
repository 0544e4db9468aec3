"""Noise that depends on the sample, and not on the batch or the moment in which it is drawn."""

from __future__ import annotations

import numpy as np
import torch


class SampleNoise:
    """Standard normal noise for one batch, from a counter-based generator keyed by (seed, sample_id, draw).

    The key of Philox (Salmon et al. 2011) is (seed, sample_id), and the highest word of its counter is the draw. So a
    sample's k-th noise is the same in every batch, order, attack and timestep, and no two draws overlap.
    """

    def __init__(self, seed: int, sample_ids: np.ndarray) -> None:
        """`sample_ids` is (B,) int64."""
        self._seed, self._ids = seed, sample_ids
        self._drawn: dict[tuple[int, torch.Size], torch.Tensor] = {}

    def of(self, rows: slice) -> SampleNoise:
        """Return the noise of some samples of the batch, which is what they have in the whole of it."""
        return SampleNoise(self._seed, self._ids[rows])

    def draw(self, k: int, like: torch.Tensor) -> torch.Tensor:
        """Return the k-th draw (0-based) with the shape (B, …), dtype and device of `like`.

        It stays in memory while the batch lasts, so that every timestep reuses it.
        """
        key = (k, like.shape)
        if key not in self._drawn:
            noise = np.empty(like.shape, dtype=np.float32)
            for row, sample_id in zip(noise, self._ids.tolist(), strict=True):
                generator = np.random.Philox(key=[self._seed, sample_id], counter=[0, 0, 0, k])
                np.random.Generator(generator).standard_normal(dtype=np.float32, out=row)
            self._drawn[key] = torch.from_numpy(noise).to(like)
        return self._drawn[key]
