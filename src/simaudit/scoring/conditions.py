"""Asking a model of classes under each condition of an audit, so that every statistic appears once under each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.knobs import Condition
from simaudit.vocabulary.variant import CONDITION


def statistics_under(
    conditions: Sequence[Condition],
    attack: TargetAttack,
    target: Target,
    images: torch.Tensor,
    noise: SampleNoise,
    labels: torch.Tensor | None = None,
) -> Iterator[Statistic]:
    """Yield an attack's statistics for a batch of images (B, C, H, W), each with its condition in the variant.

    `labels` (B,) int64 are asked for under the condition `labels`; the noise is the same under all. Statistics that
    cost no query of the denoiser do not depend on a condition: they carry none and appear once. Without conditions the
    target is asked as it is.
    """
    if not conditions:
        yield from attack.statistics(target, images, noise)
    for place, condition in enumerate(conditions):
        asked = target.conditioned(labels if condition == "labels" else None)
        is_asked = False
        for statistic in attack.statistics(asked, images, noise):
            if statistic.queries:
                is_asked = True
                yield statistic._replace(variant={**statistic.variant, CONDITION: condition})
            elif place == 0:
                yield statistic
        if not is_asked:
            return
