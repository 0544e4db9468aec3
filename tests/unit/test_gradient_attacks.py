"""Attacks that differentiate the denoiser, against closed forms and against autograd by hand."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from denoising import linear
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from simaudit.attacks.gradient._lbfgs import minimise
from simaudit.attacks.gradient.flipd import FLIPD
from simaudit.attacks.gradient.gradient_mask import GradientMask
from simaudit.attacks.gradient.noise_optim import NoiseOptim
from simaudit.diffusion.noise import SampleNoise
from simaudit.scoring.run import score_batch
from simaudit.targets.optimal import OptimalTarget

IDS = np.arange(5)
NOISE = SampleNoise(0, IDS)


@pytest.fixture
def x():
    return torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def matrix():
    return torch.randn(16, 16, generator=torch.Generator().manual_seed(2)) / 4


def values_of(attack, target, x):
    """The values of an attack's statistics, (K, B), as scoring computes them."""
    return score_batch(attack, target, x, NOISE)[1]


@pytest.mark.parametrize("t", [0, 100, 400])
def test_flipd_of_gaussian_data_is_how_fast_their_density_falls_with_the_noise(known_target, schedule, x, t):
    """D + ∂ log ϱ_r(x)/∂ log r, by differences of the density of the data with noise of size r = s/a."""
    variances = np.array([4.0, 1.0, 0.3] + [0.0] * 13)
    a, s = float(schedule.signals[t]), float(schedule.sigmas[t])
    gain = torch.from_numpy(s / (a**2 * variances + s**2)).float()
    found = values_of(FLIPD(timesteps=[t], probes=1), known_target(lambda z, t: gain.view(4, 4) * z), 0.1 * x)

    def log_density(r, point):
        return multivariate_normal(cov=np.diag(variances + r**2)).logpdf(point)

    step, r = 1e-4, s / a
    for value, point in zip(found[0], 0.1 * x.flatten(1).double().numpy(), strict=True):
        ahead, behind = (log_density(r * np.exp(sign * step), point) for sign in (1, -1))
        assert value == pytest.approx(16 + (ahead - behind) / (2 * step), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("dimension", [0, 1, 2])
def test_flipd_on_the_optimal_denoiser_is_the_dimension_of_its_members(schedule, dimension):
    """Members on a dense grid of a point, a line or a plane: at r = s/a = 0.34 it has neither gaps nor ends."""
    side = torch.linspace(-3, 3, 61)
    grid = torch.cartesian_prod(*[side] * dimension).view(-1, dimension) if dimension else torch.zeros(1, 0)
    members = torch.zeros(len(grid), 1, 4, 4)
    members.flatten(1)[:, 3 : 3 + dimension] = grid
    x = torch.zeros(5, 1, 4, 4)
    x.flatten(1)[:, 3 : 3 + dimension] = torch.linspace(-0.6, 0.5, 5)[:, None]
    found = values_of(FLIPD(timesteps=[100], probes=2), OptimalTarget(members, schedule), x)
    assert found[0] == pytest.approx(dimension, abs=1e-3)


def test_flipd_estimates_a_trace_that_no_single_probe_knows(known_target, schedule, matrix, x):
    t, probes = 100, 400
    s, a = float(schedule.sigmas[t]), float(schedule.signals[t])
    exact = 16 - s * float(matrix.trace()) + (a * x.flatten(1) @ matrix.T).square().sum(1)
    found = values_of(FLIPD(timesteps=[t], probes=probes), known_target(linear(matrix)), x)[0]
    symmetric = (matrix + matrix.T) / 2
    variance = 2 * float((symmetric - symmetric.diag().diag()).square().sum())  # of vᵀAv for random signs
    assert np.abs(found - exact.numpy()).max() < 4 * s * (variance / probes) ** 0.5


def test_gradient_mask_asks_again_with_noise_where_the_error_depends_on_the_input(
    known_target, schedule, matrix, x
):
    t, target = 200, known_target(linear(matrix))
    a, s = float(schedule.signals[t]), float(schedule.sigmas[t])
    found = values_of(GradientMask(timesteps=[t], masked=0.25), target, x)[0]
    noise, weights = SampleNoise(0, IDS).draw(0, x).flatten(1).numpy(), matrix.numpy()
    for value, clean, epsilon in zip(found, x.flatten(1).numpy(), noise, strict=True):
        gradient = weights.T @ (weights @ (a * clean + s * epsilon) - epsilon)  # but for a positive factor
        chosen = np.argsort(-np.abs(gradient))[:4]
        mixed = clean.copy()
        mixed[chosen] = epsilon[chosen]
        left = (epsilon - clean - weights @ mixed)[chosen]
        assert value == pytest.approx(np.linalg.norm(left), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_noise_optim_finds_the_change_that_leaves_no_error_in_two_steps(known_target, schedule, x, factor):
    """ε̂ = c z: the error is a bowl without a direction of its own; the first step gives its curvature."""
    t = 100
    found = values_of(NoiseOptim(timesteps=[t], iterations=2), known_target(lambda z, t: factor * z), x)
    noise = SampleNoise(0, IDS).draw(0, x)
    residual = factor * schedule.diffuse(x, noise, t) - noise
    assert found[0] == pytest.approx(0, abs=1e-4)
    assert found[1] == pytest.approx(residual.flatten(1).norm(dim=1).numpy() / factor, rel=1e-4)


def test_each_iteration_of_noise_optim_leaves_less_error(known_target, matrix, x):
    target = known_target(linear(matrix + torch.eye(16)))
    errors = [values_of(NoiseOptim(timesteps=[100], iterations=n), target, x)[0] for n in (1, 2, 5, 20, 60)]
    assert all((later < before).all() for before, later in pairwise(errors))
    assert (errors[-1] < 0.02 * errors[0]).all()


def rosenbrock(x):
    """100(x₁ − x₀²)² + (1 − x₀)² of each row, and its gradient: steps overshoot in its valley."""
    x = x.detach().requires_grad_()
    values = 100 * (x[:, 1] - x[:, 0] ** 2) ** 2 + (1 - x[:, 0]) ** 2
    (gradient,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), gradient


def test_l_bfgs_finds_a_minimum_that_lies_in_a_bent_valley_and_never_goes_up():
    start = torch.tensor([[-1.2, 1.0], [3.0, -2.0], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    values = torch.stack([minimise(rosenbrock, start, n)[1] for n in range(0, 150, 5)])
    assert (values.diff(dim=0) <= 0).all()
    x, _ = minimise(rosenbrock, start, 150)
    torch.testing.assert_close(x, torch.ones(4, 2, dtype=torch.float64), rtol=0, atol=1e-5)


def test_l_bfgs_of_each_row_is_that_of_the_row_alone_and_asks_once_an_iteration():
    start = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    asked = []
    whole, _ = minimise(lambda x: (asked.append(1), rosenbrock(x))[1], start, 20)
    assert len(asked) == 21
    alone = torch.cat([minimise(rosenbrock, row[None], 20)[0] for row in start])
    torch.testing.assert_close(whole, alone)


def test_l_bfgs_comes_about_as_far_as_that_of_scipy():
    """On a bowl with very different curvatures, where the direction matters."""
    curvatures = torch.logspace(0, 2, 30, dtype=torch.float64)
    start = torch.ones(1, 30, dtype=torch.float64)

    def bowl(x):
        return (curvatures * x.square()).sum(1) / 2, curvatures * x

    def of_scipy(x):
        value, gradient = bowl(torch.from_numpy(x)[None])
        return value.item(), gradient.numpy().ravel()

    theirs = minimize(of_scipy, start.numpy().ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 10})
    _, ours = minimise(bowl, start, theirs.nfev)
    assert ours.item() < 2 * theirs.fun
