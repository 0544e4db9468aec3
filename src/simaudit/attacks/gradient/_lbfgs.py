"""L-BFGS for many problems side by side, none of which depends on the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

CURVED = 1e-5
"""The least change of a gradient along a step, as a share of the gradient, that is curvature and not rounding."""


class Pair(NamedTuple):
    """A step and the change of the gradient along it, both (B, d), and 1/⟨step, change⟩, (B, 1); 0 leaves a row out."""

    step: torch.Tensor
    change: torch.Tensor
    inverse: torch.Tensor


def minimise(
    function: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
    start: torch.Tensor,
    iterations: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the points (B, d) to which so many iterations lead from `start` (B, d), and the values (B,) there.

    `function` returns values (B,) and their gradients (B, d), row by row. It is asked once at the start and once in
    each iteration, whatever the rows are, so that all rows cost the same. A step is that of L-BFGS (Nocedal 1980) with
    all pairs so far, and the first has length 1. Where a step does not lower the value, the row stays where it is, and
    tries half of the step next.
    """
    x = start
    value, gradient = function(x)
    pairs: list[Pair] = []
    direction = -gradient / _length(gradient)
    for _ in range(iterations):
        tried, gradient_there = function(x + direction)
        is_lower = (tried < value)[:, None]
        pair = _pair(direction, gradient_there - gradient, gradient, is_lower)
        pairs.append(pair)
        x = torch.where(is_lower, x + direction, x)
        gradient = torch.where(is_lower, gradient_there, gradient)
        value = torch.where(is_lower[:, 0], tried, value)
        direction = torch.where(is_lower, _direction(gradient, pairs), direction / 2)
    return x, value


def _pair(step: torch.Tensor, change: torch.Tensor, before: torch.Tensor, is_taken: torch.Tensor) -> Pair:
    product = (step * change).sum(1, keepdim=True)
    is_used = is_taken & (product > CURVED * _length(step) * _length(before))
    return Pair(step, change, torch.where(is_used, 1 / product, 0.0))


def _direction(gradient: torch.Tensor, pairs: list[Pair]) -> torch.Tensor:
    """Return −H·gradient by the two loops of L-BFGS; of a row without pairs, the steepest descent by a length of 1."""
    direction, scale, weights = -gradient, 1 / _length(gradient), []
    for pair in reversed(pairs):
        weight = pair.inverse * (pair.step * direction).sum(1, keepdim=True)
        direction = direction - weight * pair.change
        weights.append(weight)
    for pair in pairs:  # the scale is that of the latest
        curvature = pair.inverse * pair.change.square().sum(1, keepdim=True)
        scale = torch.where(curvature > 0, 1 / curvature, scale)
    direction = scale * direction
    for pair, weight in zip(pairs, reversed(weights), strict=True):
        back = pair.inverse * (pair.change * direction).sum(1, keepdim=True)
        direction = direction + (weight - back) * pair.step
    return direction


def _length(rows: torch.Tensor) -> torch.Tensor:
    """Return the length of each row, (B, 1), and never 0."""
    length: torch.Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return length.clamp_min(torch.finfo(rows.dtype).tiny)
