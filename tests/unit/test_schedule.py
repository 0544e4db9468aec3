"""The forward process, held against diffusers' own schedulers."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st

from simaudit.diffusion.schedule import NoiseSchedule

KINDS = ["linear", "scaled_linear", "squaredcos_cap_v2"]


@pytest.mark.parametrize("kind", KINDS)
def test_diffuse_agrees_with_diffusers_add_noise(kind):
    scheduler = DDPMScheduler(num_train_timesteps=1000, beta_schedule=kind)
    x, noise = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4)
    t = torch.tensor([0, 1, 300, 998, 999])
    ours = NoiseSchedule.of(scheduler).diffuse(x, noise, t)
    torch.testing.assert_close(ours, scheduler.add_noise(x, noise, t), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_ddim_step_agrees_with_diffusers_ddim(kind):
    scheduler = DDIMScheduler(num_train_timesteps=1000, beta_schedule=kind, clip_sample=False, steps_offset=0)
    scheduler.set_timesteps(100)  # every tenth timestep: one step goes from t to t - 10
    z, noise = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    ours = NoiseSchedule.of(scheduler).ddim_step(z, noise, 310, 300)
    torch.testing.assert_close(ours, scheduler.step(noise, 310, z).prev_sample, rtol=1e-4, atol=1e-4)


@given(t=st.integers(0, 999), seed=st.integers(0, 2**31))
def test_predict_x0_undoes_diffuse(t, seed):
    schedule = NoiseSchedule.of(DDPMScheduler())
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, 3, 1, 2, 2, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(schedule.predict_x0(schedule.diffuse(x, noise, t), noise, t), x)


@given(t=st.integers(0, 999), s=st.integers(0, 999))
def test_a_ddim_step_and_back_with_the_same_noise_is_the_identity(t, s):
    schedule = NoiseSchedule.of(DDPMScheduler())
    z, noise = torch.randn(2, 3, 1, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(schedule.ddim_step(schedule.ddim_step(z, noise, t, s), noise, s, t), z)


def test_one_timestep_and_one_per_sample_agree():
    schedule = NoiseSchedule.of(DDPMScheduler())
    x, noise = torch.randn(2, 4, 1, 8, 8)
    torch.testing.assert_close(
        schedule.diffuse(x, noise, 30), schedule.diffuse(x, noise, torch.full((4,), 30)), rtol=0, atol=0
    )


def test_signal_and_noise_keep_unit_variance():
    schedule, like = NoiseSchedule.of(DDPMScheduler()), torch.zeros(1, dtype=torch.float64)
    for t in (0, 500, 999):
        assert float(schedule.signal(t, like) ** 2 + schedule.sigma(t, like) ** 2) == pytest.approx(
            1, abs=1e-12
        )


def test_log_snr_is_the_logarithm_of_signal_over_noise():
    schedule = NoiseSchedule.of(DDPMScheduler(beta_start=1e-4, beta_end=0.02))
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    for t in (0, 300, 999):
        assert schedule.log_snr(t) == pytest.approx(np.log(alpha_bar[t] / (1 - alpha_bar[t])), rel=1e-4)
