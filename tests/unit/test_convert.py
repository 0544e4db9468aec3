"""Converted checkpoints answer what the networks of their code bases do, which are described in plain functions."""

import hashlib
import json
import math

import diffusers
import numpy as np
import pytest
import torch
from calling import call
from reference_networks import State, guided_diffusion, pytorch_ddpm

from simaudit.targets.convert.convert import convert
from simaudit.targets.networks.classes import network_class

DIFFUSERS, OURS = "UNet2DModel", "ConvertedUNet2DModel"
SIDE = 8
IMAGES = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
DDPM_FLAGS = {"img_size": SIDE, "beta_1": 0.0001, "beta_T": 0.02, "mean_type": "epsilon"}
ADM_FLAGS = {"image_size": SIDE, "noise_schedule": "linear", "diffusion_steps": 1000}


def written(folder, kind, content, flags, weights=None):
    """The folder that a checkpoint with this content is converted to."""
    (folder / "their").mkdir()
    torch.save(content, folder / "their/model.pt")
    flagfile = folder / "flags.txt"
    flagfile.write_text("".join(f"--{name}={value}\n" for name, value in flags.items()))
    converted = convert(kind, folder / "their/model.pt", flagfile, weights, folder / "model")
    assert converted.chosen == (weights or ("ema_model" if "ema_model" in content else None))
    return folder / "model"


def network(folder):
    config = json.loads((folder / "unet/config.json").read_text())
    return network_class(config["_class_name"]).from_pretrained(folder / "unet", low_cpu_mem_usage=False)


def assert_same(answer, expected):
    assert expected.std() > 0.3  # numbers that could differ
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({}, DIFFUSERS),
        ({"mult": (1, 2, 2), "attn": (0, 2), "blocks": 2}, DIFFUSERS),
        ({"mult": (1,), "attn": ()}, DIFFUSERS),
        (
            {"mult": (2, 1), "attn": (0,), "blocks": 2},
            OURS,
        ),  # the first convolution is narrower than its level
    ],
)
def test_a_network_of_pytorch_ddpm_answers_the_same(tmp_path, shape, kind):
    state, times = State(), torch.tensor([0, 7])
    expected = pytorch_ddpm(state, IMAGES, times, **shape)
    content = {"ema_model": {f"module.{name}": tensor for name, tensor in state.items()}, "step": 3}
    unet = network(written(tmp_path, "pytorch-ddpm", content, DDPM_FLAGS))
    assert type(unet).__name__ == kind
    assert_same(unet(IMAGES, times).sample, expected)
    assert_same(unet(IMAGES, 7, return_dict=False)[0][1:], expected[1:])


def by_number(down, up):
    return lambda width, on_way_up: up if on_way_up else down


ADM = {"scale_shift": True, "residual_resampling": True, "out": 6}
ADM_LABELS = torch.tensor([4, 1])


