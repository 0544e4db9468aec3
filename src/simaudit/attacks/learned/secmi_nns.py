"""SecMI-NNs: a network that learns from where, and by how much, SecMI's deterministic steps miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from simaudit.attacks.attack import Statistic
from simaudit.attacks.derived_attack import Known, crossfits
from simaudit.attacks.learned._classifier import fit_network
from simaudit.attacks.learning_attack import LearningAttack
from simaudit.attacks.residual_attack import Residual
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.vocabulary.bounds import Most, Width

AT_ONCE = 1024  # maps that are judged at once


class SecMINNs(SecMI, LearningAttack):
    """The log-odds of being a member by a small network on |x̃_t − x̃'_t|, high for members (arXiv:2302.01316).

    x̃_t and x̃'_t are those of SecMI, with as many queries. A network learns from one timestep's maps; for each of them
    six are trained: one on the whole calibration fold, which judges the evaluation fold, and one without each fifth of
    it, which judges that fifth. The paper trains a ResNet-18 on a fifth of its samples; three convolutions suffice for
    the few samples of small runs. A learned head.
    """

    width: Width = 8
    """Channels of the first convolution; the other two have twice as many."""
    epochs: Annotated[int, Field(gt=0), Most(10_000, "a longer training does not end")] = 10
    learning_rate: Annotated[float, Field(gt=0), Most(1.0, "larger steps diverge")] = 0.001

    def reduce(self, residual: Residual) -> Iterator[Statistic]:
        yield residual.statistic({}, residual.map.abs())

    def learn(self, maps: np.ndarray, known: Known, device: torch.device) -> np.ndarray:
        odds = np.empty(len(maps), dtype=np.float32)
        for rows, fitted in crossfits(known, known.members | known.heldout):
            log_odds = fit_network(
                maps[fitted],
                known.members[fitted],
                width=self.width,
                epochs=self.epochs,
                learning_rate=self.learning_rate,
                device=device,
            )
            for some in np.array_split(np.flatnonzero(rows), -(-int(rows.sum()) // AT_ONCE)):
                odds[some] = log_odds(maps[some])
        return odds
