"""The pullback metric of a decoder, G = JᵀJ with J = ∂decode/∂z: how it stretches space around a latent.

Two products suffice, J v forward and Jᵀ u backward; J itself is never formed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

import torch

Decode: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"
"""z (B, …) → images (B, …), every sample by itself."""

Draw: TypeAlias = "Callable[[int, torch.Tensor], torch.Tensor]"
"""(k, like) → the k-th draw of independent standard normal numbers, shaped as `like` (B, …)."""

SMALLEST = 1e-12  # added inside a logarithm

EXACT = 64
"""Numbers of a latent up to which diag(G) is computed exactly: that costs about as much as 64 probes."""


class Metric:
    """The metric G at each sample of a batch z (B, …), and J there, which multiply vectors."""

    def __init__(self, decode: Decode, z: torch.Tensor) -> None:
        # Scoring runs in inference mode, where autograd is off. Fused attention has a first derivative only.
        plain_attention = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with torch.inference_mode(False), torch.enable_grad(), plain_attention:
            self._z = z.clone()
            images, self._pull, *_ = torch.func.vjp(decode, self._z)
        self.images: torch.Tensor = images.detach()
        """decode(z), (B, …)."""

    def pull(self, u: torch.Tensor) -> torch.Tensor:
        """Return Jᵀ u, shaped as z, for u shaped as the images."""
        with torch.inference_mode(False), torch.no_grad():
            pulled: torch.Tensor = self._pull(u.clone())[0]
        return pulled

    def push(self, v: torch.Tensor) -> torch.Tensor:
        """Return J v, shaped as the images, for v shaped as z."""
        with torch.inference_mode(False), torch.no_grad():
            pushed: torch.Tensor = self._push(v.clone())[0]
        return pushed

    @cached_property
    def _push(self) -> Callable[..., tuple[torch.Tensor]]:
        # u ↦ Jᵀ u is linear, so its own vjp is v ↦ J v. Group norm has no forward derivative for every layout.
        with torch.enable_grad():
            push: Callable[..., tuple[torch.Tensor]]
            _, push, *_ = torch.func.vjp(lambda u: self._pull(u)[0], torch.zeros_like(self.images))
        return push

    def times(self, v: torch.Tensor) -> torch.Tensor:
        """Return G v for v shaped as z: one product with J, then one with Jᵀ."""
        return self.pull(self.push(v))

    def diagonal(self) -> torch.Tensor:
        """Return diag(G), shaped as z: the squared lengths of J's columns, each of which is one product with J."""
        columns = torch.eye(self._z[0].numel(), dtype=self._z.dtype, device=self._z.device)
        squares = [
            self.push(column.view(self._z[:1].shape).expand_as(self._z)).flatten(1).square().sum(1)
            for column in columns
        ]
        return torch.stack(squares, dim=1).view(self._z.shape)

    def estimated_diagonal(self, probes: int, draw: Draw) -> torch.Tensor:
        """Return an unbiased estimate of diag(G), shaped as z: the mean of (Jᵀu)² over that many `probes` u.

        Each u is standard normal, shaped as the images, and costs one product with Jᵀ. The relative error of every
        dimension is √(2/probes), however many dimensions there are and however the columns of J are correlated.
        """
        total = torch.zeros_like(self._z)
        for k in range(probes):
            total += self.pull(draw(k, self.images)).square()
        return total / probes


def log_distortion(decode: Decode, z: torch.Tensor, probes: int, draw: Draw) -> torch.Tensor:
    """Return c = ½ log(diag(G) + 1e-12) at z (B, …), shaped as z: how much each latent dimension moves the image.

    This is the distortion of arXiv:2511.20592. diag(G) is exact where a latent has at most 64 numbers, and elsewhere
    estimated with `probes` draws, as the authors do it everywhere.
    """
    metric = Metric(decode, z)
    exact = z[0].numel() <= EXACT
    diagonal = metric.diagonal() if exact else metric.estimated_diagonal(probes, draw)
    return (diagonal + SMALLEST).log() / 2


def top_singular_values(
    decode: Decode, z: torch.Tensor, start: list[torch.Tensor], iterations: int
) -> torch.Tensor:
    """Return the largest singular values of J at each of B samples, (B, k), descending, by subspace iteration on G.

    `start` holds k vectors shaped as z. They are exact where k is the latent's dimension; otherwise each iteration
    shrinks the error by the ratio of σ² across the gap (Halko, Martinsson & Tropp, arXiv:0909.4061, Alg. 4.4).
    """
    metric = Metric(decode, z)

    def product(basis: torch.Tensor) -> torch.Tensor:
        columns = [metric.times(v.reshape(z.shape)).flatten(1) for v in basis.unbind(-1)]
        return torch.stack(columns, dim=-1)

    basis = torch.linalg.qr(torch.stack([v.flatten(1) for v in start], dim=-1)).Q
    for _ in range(iterations):
        basis = torch.linalg.qr(product(basis)).Q
    small = basis.mT @ product(basis)
    squares: torch.Tensor = torch.linalg.eigvalsh((small + small.mT) / 2).flip(-1).clamp(min=0)
    return squares.sqrt()
