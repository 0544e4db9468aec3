"""The DDPM family: diffusers alone can load what was trained, and the adapter says what the network says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline

from simaudit.storage.json import read_json, write_json
from simaudit.targets.families.ddpm import DDPM
from simaudit.targets.files import SUMMARY, file_hashes, read_summary, target_hash
from simaudit.vocabulary.errors import SimauditError

CPU = torch.device("cpu")
KNOBS = {
    "kind": "ddpm",
    "split": "s",
    "unet": {
        "block_out_channels": [8, 16],
        "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
        "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
        "layers_per_block": 1,
        "norm_num_groups": 8,
    },
    "schedule": {"num_train_timesteps": 50},
    "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.001},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, images, split):
    folder = tmp_path_factory.mktemp("target")
    facts = DDPM.model_validate(KNOBS).train(images, split, folder / "c", "a", folder / "target")
    return folder / "target", facts


@pytest.mark.parametrize("file", DDPM.files[1:])
@pytest.mark.parametrize("content", [b"", b"[]", b"\x80\x04N."], ids=["empty", "list", "pickle"])
def test_a_damaged_file_is_one_line_with_its_name(trained, tmp_path, file, content):
    folder = shutil.copytree(trained[0], tmp_path / "t")
    (folder / file).write_bytes(content)
    with pytest.raises(SimauditError, match=f"^{folder / file}: .*; train the target again$"):
        DDPM.load(folder, torch.device("cpu"))


def test_diffusers_alone_loads_it_and_draws_samples(trained):
    pipeline = DDPMPipeline.from_pretrained(trained[0], use_safetensors=True)
    samples = pipeline(batch_size=3, num_inference_steps=5, output_type="np").images
    assert samples.shape == (3, 8, 8, 1)
    assert np.isfinite(samples).all()
    assert len(pipeline.scheduler) == 50


def test_the_adapter_predicts_what_the_saved_network_predicts(trained):
    target = DDPM.load(trained[0], CPU)
    network = DDPMPipeline.from_pretrained(trained[0]).unet
    z = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        for t in (0, 17, 49):
            expected = network(z, torch.full((4,), t)).sample
            torch.testing.assert_close(target.predict_noise(z, t), expected, rtol=0, atol=0)
    assert target.encode(z) is z
    assert len(target.schedule) == 50


def test_what_predicts_something_else_than_the_noise_is_not_taken_for_it(trained, tmp_path):
    other = Path(shutil.copytree(trained[0], tmp_path / "v"))
    file, z = other / "scheduler/scheduler_config.json", torch.randn(2, 1, 8, 8)
    v = DDPM.load(other, CPU).predict_noise(z, 7)
    write_json(file, read_json(file) | {"prediction_type": "v_prediction"})
    target = DDPM.load(other, CPU)
    a, s = target.schedule.signal(7, z), target.schedule.sigma(7, z)
    torch.testing.assert_close(target.predict_noise(z, 7), a * v + s * z)
    write_json(file, read_json(file) | {"prediction_type": "score"})
    with pytest.raises(SimauditError, match=f"^{file}: prediction_type is 'score'; what can be audited: eps"):
        DDPM.load(other, CPU)


def test_training_says_what_it_did(trained):
    assert len(trained[1]["loss_per_epoch"]) == 2
    assert trained[1]["parameters"] == sum(
        p.numel() for p in DDPMPipeline.from_pretrained(trained[0]).unet.parameters()
    )


def test_the_same_seed_trains_the_same_weights(trained, tmp_path, images, split):
    DDPM.model_validate(KNOBS).train(images, split, tmp_path / "c", "a", tmp_path / "target")
    assert file_hashes(tmp_path / "target") == file_hashes(trained[0])


def test_no_epochs_leave_the_network_at_its_initialisation(tmp_path, images, split):
    knobs = KNOBS | {"training": KNOBS["training"] | {"epochs": 0, "seed": 5}}
    family = DDPM.model_validate(knobs)
    facts = family.train(images, split, tmp_path / "c", "a", tmp_path / "target")
    assert facts["loss_per_epoch"] == []
    assert family.control == "untrained"
    saved = DDPMPipeline.from_pretrained(tmp_path / "target").unet.state_dict()
    for name, weights in family.unet.build((1, 8, 8), 5).state_dict().items():
        torch.testing.assert_close(saved[name], weights, rtol=0, atol=0)


def test_a_file_changed_after_training_is_named(trained, tmp_path):
    folder = tmp_path / "t"
    (folder / "unet").mkdir(parents=True)
    weights = folder / "unet" / "weights"
    weights.write_bytes(b"1")
    members = {"members": {"sha256": "0" * 64, "split": "s"}}
    write_json(folder / SUMMARY, members | {"files": file_hashes(folder)})
    identity = target_hash(read_summary(folder))
    weights.write_bytes(b"2")
    with pytest.raises(SimauditError, match="unet/weights: changed since training"):
        read_summary(folder)
    write_json(folder / SUMMARY, members | {"files": file_hashes(folder)})
    assert target_hash(json.loads((folder / SUMMARY).read_text())) != identity
    weights.unlink()
    with pytest.raises(SimauditError, match="unet/weights: missing"):
        read_summary(folder)


def test_images_that_cannot_be_halved_often_enough_are_refused():
    with pytest.raises(SimauditError, match=r"unet.block_out_channels: 2 levels .* images are 7×8"):
        DDPM.model_validate(KNOBS).unet.build((1, 7, 8), 0)
