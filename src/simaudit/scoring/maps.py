"""The maps of all samples of a split, from which an attack learns; they are kept while it does, and no longer."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

import numpy as np
import torch

from simaudit.attacks.derived_attack import Known
from simaudit.attacks.learning_attack import LearningAttack
from simaudit.data.split import Split
from simaudit.scoring.unfinished import Piece
from simaudit.vocabulary.variant import Column


class Maps:
    """The maps of all samples, (K, N, …), in a file of a folder that has no name. A context manager."""

    def __init__(self, folder: Path, samples: int) -> None:
        self._folder, self._samples = folder, samples
        self._columns: list[Column] = []
        self._seconds, self._made = 0.0, 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = TemporaryFile(dir=self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: slice, piece: Piece) -> None:
        """Add the maps of these rows, (K, B, …)."""
        if not self._columns:
            self._columns, (count, _, *shape) = piece.columns, piece.values.shape
            self._maps = np.memmap(self._file, np.float32, shape=(count, self._samples, *shape))
        self._maps[:, rows] = piece.values
        self._seconds += piece.seconds
        self._made += piece.made

    def learned(self, attack: LearningAttack, split: Split, device: torch.device) -> Piece:
        """Return what an attack learns from them."""
        calibration = split.is_calibration
        known = Known({}, {}, split.is_member & calibration, ~split.is_member & calibration)
        start = time.perf_counter()
        values = np.stack([attack.learn(maps, known, device) for maps in self._maps])
        return Piece(self._columns, values, self._seconds + time.perf_counter() - start, made=self._made)