@pytest.mark.parametrize(
    ("shape", "flags", "labels", "kind"),
    [
        ({}, {"num_heads": 1}, None, DIFFUSERS),
        ({"heads": by_number(4, 4)}, {"num_heads": 4, "use_new_attention_order": False}, None, DIFFUSERS),
        (
            {**ADM, "heads": lambda width, _: width // 16, "mult": (1, 2, 2), "attention": (2, 4)},
            {"num_head_channels": 16, "use_new_attention_order": False, "attention_resolutions": "4,2"},
            ADM_LABELS,
            DIFFUSERS,
        ),
        (
            {**ADM, "heads": lambda width, _: width // 16, "attention": (1,), "blocks": 2, "new_order": True},
            {
                "num_head_channels": 16,
                "use_new_attention_order": True,
                "class_cond": True,
                "learn_sigma": True,
            },
            ADM_LABELS,
            DIFFUSERS,
        ),
        # Attention at two widths with one number of heads: their heads are not equally wide.
        (
            {"heads": by_number(4, 4), "attention": (1, 2), "scale_shift": True},
            {"num_heads": 4, "use_new_attention_order": False, "use_scale_shift_norm": True},
            None,
            OURS,
        ),
        (
            {"heads": by_number(2, 4), "out": 6, "new_order": True},
            {
                "num_heads": 2,
                "num_heads_upsample": 4,
                "use_new_attention_order": True,
                "num_head_channels": -1,
            },
            None,
            OURS,
        ),
        # As ADM at 512: the first level is narrower than the timestep's sinusoids.
        (
            {**ADM, "channels": 64, "mult": (0.5, 1, 1), "heads": lambda width, _: width // 32},
            {"num_head_channels": 32, "use_new_attention_order": False, "channel_mult": "0.5,1,1"},
            ADM_LABELS,
            OURS,
        ),
    ],
)
def test_a_network_of_guided_diffusion_answers_the_same(tmp_path, shape, flags, labels, kind):
    state, times = State(), torch.tensor([0, 420])
    expected = guided_diffusion(state, IMAGES, times, labels, **shape)
    unet = network(written(tmp_path, "guided-diffusion", dict(state), {**ADM_FLAGS, **flags}))
    assert type(unet).__name__ == kind
    assert unet.config.num_class_embeds == (None if labels is None else 5)
    assert_same(unet(IMAGES, times, labels).sample, expected)
    assert_same(unet(IMAGES, 420, labels, return_dict=False)[0][1:], expected[1:])
    with pytest.raises(
        ValueError, match="class"
    ):  # it answers no other question than the one that it was asked
        unet(IMAGES, times, torch.tensor([0, 0]) if labels is None else None)


@pytest.mark.parametrize(("shape", "kind"), [({}, DIFFUSERS), ({"mult": (0.5, 1), "channels": 64}, OURS)])
def test_rescaled_timesteps_of_a_longer_schedule_become_a_table(tmp_path, shape, kind):
    state, times = State(), torch.tensor([3, 77])
    expected = guided_diffusion(state, IMAGES, times * 1000 / 80, **shape)
    flags = {**ADM_FLAGS, "diffusion_steps": 80, "num_heads": 1, "rescale_timesteps": True}
    unet = network(written(tmp_path, "guided-diffusion", dict(state), flags))
    assert type(unet).__name__ == kind
    torch.testing.assert_close(
        unet(IMAGES, times).sample, expected, rtol=0, atol=1e-4
    )  # sines of single precision


def cosine(steps):
    def signal(time):
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    return [min(1 - signal((t + 1) / steps) / signal(t / steps), 0.999) for t in range(steps)]


@pytest.mark.parametrize(
    ("flags", "betas"),
    [
        ({"noise_schedule": "cosine"}, cosine(1000)),
        (
            {"noise_schedule": "linear", "diffusion_steps": 50, "rescale_timesteps": False},
            np.linspace(0.002, 0.4, 50),
        ),
    ],
)
def test_the_schedule_and_what_is_predicted_are_those_of_the_flags(tmp_path, flags, betas):
    state = State()
    guided_diffusion(state, IMAGES, torch.tensor([1, 2]), out=6)
    flags = {**ADM_FLAGS, "num_heads": 1, **flags, "predict_xstart": True}
    pipeline = diffusers.DDPMPipeline.from_pretrained(
        written(tmp_path, "guided-diffusion", dict(state), flags), low_cpu_mem_usage=False
    )
    np.testing.assert_allclose(pipeline.scheduler.betas, betas, rtol=1e-4, atol=1e-7)
    assert pipeline.scheduler.config.prediction_type == "sample"
    assert pipeline.scheduler.config.variance_type == "learned_range"
    assert pipeline(num_inference_steps=2, output_type="np").images.shape == (1, SIDE, SIDE, 3)


@pytest.fixture
def two(tmp_path):
    """What a checkpoint of pytorch-ddpm holds: averaged and last weights, and what its training needs to go on."""
    averaged, last = State(0), State(1)
    for state in (averaged, last):
        pytorch_ddpm(state, IMAGES, torch.tensor([0, 1]))
    return {
        "net_model": dict(last),
        "ema_model": dict(averaged),
        "sched": {"last_epoch": 3},
        "optim": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 0.1}]},
        "step": 3,
        "x_T": IMAGES,
    }


def test_the_averaged_weights_are_taken_or_those_that_are_named_and_the_terminal_says_which(tmp_path, two):
    flags = {**DDPM_FLAGS, "mean_type": "xstart", "var_type": "fixedsmall", "T": 10, "ch": 32}
    unet = network(written(tmp_path, "pytorch-ddpm", two, flags))
    assert unet.conv_in.weight.equal(two["ema_model"]["head.weight"])
    config = json.loads((tmp_path / "model/scheduler/scheduler_config.json").read_text())
    asked = (
        "num_train_timesteps",
        "beta_start",
        "beta_end",
        "prediction_type",
        "variance_type",
        "beta_schedule",
    )
    assert [config[key] for key in asked] == [10, 0.0001, 0.02, "sample", "fixed_small", "linear"]
    file = tmp_path / "their/model.pt"
    before = (sorted(file.parent.iterdir()), file.stat().st_mtime_ns)
    done = call(
        *("convert", "pytorch-ddpm", file, "--flagfile", tmp_path / "flags.txt", "--weights", "net_model"),
        *("--output", tmp_path / "last"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "net_model of " in done.stderr
    assert "UNet2DModel" in done.stderr
    assert network(tmp_path / "last").conv_in.weight.equal(two["net_model"]["head.weight"])
    note = json.loads((tmp_path / "last/conversion.json").read_text())
    assert note["weights"] == "net_model"
    assert note["checkpoint"] == {"file": "model.pt", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert before == (sorted(file.parent.iterdir()), file.stat().st_mtime_ns)
