"""Attacks that take a norm of residual maps, and those that change the maps before, against closed forms."""

import numpy as np
import pytest
import torch
from denoising import alpha_bar
from pydantic import ValidationError

from simaudit.attacks.attack import attack_types
from simaudit.attacks.residual_attack import ResidualAttack
from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.low_pass import LowPass
from simaudit.attacks.threshold.pia import PIA
from simaudit.attacks.threshold.pullback import Pullback
from simaudit.attacks.threshold.rediffuse import ReDiffuse
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.attacks.threshold.sima import SimA
from simaudit.diffusion.noise import SampleNoise
from simaudit.vocabulary.errors import SimauditError

IDS = np.arange(5)


def values_of(attack, target, x):
    return [statistic.values.numpy() for statistic in attack.statistics(target, x, SampleNoise(0, IDS))]


@pytest.fixture
def x():
    return torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def remembering(member):
    """The optimal denoiser of a set of this one member (C, H, W): ε̂ = (z − √ᾱ member)/σ."""
    return lambda z, t: (z - alpha_bar(t) ** 0.5 * member) / (1 - alpha_bar(t)) ** 0.5


def test_rediffuse_of_the_optimal_denoiser_of_one_member_is_worked_out_by_hand(known_target, x):
    """ε̂ stays what it is at the start, ε + √ᾱ_t (x − μ)/σ_t, so a walk ends at √ᾱ₀ μ + σ₀ ε̂."""
    member = x[0].clone()
    target = known_target(remembering(member))
    attack = ReDiffuse(timesteps=[100, 200], interval=100, draws=[1, 3], norms=[1, 2])
    noise = SampleNoise(0, IDS)
    found = iter(values_of(attack, target, x))
    for t in (100, 200):
        for n in (1, 3):
            mean = sum(noise.draw(k, x) for k in range(n)) / n
            predicted = mean + alpha_bar(t) ** 0.5 * (x - member) / (1 - alpha_bar(t)) ** 0.5
            end = alpha_bar(0) ** 0.5 * member + (1 - alpha_bar(0)) ** 0.5 * predicted
            for p in (1, 2):
                expected = np.linalg.norm((x - end).flatten(1).numpy(), ord=p, axis=1)
                assert next(found) == pytest.approx(expected, rel=1e-3)


def test_rediffuse_makes_the_steps_of_its_interval(known_target, x):
    target = known_target(lambda z, t: torch.zeros_like(z))
    values_of(ReDiffuse(timesteps=[60], interval=20, draws=[2]), target, x)
    assert [t for t, _ in target.seen] == [60, 40, 20] * 2


@pytest.mark.parametrize(
    ("timesteps", "why"), [([0, 100], "must be above 0"), ([150], r"multiples of interval \(100\): 150")]
)
def test_rediffuse_refuses_timesteps_from_which_it_cannot_walk(timesteps, why):
    with pytest.raises(ValidationError, match=why):
        ReDiffuse(timesteps=timesteps)


def wave(side, vertical, horizontal):
    """Five images of one wave, which has so many periods per side in either direction."""
    y, x = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    image = np.cos(2 * np.pi * (vertical * y + horizontal * x) / side + 0.3)
    return torch.from_numpy(image).float().expand(5, 2, side, side)


@pytest.mark.parametrize(
    ("vertical", "horizontal", "weight"),
    [
        *((0, 0, 1), (4, 0, 1), (-4, 4, 1), (3, -4, 1)),
        *((6, 0, 0.2), (0, -6, 0.2), (3, 7, 0.2), (16, 0, 0.2)),
        (5, 0, 0.6),  # −5 is in the box and 5 is not, so the half of a wave is kept
    ],
)
def test_low_pass_keeps_the_waves_in_its_box_and_damps_others(known_target, vertical, horizontal, weight):
    x = wave(32, vertical, horizontal)
    target = known_target(lambda z, t: z)
    base = SimA(timesteps=[10], norms=[2])
    (plain,), (filtered,) = values_of(base, target, x), values_of(LowPass().on(base), target, x)
    assert filtered == pytest.approx(weight * plain, rel=1e-4)


