"""Each attack on targets whose answer is known in closed form."""

from weakref import WeakSet

import numpy as np
import pytest
import torch
from denoising import alpha_bar, linear
from pydantic import ValidationError

from simaudit.attacks.attack import TargetAttack, attack_types
from simaudit.attacks.decoder.distortion import Distortion
from simaudit.attacks.decoder.reconstruction import Reconstruction
from simaudit.attacks.gradient.flipd import FLIPD
from simaudit.attacks.gradient.gradient_mask import GradientMask
from simaudit.attacks.gradient.gsa import GSA
from simaudit.attacks.gradient.noise_optim import NoiseOptim
from simaudit.attacks.learned.secmi_nns import SecMINNs
from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.low_pass import LowPass
from simaudit.attacks.threshold.pfami import PFAMI, fractional_crop, whole_crop
from simaudit.attacks.threshold.pia import PIA
from simaudit.attacks.threshold.pian import PIAN
from simaudit.attacks.threshold.pullback import Pullback
from simaudit.attacks.threshold.pullback_random import PullbackRandom
from simaudit.attacks.threshold.rediffuse import ReDiffuse
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.attacks.threshold.sima import SimA
from simaudit.attacks.threshold.sima_av import SimAAV
from simaudit.attacks.threshold.sima_mc import SimAMC
from simaudit.diffusion.noise import SampleNoise
from simaudit.vocabulary.variant import variant_text

IDS = np.arange(5)
SIMA = SimA(timesteps=[30], norms=[4])


@pytest.fixture
def x():
    return torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def by_name(statistics):
    return {(s.timestep, variant_text(s.variant)): s for s in statistics}


def of(**knobs):
    return variant_text(knobs)


@pytest.mark.parametrize("order", [1, 2, 4, "inf"])
def test_sima_of_a_linear_denoiser_is_the_norm_of_its_input(known_target, x, order):
    target = known_target(lambda z, t: 3 * z)
    attack = SimA(timesteps=[0, 100], norms=[order], inputs=["raw", "scaled"])
    found = by_name(attack.statistics(target, x, SampleNoise(0, IDS)))
    flat = np.abs(3 * x.numpy().reshape(5, -1))
    norm = flat.max(1) if order == "inf" else (flat**order).sum(1) ** (1 / order)
    for t in (0, 100):
        assert found[t, of(input="raw", norm=order)].values.numpy() == pytest.approx(norm, rel=1e-5)
        scaled = np.sqrt(alpha_bar(t)) * norm
        assert found[t, of(input="scaled", norm=order)].values.numpy() == pytest.approx(scaled, rel=1e-5)


def test_sima_tells_the_denoiser_which_timestep_it_is(known_target, x):
    target = known_target(lambda z, t: torch.full_like(z, float(t)))
    found = by_name(SimA(timesteps=[7, 30], norms=["inf"]).statistics(target, x, SampleNoise(0, IDS)))
    assert found[7, of(input="raw", norm="inf")].values.tolist() == [7.0] * 5
    assert found[30, of(input="raw", norm="inf")].values.tolist() == [30.0] * 5


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
    torch.testing.assert_close(found[50, of(draws=1)].values, energy[0])
    torch.testing.assert_close(found[50, of(draws=3)].values, (energy[0] + energy[1] + energy[2]) / 3)


def test_loss_diffuses_to_the_timestep_it_reports(known_target, x):
    target = known_target(lambda z, t: torch.zeros_like(z))
    list(Loss(timesteps=[200]).statistics(target, x, SampleNoise(0, IDS)))
    (t, z), noise = target.seen[0], SampleNoise(0, IDS).draw(0, x)
    assert t == 200
    torch.testing.assert_close(z, alpha_bar(200) ** 0.5 * x + (1 - alpha_bar(200)) ** 0.5 * noise)


@pytest.fixture
def matrix():
    return torch.randn(16, 16, generator=torch.Generator().manual_seed(2)) / 4


