"""Own distance: how far an image is from the nearest images that the model draws."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from simaudit.attacks.derived_attack import DerivedAttack, Known, Statistics
from simaudit.data.neighbours import nearest
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.knobs import Increasing
from simaudit.vocabulary.variant import Column

Neighbours = Annotated[int, Field(gt=0), Most(50, "no fewer samples are drawn")]


class OwnDistance(DerivedAttack):
    """The distance to the nearest of the model's own samples, low for members; or the mean of the k nearest.

    A distance is the root mean square difference of pixels, which run from −1 to 1. Each k of `neighbours` is a
    variant. k = 1 is the black-box statistic of GAN-Leaks (Chen et al. 2020, arXiv:1909.03935); few nearest images are
    averaged as in the feature-based attack of arXiv:2302.03262, there in features of a network. It needs nothing but
    samples, whoever drew them: no query of the denoiser. How many there are, `quality.samples` says.
    """

    needs_samples = True

    neighbours: Increasing[Neighbours] = (1, 5)

    @property
    def bases(self) -> tuple[str, ...]:
        return ()

    def derive(self, known: Known) -> Statistics:
        assert known.images is not None
        assert known.samples is not None
        distances, _ = nearest(known.images, known.samples, self.neighbours[-1])
        rms = distances / np.sqrt(np.prod(known.images.shape[1:]))
        columns = [Column(None, {"neighbours": k}, 0) for k in self.neighbours]
        return Statistics(columns, np.stack([rms[:, :k].mean(axis=1) for k in self.neighbours]), "low")
