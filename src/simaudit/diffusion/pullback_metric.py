"""The pullback metric of a decoder, G = JᵀJ with J = ∂decode/∂z: how it stretches space around a latent.

Two products suffice, J v forward and Jᵀ u backward; J itself is never formed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch

Decode: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"
"""z (B, …) → images (B, …), every sample by itself."""

SMALLEST = 1e-12  # added inside a logarithm


class Metric:
    """The metric G at each sample of a batch z (B, …), which it multiplies with vectors."""

    def __init__(self, decode: Decode, z: torch.Tensor) -> None:
        # Scoring runs in inference mode, where autograd is off. Fused attention has a first derivative only.
        plain_attention = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with torch.inference_mode(False), torch.enable_grad(), plain_attention:
            images, pull, *_ = torch.func.vjp(decode, z.clone())
            # u ↦ Jᵀ u is linear, so its own vjp is v ↦ J v. Group norm has no forward derivative for every layout.
            _, push, *_ = torch.func.vjp(lambda u: pull(u)[0], torch.zeros_like(images))
        self._push, self._pull = push, pull

    def times(self, v: torch.Tensor) -> torch.Tensor:
        """Return G v for v shaped as z: one product with J, then one with Jᵀ."""
        with torch.inference_mode(False), torch.enable_grad():
            product: torch.Tensor = self._pull(self._push(v.clone())[0])[0].detach()
        return product


def log_distortion(decode: Decode, z: torch.Tensor, probes: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return c = ½ log(diag(G) + 1e-12) at z (B, …), shaped as z: how much each latent dimension moves the image.

    This is the distortion of arXiv:2511.20592. diag(G) is the mean of v ⊙ G v over `probes` of independent signs ±1,
    shaped as z (Hutchinson 1990); an estimate below 0, which too few probes can leave, counts as 0.
    """
    metric = Metric(decode, z)
    diagonal = torch.stack([v * metric.times(v) for v in probes]).mean(0)
    return (diagonal.clamp(min=0) + SMALLEST).log() / 2


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