def test_one_antithetic_pair_is_exact_for_a_linear_denoiser(known_target, x, matrix):
    """The mean over ±ε of A(√ᾱ x ± σ ε) is √ᾱ A x, whatever ε."""
    attack = SimAAV(timesteps=[30, 300], draws=[2, 4], norms=[2])
    found = by_name(attack.statistics(known_target(linear(matrix)), x, SampleNoise(0, IDS)))
    for t in (30, 300):
        exact = np.sqrt(alpha_bar(t)) * np.linalg.norm(x.numpy().reshape(5, -1) @ matrix.numpy().T, axis=1)
        assert found[t, of(draws=2, norm=2)].values.numpy() == pytest.approx(exact, rel=1e-4)
        assert found[t, of(draws=4, norm=2)].values.numpy() == pytest.approx(exact, rel=1e-4)


def test_independent_draws_converge_to_the_same_at_rate_one_over_root_n(known_target, matrix):
    """The error of the averaged vector is σ A times the mean of n normals: its size falls as 1/√n."""
    x, ids, t = torch.zeros(400, 1, 4, 4), np.arange(400), 300
    attack = SimAMC(timesteps=[t], draws=[1, 4, 16, 64], norms=[2])
    found = by_name(attack.statistics(known_target(linear(matrix)), x, SampleNoise(0, ids)))
    error = {n: float(found[t, of(draws=n, norm=2)].values.square().mean()) for n in (1, 4, 16, 64)}
    expected = (1 - alpha_bar(t)) * float(matrix.square().sum())  # E‖σ A ε‖² of one draw
    for n, squared in error.items():
        assert squared == pytest.approx(expected / n, rel=0.1)


def test_the_mean_of_norms_does_not_cancel_the_noise(known_target, matrix):
    x, ids, t = torch.zeros(400, 1, 4, 4), np.arange(400), 300
    attack = SimAMC(timesteps=[t], draws=[1, 64], norms=[2], averages=["mean_of_vectors", "mean_of_norms"])
    found = by_name(attack.statistics(known_target(linear(matrix)), x, SampleNoise(0, ids)))
    one = float(found[t, of(draws=1, norm=2)].values.mean())
    assert float(found[t, of(average="mean_of_norms", draws=64, norm=2)].values.mean()) == pytest.approx(
        one, rel=0.05
    )
    assert float(found[t, of(draws=64, norm=2)].values.mean()) < one / 6
    assert (t, of(average="mean_of_norms", draws=1, norm=2)) not in found  # the same as the mean of vectors


def test_smaller_numbers_of_draws_use_the_first_draws(known_target, x, matrix):
    few = SimAMC(timesteps=[30], draws=[2], norms=[2])
    many = SimAMC(timesteps=[30], draws=[1, 2, 5], norms=[2])
    target = known_target(lambda z, t: torch.sin(3 * z))
    small, large = (by_name(a.statistics(target, x, SampleNoise(0, IDS))) for a in (few, many))
    torch.testing.assert_close(small[30, of(draws=2, norm=2)].values, large[30, of(draws=2, norm=2)].values)


def optimal_denoiser(data):
    """ε̂*(z, t) = (z − √ᾱ_t μ_t(z))/σ_t with the posterior mean μ_t over the finite set `data` (M, D)."""

    def predict(z, t):
        alpha = alpha_bar(t)
        flat = z.numpy().reshape(len(z), -1).astype(np.float64)
        distance = ((flat[:, None] - np.sqrt(alpha) * data[None]) ** 2).sum(2)
        weights = np.exp(-(distance - distance.min(1, keepdims=True)) / (2 * (1 - alpha)))
        mean = weights @ data / weights.sum(1, keepdims=True)
        return torch.from_numpy((flat - np.sqrt(alpha) * mean) / np.sqrt(1 - alpha)).float().view_as(z)

    return predict


