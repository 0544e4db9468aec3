"""The pullback metric of a decoder, G = JᵀJ with J = ∂decode/∂z: how much it stretches the space around a latent.

G is used only through the products J v (forward) and Jᵀ u (backward); J itself is never formed.
"""

from collections.abc import Callable, Iterable

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

Decode = Callable[[torch.Tensor], torch.Tensor]
"""Maps z (B, …) to images (B, …), each sample by itself."""

SMALLEST = 1e-12  # keeps a logarithm finite


class Metric:
    """G at each sample of a batch z (B, …), in the form of its product with vectors."""

    def __init__(self, decode: Decode, z: torch.Tensor) -> None:
        # Scoring runs in inference mode, where autograd is off: leave it. Fused attention has a first derivative only.
        with torch.inference_mode(False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            images, pull, *_ = torch.func.vjp(decode, z.clone())
            # u ↦ Jᵀ u is linear, so its own vjp is v ↦ J v. Group norm lacks forward mode for some layouts.
            _, push, *_ = torch.func.vjp(lambda u: pull(u)[0], torch.zeros_like(images))
        self._push, self._pull = push, pull

    def times(self, v: torch.Tensor) -> torch.Tensor:
        """Return G v for v shaped as z: one product with J, then one with Jᵀ."""
        with torch.inference_mode(False), torch.enable_grad():
            product: torch.Tensor = self._pull(self._push(v.clone())[0])[0].detach()
        return product


def log_distortion(decode: Decode, z: torch.Tensor, probes: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return c = ½ log(diag(G) + 1e-12) at z (B, …), shaped as z: how much each latent dimension moves the image.

    diag(G) is the mean of v ⊙ G v over `probes` of independent signs ±1, shaped as z (Hutchinson 1990). With few probes
    an estimate can be below 0, which counts as 0. This is the distortion of arXiv:2511.20592.
    """
    metric = Metric(decode, z)
    diagonal = torch.stack([v * metric.times(v) for v in probes]).mean(0)
    return (diagonal.clamp(min=0) + SMALLEST).log() / 2


def top_singular_values(
    decode: Decode, z: torch.Tensor, start: list[torch.Tensor], iterations: int
) -> torch.Tensor:
    """Return the largest singular values of J at each of B samples, (B, k), descending, by subspace iteration on G.

    `start` holds k vectors shaped as z. The result is exact if k is the latent's dimension; otherwise each iteration
    reduces the error by the ratio of σ² across the gap (Halko, Martinsson & Tropp, arXiv:0909.4061, Alg. 4.4).
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
