"""Targets whose answers are known, and small data, for all tests."""

import os

# Before a library reads them, and for subcommands too: tests run side by side.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import settings

from simaudit.data.split import Split, make_split
from simaudit.diffusion.schedule import NoiseSchedule

settings.register_profile("simaudit", deadline=None)  # a busy machine is no failure
settings.register_profile("fuzz", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "simaudit"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Small tensors, tests may run side by side, and the same weights need the same number.

    Subcommands and other libraries have their number from the environment, above.
    """
    torch.set_num_threads(1)


@pytest.fixture
def schedule() -> NoiseSchedule:
    """The published schedule: 1000 steps, β linear from 1e-4 to 0.02."""
    return NoiseSchedule.of(DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02))


@dataclass
class KnownTarget:
    """A denoiser ε̂ = weight · function(z, t) in closed form, which counts its queries, and a bent decoder."""

    schedule: NoiseSchedule
    function: object
    seen: list[tuple[int, torch.Tensor]] = field(default_factory=list)

    weight: torch.Tensor = field(default_factory=lambda: torch.ones(()))

    offers = frozenset({"decoder", "gradients", "parameters"})

    @property
    def queries(self):
        return len(self.seen)

    @property
    def parameters(self):
        return {"weight": self.weight}

    def with_parameters(self, parameters):
        return replace(self, **parameters)

    def conditioned(self, labels):
        return self

    def encode(self, images):
        return images

    def decode(self, z):
        return torch.tanh(z.cumsum(-1))

    def predict_noise(self, z, timestep):
        self.seen.append((timestep, z))
        return self.weight * self.function(z, timestep)


@pytest.fixture
def known_target(schedule):
    """Makes a KnownTarget from a function of (z, t)."""
    return lambda function: KnownTarget(schedule, function)


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """24 random images (1, 8, 8) in [-1, 1]."""
    return np.random.default_rng(7).uniform(-1, 1, (24, 1, 8, 8)).astype(np.float32)


@pytest.fixture(scope="session")
def split(tmp_path_factory) -> Split:
    """A split of 24 samples: 10 members, folds of 40 %."""
    frame = make_split([f"{i:064x}" for i in range(24)], members=10, calibration=0.4, seed=3)
    return Split(
        tmp_path_factory.mktemp("split") / "split.parquet",
        *(frame[name].to_numpy() for name in frame.columns),
    )


@pytest.fixture
def locked():
    """Takes permissions away from a path until the test ends."""
    before = {}

    def lock(path, mode):
        before[path] = path.stat().st_mode
        path.chmod(mode)

    yield lock
    for path, mode in before.items():
        path.chmod(mode)
