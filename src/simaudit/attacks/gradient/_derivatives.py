"""Derivatives of a denoiser by its input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from simaudit.targets.target import Target


@contextmanager
def recording() -> Iterator[None]:
    """Let autograd record within this context, whatever the caller's mode is."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def leaf(z: torch.Tensor) -> torch.Tensor:
    """Return a copy of z by which to differentiate, also of a z that was computed in inference mode."""
    return z.detach().clone().requires_grad_()


def error_and_gradient(
    target: Target, z: torch.Tensor, timestep: int, noise: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ‖ε̂(z, t) − ε‖₂ of each sample, (B,), and its derivative by z, shaped as z (B, …).

    One query and one backward pass. Samples do not mix, so the derivative of the sum holds that of each.
    """
    with recording():
        point = leaf(z)
        residual = target.predict_noise(point, timestep) - noise
        errors = torch.linalg.vector_norm(residual.flatten(1), dim=1)
        (gradient,) = torch.autograd.grad(errors.sum(), point)
    return errors.detach(), gradient