def test_sima_of_the_optimal_denoiser_at_a_member_is_the_papers_closed_form(known_target, x):
    """Once the weights have collapsed onto the member x, ‖ε̂*(x, t)‖ = (1 − √ᾱ_t)/σ_t · ‖x‖; elsewhere it is large."""
    data = 10 * x.numpy().reshape(5, -1).astype(np.float64)  # far apart, so that the weights do collapse
    target, t = known_target(optimal_denoiser(data)), 50
    members = torch.from_numpy(data).float().view_as(x)
    attack = SimA(timesteps=[t], norms=[2])
    (found,) = attack.statistics(target, members, SampleNoise(0, IDS))
    closed_form = (1 - np.sqrt(alpha_bar(t))) / np.sqrt(1 - alpha_bar(t)) * np.linalg.norm(data, axis=1)
    assert found.values.numpy() == pytest.approx(closed_form, rel=1e-3)
    (elsewhere,) = attack.statistics(target, members + 5, SampleNoise(0, IDS))
    assert elsewhere.values.min() > 10 * found.values.max()


def test_pia_of_a_linear_denoiser_is_worked_out_by_hand(known_target, x):
    """ε̂ = c z: e₀ = c x and the residual is c x − c (√ᾱ x + σ c x) = c (1 − √ᾱ − σ c) x."""
    c = 0.7
    target = known_target(lambda z, t: c * z)
    size = x.numpy().reshape(5, -1)
    for statistic in PIA(timesteps=[10, 300], norms=[1, 4]).statistics(target, x, SampleNoise(0, IDS)):
        a = alpha_bar(statistic.timestep)
        factor = abs(c * (1 - np.sqrt(a) - np.sqrt(1 - a) * c))
        p = statistic.variant["norm"]
        assert statistic.values.numpy() == pytest.approx(
            factor * (np.abs(size) ** p).sum(1) ** (1 / p), rel=2e-3
        )


def test_pia_takes_its_noise_at_timestep_zero_of_the_clean_sample(known_target, x):
    target = known_target(lambda z, t: torch.full_like(z, 1.0 if t == 0 else 0.0))
    (statistic,) = PIA(timesteps=[100], norms=["inf"]).statistics(target, x, SampleNoise(0, IDS))
    assert target.seen[0][0] == 0
    assert torch.equal(target.seen[0][1], x)
    assert statistic.values.tolist() == [1.0] * 5
    expected = alpha_bar(100) ** 0.5 * x + (1 - alpha_bar(100)) ** 0.5
    torch.testing.assert_close(target.seen[1][1], expected)


def test_pian_gives_its_noise_the_mean_size_of_a_normal(known_target, x):
    seen = []

    def predict(z, t):
        if t:
            seen.append(z)
        return 5 * x if t == 0 else torch.zeros_like(z)

    list(PIAN(timesteps=[100]).statistics(known_target(predict), x, SampleNoise(0, IDS)))
    a = alpha_bar(100)
    noise = (seen[0] - a**0.5 * x) / (1 - a) ** 0.5
    assert noise.abs().flatten(1).mean(1).numpy() == pytest.approx((2 / np.pi) ** 0.5, rel=1e-4)
    assert torch.nn.functional.cosine_similarity(noise.flatten(1), x.flatten(1)).numpy() == pytest.approx(
        1, rel=1e-4
    )


def test_secmi_of_a_zero_denoiser_is_zero_at_every_timestep(known_target, x):
    target = known_target(lambda z, t: torch.zeros_like(z))
    for statistic in SecMI(timesteps=range(0, 301, 10)).statistics(target, x, SampleNoise(0, IDS)):
        assert statistic.values.numpy() == pytest.approx(0, abs=1e-9)


