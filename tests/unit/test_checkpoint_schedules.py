"""Schedulers of diffusers: what is read of their config is what diffusers itself makes of it."""

from inspect import signature

import diffusers
import pytest
import torch
from pixel_checkpoints import CPU, pipeline, unet

from simaudit.targets.checkpoint.component import component
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
from simaudit.targets.checkpoint.schedulers import (
    BETA_SCHEDULES,
    OF_BETAS,
    SCHEDULERS,
    forward_process,
)
from simaudit.targets.directory import read_schedule

pytestmark = pytest.mark.filterwarnings("ignore:__array_")  # inside diffusers

ZERO_SNR = [
    name
    for name in OF_BETAS
    if "rescale_betas_zero_snr" in signature(getattr(diffusers, name).__init__).parameters
]


def read(tmp_path, scheduler):
    """What is known of a scheduler by its file: its schedule, what a network predicts under it, and its length."""
    scheduler.save_pretrained(tmp_path)
    part = component(tmp_path / "scheduler_config.json", SCHEDULERS)
    return read_schedule(part, CPU), *forward_process(part)


def holds(schedule, alphas_cumprod):
    torch.testing.assert_close(schedule.signals**2, alphas_cumprod.double(), atol=2e-6, rtol=1e-4)
    torch.testing.assert_close(schedule.signals**2 + schedule.sigmas**2, torch.ones(len(schedule)).double())


@pytest.mark.parametrize("name", OF_BETAS)
@pytest.mark.parametrize("steps", [1000, 50])
def test_every_scheduler_with_betas_has_the_signal_that_diffusers_computes(tmp_path, name, steps):
    scheduler = getattr(diffusers, name)(num_train_timesteps=steps, prediction_type="v_prediction")
    schedule, prediction, timesteps = read(tmp_path, scheduler)
    assert (prediction, timesteps, len(schedule), schedule.time(3)) == ("v_prediction", steps, steps, 3)
    holds(schedule, scheduler.alphas_cumprod)


@pytest.mark.parametrize("beta_schedule", BETA_SCHEDULES)
def test_every_course_of_the_betas_is_read(tmp_path, beta_schedule):
    scheduler = diffusers.DDPMScheduler(beta_schedule=beta_schedule, beta_start=0.001, beta_end=0.01)
    holds(read(tmp_path, scheduler)[0], scheduler.alphas_cumprod)


def test_betas_of_their_own_decide_how_many_timesteps_there_are(tmp_path):
    schedule, _, timesteps = read(tmp_path, diffusers.DDPMScheduler(trained_betas=[0.1, 0.2, 0.5]))
    assert timesteps == len(schedule) == 3
    torch.testing.assert_close(
        schedule.signals**2, torch.tensor([0.9, 0.72, 0.36]).double(), atol=1e-7, rtol=0
    )


@pytest.mark.parametrize("name", ZERO_SNR)
def test_a_schedule_without_any_signal_at_its_end_is_read_as_it_is(tmp_path, name):
    """Some schedulers put a very small number there, so as to draw samples from it; training has none."""
    scheduler = getattr(diffusers, name)(num_train_timesteps=50, rescale_betas_zero_snr=True)
    schedule, *_ = read(tmp_path, scheduler)
    holds(schedule, scheduler.alphas_cumprod)
    assert schedule.signals[-1] == 0
    assert schedule.log_snr(49) == -torch.inf


@pytest.mark.parametrize("settings", [{}, {"shift": 3.0}])
def test_a_flow_diffuses_as_diffusers_does_and_its_network_is_told_the_same_time(tmp_path, settings):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=20, **settings)
    schedule, prediction, timesteps = read(tmp_path, scheduler)
    assert (prediction, timesteps, len(schedule)) == ("flow_velocity", 20, 20)
    x, noise = torch.randn(2, 3, 1, 4, 4)
    for t in 0, 7, 19:
        time = scheduler.timesteps[19 - t]
        torch.testing.assert_close(schedule.time(t), time)
        expected = scheduler.scale_noise(x, time[None], noise)
        torch.testing.assert_close(schedule.diffuse(x, noise, t), expected)


def test_a_network_of_a_flow_is_asked_with_its_time(tmp_path):
    network = unet()
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=20, shift=3.0)
    folder = pipeline(tmp_path / "m", network)
    scheduler.save_pretrained(folder / "scheduler")
    z, target = torch.randn(2, 1, 8, 8), load(inspect(folder), CPU)
    velocity = network(z, scheduler.timesteps[-6].expand(2)).sample
    expected = z + (1 - scheduler.sigmas[-6]) * velocity
    torch.testing.assert_close(target.predict_noise(z, 5), expected)
