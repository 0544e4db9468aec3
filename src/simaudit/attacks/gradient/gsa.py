"""GSA: how strongly a sample would still change the parameters, if the model were trained on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.attacks.gradient._derivatives import recording
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.variant import Variant


class GSA(TimestepAttack):
    """‖∂L/∂θ‖₂, low for members, for whom training has made it small (Pang et al. 2023, arXiv:2308.06405).

    L is the mean squared error of ε̂ at each of `timesteps`, ten at equal distances in the source, each with a draw of
    noise of its own. `average: gsa1` is the norm of the derivative of the mean of L over them, `average: gsa2` the mean
    of the norms of the derivatives at each. With `layers`, the same is a statistic for each tensor of parameters, too:
    the source feeds these norms to a classifier that is trained on shadow models.

    One statistic from all timesteps: a query and a backward pass for each of them. Both averages share them, since the
    derivative of the mean is the mean of the derivatives. Samples are differentiated one by one.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"parameters"})
    microbatch: ClassVar[int | None] = 1

    layers: bool = False

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z, names = target.encode(images), list(target.parameters)
        draws = torch.stack([noise.draw(k, z) for k in range(len(self.timesteps))])
        norms = [self._norms(target, z[i : i + 1], draws[:, i : i + 1]) for i in range(len(z))]
        for average, of_samples in zip(("gsa1", "gsa2"), zip(*norms, strict=True), strict=True):
            of_layers = torch.stack(of_samples)  # (B, 1 or T, tensors)
            total = torch.linalg.vector_norm(of_layers, dim=2).mean(1)
            yield Statistic(None, {"average": average}, len(self.timesteps), total)
            if self.layers:
                for name, values in zip(names, of_layers.mean(1).unbind(1), strict=True):
                    variant: Variant = {"average": average, "layer": name}
                    yield Statistic(None, variant, len(self.timesteps), values)

    def _norms(
        self, target: Target, z: torch.Tensor, draws: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the norms of derivatives by each tensor of parameters, of one sample z (1, …) with T draws (T, 1, …).

        Those of the mean derivative are (1, tensors), those of the derivatives at each timestep (T, tensors).
        """
        norms, sums = [], None
        for t, epsilon in zip(self.timesteps, draws, strict=True):
            gradients = _gradients(target, target.schedule.diffuse(z, epsilon, t), t, epsilon)
            norms.append(_lengths(gradients))
            sums = gradients if sums is None else [a.add_(b) for a, b in zip(sums, gradients, strict=True)]
        assert sums is not None
        return _lengths(sums)[None] / len(draws), torch.stack(norms)


def _gradients(target: Target, z: torch.Tensor, timestep: int, noise: torch.Tensor) -> list[torch.Tensor]:
    """Return the derivatives of the mean squared error of ε̂(z, t) by each tensor of parameters of the denoiser."""
    with recording():
        parameters = {name: value.detach().requires_grad_() for name, value in target.parameters.items()}
        residual = target.with_parameters(parameters).predict_noise(z, timestep) - noise
        loss = residual.square().mean()
        return list(
            torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, materialize_grads=True)
        )


def _lengths(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors])