def test_secmi_walks_and_steps_back_as_its_recurrence_says(known_target, x):
    """Against the recurrence x̃_{s±I} = √ᾱ_{s±I}(x̃_s/√ᾱ_s + (p_{s±I} − p_s) ε̂), p = √(1/ᾱ − 1), in plain numpy."""

    def predict(z, t):
        return torch.tanh(z) * (1 + t / 100)

    def step(z, s, to):
        p = {i: np.sqrt(1 / alpha_bar(i) - 1) for i in (s, to)}
        noise = np.tanh(z) * (1 + s / 100)
        return np.sqrt(alpha_bar(to)) * (z / np.sqrt(alpha_bar(s)) + (p[to] - p[s]) * noise)

    found = by_name(
        SecMI(timesteps=[0, 20, 60], interval=20).statistics(known_target(predict), x, SampleNoise(0, IDS))
    )
    z = x.numpy().astype(np.float64)
    for t in (0, 20, 40, 60):
        ahead = step(z, t, t + 20)
        if t != 40:
            error = ((z - step(ahead, t + 20, t)) ** 2).reshape(5, -1).sum(1)
            assert found[t, of(interval=20)].values.numpy() == pytest.approx(error, rel=1e-3)
            assert found[t, of(interval=20)].queries == t // 20 + 2
        z = ahead


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"), [(4, 6, (2, 6), (1, 7)), (5, 7, (1, 6), (0, 7))]
)
def test_whole_crops_are_those_of_slicing_and_resizing(height, width, rows, columns):
    """Of 8×8 pixels; where one row or column more must go, it goes at the end."""
    images = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(
        images[..., slice(*rows), slice(*columns)], size=(8, 8), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(whole_crop(images, height, width), expected)


def test_fractional_crops_of_whole_pixels_are_those_of_slicing_and_resizing():
    """The middle 4×6 of 8×8 pixels; at the crop's edge alone the pixels outside of it count too."""
    images = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(
        images[..., 2:6, 1:7], size=(8, 8), mode="bilinear", align_corners=False
    )
    found = fractional_crop(images, 4, 6)
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


def bent(z, t):
    return torch.sin(z) * (1 + t) / 100


def mean_error(view, noise, timesteps):
    """L of PFAMI's definition for the denoiser `bent`, written out."""
    total = 0
    for t in timesteps:
        z = alpha_bar(t) ** 0.5 * view + (1 - alpha_bar(t)) ** 0.5 * noise
        total = total + ((bent(z, t) - noise) ** 2).mean((1, 2, 3)) / len(timesteps)
    return total


def test_pfami_is_the_loss_of_the_image_minus_the_mean_loss_of_its_crops(known_target, x):
    """One noise for all, losses averaged over timesteps, signed; 4×4 images are too small for whole pixels."""
    attack = PFAMI(timesteps=[0, 50, 100], crops=2, largest_crop=0.9, smallest_crop=0.7)
    found = list(attack.statistics(known_target(bent), x, SampleNoise(0, IDS)))
    assert [statistic.variant for statistic in found] == [
        {"crop": "fractional", "start": 0},
        {"crop": "fractional", "start": 50},
    ]
    noise = SampleNoise(0, IDS).draw(0, x)
    for statistic, timesteps in zip(found, ((0, 50, 100), (50, 100)), strict=True):
        crops = [mean_error(fractional_crop(x, 4 * s, 4 * s), noise, timesteps) for s in (0.9, 0.7)]
        expected = mean_error(x, noise, timesteps) - sum(crops) / 2
        torch.testing.assert_close(statistic.values, expected, rtol=1e-3, atol=1e-5)
        assert (statistic.timestep, statistic.queries) == (None, 3 * len(timesteps))
        assert statistic.values.min() < 0 < statistic.values.max()


def test_pfami_has_the_published_crops_of_whole_pixels_where_images_are_large_enough(known_target):
    """int(32 λ), of which 25 comes twice: it counts twice in the mean, and is asked once."""
    images = torch.randn(5, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    target = known_target(bent)
    found = by_name(PFAMI(timesteps=[0, 50]).statistics(target, images, SampleNoise(0, IDS)))
    sides = (30, 29, 28, 27, 26, 25, 25, 24, 23, 22)
    noise = SampleNoise(0, IDS).draw(0, images)
    for start, timesteps in ((0, (0, 50)), (50, (50,))):
        crops = [mean_error(whole_crop(images, side, side), noise, timesteps) for side in sides]
        expected = mean_error(images, noise, timesteps) - sum(crops) / 10
        statistic = found[None, of(crop="whole", start=start)]
        torch.testing.assert_close(statistic.values, expected, rtol=1e-3, atol=1e-5)
        assert statistic.queries == (1 + 9) * len(timesteps)
        assert found[None, of(crop="fractional", start=start)].queries == (1 + 10) * len(timesteps)
    assert target.queries == (1 + 9 + 10) * 2


@pytest.mark.parametrize(
    ("sides", "largest", "crops"),
    [
        ((8, 8), 0.95, {"fractional"}),
        ((19, 32), 0.95, {"fractional"}),
        ((20, 32), 0.95, {"whole", "fractional"}),
        ((8, 8), 0.8, {"whole", "fractional"}),
    ],
)
def test_pfami_crops_whole_pixels_where_the_largest_crop_cuts_off_one(known_target, sides, largest, crops):
    images = torch.zeros(5, 1, *sides)
    attack = PFAMI(timesteps=[50], crops=2, largest_crop=largest)
    found = attack.statistics(known_target(bent), images, SampleNoise(0, IDS))
    assert {statistic.variant["crop"] for statistic in found} == crops


def test_reconstruction_is_the_error_of_decoding_what_was_encoded(known_target, x):
    mean_absolute, mean_squared = Reconstruction().statistics(known_target(None), x, SampleNoise(0, IDS))
    error = np.tanh(np.cumsum(x.numpy(), axis=-1)) - x.numpy()
    assert mean_absolute.values.numpy() == pytest.approx(np.abs(error).mean((1, 2, 3)), rel=1e-5)
    assert mean_squared.values.numpy() == pytest.approx((error**2).mean((1, 2, 3)), rel=1e-5)


def test_pullback_drops_the_dimensions_that_move_the_image_least(known_target, x):
    """The decoder scales dimension k by k: of sixteen the first six of 40 % are dropped, whatever they predict."""
    target = known_target(lambda z, t: torch.arange(16.0).add(1).reshape(1, 1, 4, 4).expand_as(z))
    scales = torch.arange(16.0).reshape(1, 1, 4, 4)
    target.decode = lambda z: z * scales
    (statistic,) = Pullback(dropped=0.4).on(SIMA).statistics(target, x, SampleNoise(0, IDS))
    expected = sum((k + 1) ** 4 for k in range(6, 16)) ** 0.25
    assert statistic.values.numpy() == pytest.approx(expected, rel=1e-6)


def test_pullback_finds_the_dimensions_of_a_larger_latent_though_they_paint_the_same_pixels(known_target):
    """Columns of J that differ in length and hardly in direction: 16 probes find 90 % of the mask, chance 60 %."""
    generator = torch.Generator().manual_seed(3)
    lengths = torch.randn(256, generator=generator).exp()
    columns = torch.randn(300, 1, generator=generator) + 0.3 * torch.randn(300, 256, generator=generator)
    jacobian = columns * lengths
    exact = (jacobian.square().sum(0).argsort().argsort() >= 102).float()  # 40 % of 256 are dropped

    target = known_target(lambda z, t: exact.view(1, 1, 16, 16).expand_as(z))
    target.decode = lambda z: (z.flatten(1) @ jacobian.T).view(-1, 3, 10, 10)
    z = torch.zeros(5, 1, 16, 16)
    (statistic,) = Pullback(dropped=0.4).on(SIMA).statistics(target, z, SampleNoise(0, IDS))
    assert (
        statistic.values.min() ** 4 / 154 > 0.9
    )  # its fourth power counts those of the exact mask that are not dropped
    (statistic,) = PullbackRandom(dropped=0.4).on(SIMA).statistics(target, z, SampleNoise(0, IDS))
    assert statistic.values.numpy() ** 4 / 154 == pytest.approx(0.6, abs=0.1)


def test_pullbacks_control_drops_as_many_but_others(known_target, x):
    target = known_target(lambda z, t: torch.ones_like(z))
    (statistic,) = PullbackRandom(dropped=0.4).on(SIMA).statistics(target, x, SampleNoise(0, IDS))
    assert statistic.values.numpy() == pytest.approx(10**0.25)
    target = known_target(lambda z, t: torch.arange(16.0).reshape(1, 1, 4, 4).expand_as(z))
    (statistic,) = PullbackRandom(dropped=0.4).on(SIMA).statistics(target, x, SampleNoise(0, IDS))
    assert len(set(statistic.values.tolist())) == 5  # each sample has a mask of its own


def test_distortion_is_the_logarithm_of_the_largest_stretches(known_target, x):
    target = known_target(None)
    scales = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    target.decode = lambda z: z * scales
    (statistic,) = Distortion(singular_values=3, iterations=60).statistics(target, x, SampleNoise(0, IDS))
    assert statistic.values.numpy() == pytest.approx(np.log(16 * 15 * 14), rel=1e-4)


@pytest.mark.parametrize(
    ("attack", "made", "declared"),
    [
        (SimA(timesteps=[0, 10], norms=[1, 2, 4], inputs=["raw"]), 2, {1}),
        (SimA(timesteps=[0, 10], norms=[4], inputs=["raw", "scaled"]), 4, {1}),
        (
            SimAMC(timesteps=[10, 20], draws=[1, 2, 5], averages=["mean_of_vectors", "mean_of_norms"]),
            10,
            {1, 2, 5},
        ),
        (SimAAV(timesteps=[10, 20], draws=[2, 4, 10]), 20, {2, 4, 10}),
        (Loss(timesteps=[10, 20, 30], draws=[1, 2, 5]), 15, {1, 2, 5}),
        (PIA(timesteps=[10, 20, 30]), 4, {2}),
        (PIAN(timesteps=[10, 20, 30]), 4, {2}),
        (SecMI(timesteps=[0, 10, 30], interval=10), 5, {2, 3, 5}),
        (PFAMI(timesteps=[0, 50], crops=10), 22, {11, 22}),
        (Pullback(probes=4).on(SimA(timesteps=[0, 50])), 2, {1}),
        (LowPass(of="secmi").on(SecMI(timesteps=[0, 10, 30], interval=10)), 5, {2, 3, 5}),
        (ReDiffuse(timesteps=[100, 200], draws=[2, 10]), 30, {2, 4, 10, 20}),
        (Reconstruction(), 0, {0}),
        (Distortion(), 0, {0}),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "statistics") else "",
)
def test_no_query_is_made_twice_and_each_is_declared(known_target, x, attack, made, declared):
    target = known_target(lambda z, t: z)
    statistics = list(attack.statistics(target, x, SampleNoise(0, IDS)))
    assert target.queries == made
    assert {statistic.queries for statistic in statistics} == declared


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "attack",
    [
        Loss(timesteps=[10, 20], draws=[1, 8]),
        SimAMC(timesteps=[10, 20], draws=[1, 8], averages=["mean_of_vectors", "mean_of_norms"]),
        ReDiffuse(timesteps=[100], draws=[8]),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "statistics") else "",
)
def test_memory_does_not_grow_with_the_draws(known_target, x, attack, wrapped):
    """Of what the target has answered before, an attack holds no more than the answer that it has just looked at."""
    answers = WeakSet()
    held = []

    def predict(z, t):
        held.append(len(answers))
        answer = z + t
        answers.add(answer)
        return answer

    attack = LowPass(radius=1).on(attack) if wrapped else attack
    for _ in attack.statistics(known_target(predict), x, SampleNoise(0, IDS)):
        pass
    assert len(held) >= 8
    assert max(held) <= 2


@pytest.mark.parametrize(
    ("attack", "variants"),
    [
        (
            SimA(timesteps=[30], norms=[4, "inf"], inputs=["raw", "scaled"]),
            [{"input": name, "norm": p} for name in ("raw", "scaled") for p in (4, "inf")],
        ),
        (
            SimAAV(timesteps=[30], draws=[2], averages=["mean_of_vectors", "mean_of_norms"]),
            [{"draws": 2, "norm": 4}, {"average": "mean_of_norms", "draws": 2, "norm": 4}],
        ),
        (Loss(timesteps=[30], draws=[1, 3]), [{"draws": 1}, {"draws": 3}]),
        (PIAN(timesteps=[30], norms=[1, 4]), [{"norm": 1}, {"norm": 4}]),
        (SecMI(timesteps=[30], interval=15), [{"interval": 15}]),
        (PFAMI(timesteps=[30], crops=3), [{"crop": "fractional", "start": 30}]),
        (PullbackRandom(dropped=0.25).on(PIA(timesteps=[30])), [{"dropped": 0.25, "norm": 4}]),
        (LowPass(radius=1).on(Loss(timesteps=[30])), [{"draws": 1, "radius": 1}]),
        (
            ReDiffuse(timesteps=[40], interval=20, draws=[1, 2]),
            [{"draws": n, "interval": 20, "norm": 1} for n in (1, 2)],
        ),
        (Reconstruction(), [{"error": "mean_absolute"}, {"error": "mean_squared"}]),
        (Distortion(singular_values=50), [{"singular_values": 16}]),  # the latent has no more
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "statistics") else "",
)
def test_a_statistic_is_told_apart_by_its_knobs(known_target, x, attack, variants):
    statistics = attack.statistics(known_target(lambda z, t: z), x, SampleNoise(0, IDS))
    assert [statistic.variant for statistic in statistics] == variants


ALONE = {
    "flipd": [FLIPD(timesteps=[30], probes=3)],
    "gradient_mask": [GradientMask(timesteps=[30])],
    "gsa": [GSA(timesteps=[30, 300])],
    "noise_optim": [NoiseOptim(timesteps=[30], iterations=3)],
    "distortion": [Distortion(singular_values=3)],
    "sima": [SimA(timesteps=[30], inputs=["scaled"])],
    "sima_mc": [SimAMC(timesteps=[30], draws=[n]) for n in (1, 2, 5)],
    "sima_av": [SimAAV(timesteps=[30], draws=[n]) for n in (2, 10)],
    "loss": [Loss(timesteps=[30], draws=[n]) for n in (1, 5)],
    "pia": [PIA(timesteps=[30])],
    "pian": [PIAN(timesteps=[30])],
    "low_pass": [LowPass(radius=1).on(SIMA), LowPass(radius=1).on(Loss(timesteps=[30], draws=[5]))],
    "pullback": [Pullback(probes=4).on(SIMA)],
    "pullback_random": [PullbackRandom().on(SIMA)],
    "rediffuse": [ReDiffuse(timesteps=[t], interval=10, draws=[n]) for t in (10, 30) for n in (1, 3)],
    "reconstruction": [Reconstruction()],
    "secmi": [SecMI(timesteps=[t]) for t in (0, 30, 300)],
    "secmi_nns": [SecMINNs(timesteps=[t]) for t in (0, 30)],
    "pfami": [PFAMI(timesteps=[50, 100])],
}
"""Those that cost little, by name. An attack that is not here is asked at two timesteps, with its defaults."""

ASKING = {name: kind for name, kind in attack_types().items() if issubclass(kind, TargetAttack)}


def of_few_knobs(name):
    """An attack with few knobs, or several of its kind."""
    return ALONE[name] if name in ALONE else [ASKING[name](timesteps=[t]) for t in (10, 30)]


@pytest.mark.parametrize("name", ASKING)
def test_a_statistic_alone_costs_what_it_declares(known_target, x, name):
    for attack in of_few_knobs(name):
        target = known_target(lambda z, t: z)
        costs = {s.queries for s in attack.statistics(target, x[:1], SampleNoise(0, IDS[:1]))}
        assert costs == {target.queries}


@pytest.mark.parametrize("name", ASKING)
def test_no_attack_depends_on_the_other_samples_of_its_batch(known_target, x, name):
    target = known_target(lambda z, t: torch.tanh(z.cumsum(-1)) * (1 + t / 1000))
    for attack in of_few_knobs(name):
        whole = list(attack.statistics(target, x, SampleNoise(0, IDS)))
        alone = [
            list(attack.statistics(target, x[i : i + 1], SampleNoise(0, IDS[i : i + 1]))) for i in range(5)
        ]
        for statistic, *parts in zip(whole, *alone, strict=True):
            torch.testing.assert_close(torch.cat([part.values for part in parts]), statistic.values)


def test_every_attack_names_its_source():
    for name, attack in attack_types().items():
        assert "arXiv" in (attack.__doc__ or ""), name


def test_an_odd_number_of_antithetic_draws_is_refused():
    with pytest.raises(ValidationError, match="come in pairs"):
        SimAAV(timesteps=[10], draws=[2, 3])


def test_secmi_refuses_timesteps_off_its_trajectory():
    with pytest.raises(ValidationError, match=r"multiples of interval \(10\): 15 is not"):
        SecMI(timesteps=[10, 15])