def test_low_pass_of_a_residual_is_that_of_its_two_sides(known_target, x):
    """PIA's e₀ and ε̂(√ᾱ x + σ e₀, t), each filtered by a transform written out in numpy, with the spectrum shifted."""
    radius, scale, t = 1, 0.3, 50
    target = known_target(lambda z, t: torch.sin(z.cumsum(-1)) * (1 + t / 100))
    weights = np.full((4, 4), scale)
    weights[2 - radius : 2 + radius, 2 - radius : 2 + radius] = 1

    def filtered(side):
        spectrum = np.fft.fftshift(np.fft.fft2(side.numpy()), axes=(-2, -1)) * weights
        return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(-2, -1))).real

    first = target.predict_noise(x, 0)
    second = target.predict_noise(alpha_bar(t) ** 0.5 * x + (1 - alpha_bar(t)) ** 0.5 * first, t)
    expected = np.linalg.norm((filtered(first) - filtered(second)).reshape(5, -1), ord=4, axis=1)
    (found,) = values_of(LowPass(radius=radius, scale=scale).on(PIA(timesteps=[t])), target, x)
    assert found == pytest.approx(expected, rel=1e-4)


def test_low_pass_of_loss_filters_every_draw_before_the_mean(known_target, x):
    target = known_target(lambda z, t: torch.zeros_like(z))
    noise = SampleNoise(0, IDS)
    attack = LowPass(radius=1, scale=0).on(Loss(timesteps=[50], draws=[2]))
    spectra = [np.fft.fft2(noise.draw(k, x).numpy())[:, 0] for k in range(2)]
    near = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    kept = np.zeros((4, 4))
    for place in near:
        kept[place] = 1
    expected = [(np.fft.ifft2(spectrum * kept).real ** 2).sum((1, 2)) for spectrum in spectra]
    (found,) = values_of(attack, target, x)
    assert found == pytest.approx(sum(expected) / 2, rel=1e-4)


@pytest.mark.parametrize(("side", "used"), [(32, 5), (11, 5), (10, 2), (8, 2), (4, 1)])
def test_low_pass_of_small_images_takes_a_box_that_does_filter_and_says_so(known_target, side, used):
    x = torch.randn(5, 1, side, side, generator=torch.Generator().manual_seed(0))
    target = known_target(lambda z, t: z)
    base = SimA(timesteps=[10], norms=[2])
    (statistic,) = LowPass(radius=5).on(base).statistics(target, x, SampleNoise(0, IDS))
    assert statistic.variant == {"input": "raw", "norm": 2, "radius": used}
    assert (statistic.values < 0.99 * torch.linalg.vector_norm(x.flatten(1), dim=1)).all()


def test_low_pass_refuses_maps_without_high_frequencies(known_target):
    with pytest.raises(SimauditError, match="at most 3 pixels a side has no high frequencies"):
        values_of(LowPass().on(SimA(timesteps=[10])), known_target(lambda z, t: z), torch.ones(5, 1, 2, 3))


@pytest.mark.parametrize(
    ("base", "order"),
    [(PIA(timesteps=[30], norms=[1, 2, 4]), None), (SecMI(timesteps=[30]), 2), (Loss(timesteps=[30]), 2)],
    ids=["pia", "secmi", "loss"],
)
def test_pullback_leaves_dimensions_out_of_any_residual(known_target, x, base, order):
    """The decoder scales dimension k by k, so the first four of sixteen are left out of a norm taken by hand."""
    target = known_target(lambda z, t: torch.tanh(z.cumsum(-1)) * (1 + t / 100))
    target.decode = lambda z: z * torch.arange(16.0).reshape(1, 1, 4, 4)
    found = values_of(Pullback(dropped=0.25).on(base), target, x)
    (residual,) = base.residuals(target, x, SampleNoise(0, IDS))
    remaining = np.abs(residual.map.flatten(1).numpy()[:, 4:])
    if order is None:
        expected = [(remaining**p).sum(1) ** (1 / p) for p in base.norms]
    else:
        expected = [(remaining**order).sum(1)]
    for values, by_hand in zip(found, expected, strict=True):
        assert values == pytest.approx(by_hand, rel=1e-4)


def test_a_wrapper_asks_as_what_it_wraps_with_the_knobs_that_it_says(known_target, x):
    base = SecMI(timesteps=[0, 30], interval=10)
    assert LowPass().on(base).last_query == base.last_query == 40
    other = LowPass(knobs={"timesteps": {"start": 20, "stop": 60, "step": 20}, "interval": 20}).on(base)
    assert (other.grid, other.last_query) == ((20, 40, 60), 80)
    assert (LowPass().grid, LowPass().last_query) == ((), None)
    with pytest.raises(ValidationError, match=r"multiples of interval \(10\): 15"):
        LowPass(knobs={"timesteps": [15]}).on(base)
    with pytest.raises(TypeError, match="bind it with `on` first"):
        values_of(LowPass(), known_target(lambda z, t: z), x)


def test_no_residual_attack_needs_more_than_a_denoiser():
    """So that what a wrapper needs does not depend on what it wraps."""
    residual = [kind for kind in attack_types().values() if issubclass(kind, ResidualAttack)]
    assert len(residual) >= 8
    assert not any(kind.needs for kind in residual)
