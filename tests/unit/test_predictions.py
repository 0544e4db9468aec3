"""One optimal denoiser in folders of five kinds: each answer becomes the same noise, and SimA is the same number."""

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import change
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler
from pixel_checkpoints import CPU, pipeline
from safetensors.torch import save_file

from simaudit.attacks.threshold.sima import SimA
from simaudit.diffusion.noise import SampleNoise
from simaudit.scoring.run import score_batch
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load

STEPS, AT = 10, [0, 4, 8]  # at 9 nothing of an image is left
POINTS = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 1, 8, 8)))
X = torch.cat([POINTS[:2], torch.zeros(1, 1, 8, 8, dtype=torch.float64)]).float()
S = torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS
FLOW = 1 - S, S
"""a_t and s_t of a flow."""
DDPM = FLOW[0] / torch.hypot(*FLOW), FLOW[1] / torch.hypot(*FLOW)
"""Those of a DDPM with the same ratio of signal to noise at every timestep."""
ANSWERS = {
    "epsilon": lambda a, s, x0, noise: noise,
    "sample": lambda a, s, x0, noise: x0,
    "v_prediction": lambda a, s, x0, noise: a * noise - s * x0,
    "learned": lambda a, s, x0, noise: torch.cat([noise, 7 * noise + 3], dim=1),
    "flow_velocity": lambda a, s, x0, noise: noise - x0,
}


def optimum(z, a, s):
    """The posterior mean over the three points, and the noise that leaves it at z = a x + s ε."""
    squares = (z[:, None] - a * POINTS).flatten(2).square().sum(2)
    weights = torch.softmax(-squares / (2 * s**2), dim=1)
    x0 = torch.einsum("bm,mchw->bchw", weights, POINTS)
    return x0, (z - a * x0) / s


class Network(torch.nn.Module):
    """The optimal network of some kind; its weights are a_t and s_t."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.tables = torch.nn.Parameter(torch.zeros(2, STEPS, dtype=torch.float64))

    @classmethod
    def from_config(cls, config):
        return cls(config["kind"])

    def forward(self, z, time, return_dict):
        t = round(float(time.flatten()[0])) - (self.kind == "flow_velocity")  # a flow is told 1 … 10
        a, s = self.tables[:, t]
        answer = ANSWERS[self.kind](a, s, *optimum(z.double(), a, s))
        return (answer.float(),)


@pytest.fixture
def target(tmp_path, monkeypatch):
    """Makes the target of a kind, from a folder that diffusers saved and its weights replaced."""

    def make(kind):
        a, s = FLOW if kind == "flow_velocity" else DDPM
        alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), a**2])
        betas = (1 - alpha_bar[1:] / alpha_bar[:-1]).tolist()
        prediction = kind if kind in ("sample", "v_prediction") else "epsilon"
        scheduler = (
            FlowMatchEulerDiscreteScheduler(num_train_timesteps=STEPS)
            if kind == "flow_velocity"
            else DDPMScheduler(num_train_timesteps=STEPS, trained_betas=betas, prediction_type=prediction)
        )
        folder = pipeline(tmp_path / kind)
        scheduler.save_pretrained(folder / "scheduler")
        change(folder / "unet/config.json", kind=kind, out_channels=2 if kind == "learned" else 1)
        save_file({"tables": torch.stack([a, s])}, folder / "unet/diffusion_pytorch_model.safetensors")
        with monkeypatch.context() as patch:
            patch.setattr(diffusers, "UNet2DModel", Network)
            return load(inspect(folder), CPU)

    return make


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_it_predicts_becomes_the_noise_of_the_closed_form(target, kind):
    model, (a, s) = target(kind), FLOW if kind == "flow_velocity" else DDPM
    assert len(model.schedule) == STEPS
    torch.testing.assert_close(model.schedule.signals, a, atol=1e-7, rtol=0)
    torch.testing.assert_close(model.schedule.sigmas, s, atol=1e-7, rtol=0)
    for t in AT:
        for z in X, a[t].float() * X:
            expected = optimum(z.double(), a[t], s[t])[1].float()
            torch.testing.assert_close(model.predict_noise(z, t), expected, atol=1e-4, rtol=1e-4)


def test_sima_is_the_same_number_whatever_is_predicted(target):
    """At z = a x, since a flow and a DDPM differ in the scale of z alone; at z = x only those of one schedule agree."""
    numbers = {kind: sima(target(kind)) for kind in ANSWERS}
    for t, columns in enumerate(AT):
        noise = optimum(DDPM[0][columns] * X.double(), DDPM[0][columns], DDPM[1][columns])[1]
        exact = torch.linalg.vector_norm(noise.flatten(1), 4, dim=1)
        for values in numbers.values():
            np.testing.assert_allclose(values["scaled"][t], exact, rtol=1e-4, atol=1e-4)
    assert not np.allclose(numbers["flow_velocity"]["raw"], numbers["epsilon"]["raw"], rtol=0.01)
    for kind in "sample", "v_prediction", "learned":
        np.testing.assert_allclose(numbers[kind]["raw"], numbers["epsilon"]["raw"], rtol=1e-4)


def sima(model):
    """SimA of the images, (timesteps, images), by its input."""
    attack = SimA(timesteps=AT, inputs=("raw", "scaled"))
    columns, values = score_batch(attack, model, X, SampleNoise(0, np.arange(3)))
    inputs = np.array([column.variant["input"] for column in columns])
    return {name: values[inputs == name] for name in ("raw", "scaled")}
