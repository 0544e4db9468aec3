"""Each attack on targets whose answer is known in closed form."""

import numpy as np
import pytest
import torch

from simaudit.attacks import attack_types
from simaudit.attacks.loss import Loss
from simaudit.attacks.sima import SimA
from simaudit.noise import SampleNoise

IDS = np.arange(5)


@pytest.fixture
def x():
    return torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def by_name(statistics):
    return {(s.timestep, s.variant): s for s in statistics}


def alpha_bar(t):
    """ᾱ_t of the published schedule, by its definition."""
    return np.prod(1 - np.linspace(1e-4, 0.02, 1000)[: t + 1])


@pytest.mark.parametrize("order", [1, 2, 4, "inf"])
def test_sima_of_a_linear_denoiser_is_the_norm_of_its_input(known_target, x, order):
    target = known_target(lambda z, t: 3 * z)
    attack = SimA(timesteps=[0, 100], norms=[order], inputs=["raw", "scaled"])
    found = by_name(attack.statistics(target, x, SampleNoise(0, IDS)))
    flat = np.abs(3 * x.numpy().reshape(5, -1))
    norm = flat.max(1) if order == "inf" else (flat**order).sum(1) ** (1 / order)
    for t in (0, 100):
        assert found[t, f"raw,l{order}"].values.numpy() == pytest.approx(norm, rel=1e-5)
        scaled = np.sqrt(alpha_bar(t)) * norm
        assert found[t, f"scaled,l{order}"].values.numpy() == pytest.approx(scaled, rel=1e-5)


def test_sima_tells_the_denoiser_which_timestep_it_is(known_target, x):
    target = known_target(lambda z, t: torch.full_like(z, float(t)))
    found = by_name(SimA(timesteps=[7, 30], norms=["inf"]).statistics(target, x, SampleNoise(0, IDS)))
    assert found[7, "raw,linf"].values.tolist() == [7.0] * 5
    assert found[30, "raw,linf"].values.tolist() == [30.0] * 5


def test_loss_is_zero_where_the_denoiser_finds_the_noise(known_target, schedule, x):
    """The optimal denoiser of a one-sample set, (z − √ᾱ x)/σ, recovers every draw exactly at that sample."""
    target = known_target(lambda z, t: (z - alpha_bar(t) ** 0.5 * x) / (1 - alpha_bar(t)) ** 0.5)
    for statistic in Loss(timesteps=[10, 300], draws=[1, 2, 5]).statistics(target, x, SampleNoise(0, IDS)):
        assert statistic.values.numpy() == pytest.approx(0, abs=1e-4)


def test_loss_of_a_silent_denoiser_is_the_energy_of_the_noise(known_target, x):
    """ε̂ = 0 leaves ‖ε‖², whose mean over n draws uses the first n draws and no others."""
    target = known_target(lambda z, t: torch.zeros_like(z))
    found = by_name(Loss(timesteps=[50], draws=[1, 3]).statistics(target, x, SampleNoise(9, IDS)))
    energy = [SampleNoise(9, IDS).draw(k, x).flatten(1).square().sum(1) for k in range(3)]
    torch.testing.assert_close(found[50, "n=1"].values, energy[0])
    torch.testing.assert_close(found[50, "n=3"].values, (energy[0] + energy[1] + energy[2]) / 3)


def test_loss_diffuses_to_the_timestep_it_reports(known_target, x):
    target = known_target(lambda z, t: torch.zeros_like(z))
    list(Loss(timesteps=[200]).statistics(target, x, SampleNoise(0, IDS)))
    (t, z), noise = target.seen[0], SampleNoise(0, IDS).draw(0, x)
    assert t == 200
    torch.testing.assert_close(z, alpha_bar(200) ** 0.5 * x + (1 - alpha_bar(200)) ** 0.5 * noise)


@pytest.mark.parametrize(
    ("attack", "made", "declared"),
    [
        (SimA(timesteps=[0, 10], norms=[1, 2, 4], inputs=["raw"]), 2, {1}),
        (SimA(timesteps=[0, 10], norms=[4], inputs=["raw", "scaled"]), 4, {1}),
        (Loss(timesteps=[10, 20, 30], draws=[1, 2, 5]), 15, {1, 2, 5}),
    ],
)
def test_no_query_is_made_twice_and_each_is_declared(known_target, x, attack, made, declared):
    target = known_target(lambda z, t: z)
    statistics = list(attack.statistics(target, x, SampleNoise(0, IDS)))
    assert target.queries == made
    assert {statistic.queries for statistic in statistics} == declared


def test_a_statistic_alone_costs_what_it_declares(known_target, x):
    for n in (1, 2, 5):
        target = known_target(lambda z, t: z)
        (statistic,) = Loss(timesteps=[10], draws=[n]).statistics(target, x, SampleNoise(0, IDS))
        assert statistic.queries == target.queries == n


def test_every_attack_names_its_source():
    for name, attack in attack_types().items():
        assert "arXiv" in (attack.__doc__ or ""), name
