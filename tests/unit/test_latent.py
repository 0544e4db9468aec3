"""The latent family: diffusers alone loads both parts, members alone are seen, and what does not fit is refused."""

import copy

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, LDMPipeline, UNet2DModel
from pydantic import ValidationError

from simaudit.data.split import Split, make_split
from simaudit.data.store import Images
from simaudit.storage.json import write_json
from simaudit.targets import latent
from simaudit.targets.families.latent import Latent
from simaudit.targets.files import AUTOENCODER, SUMMARY, file_hashes
from simaudit.targets.jobs import train_job
from simaudit.training import loop
from simaudit.vocabulary.errors import SimauditError

CPU = torch.device("cpu")
FIT = {"epochs": 2, "batch_size": 8, "learning_rate": 0.001}
KNOBS = {
    "kind": "latent",
    "split": "s",
    "autoencoder": {
        "network": {"latent_channels": 2, "block_out_channels": [8, 8], "norm_num_groups": 8},
        "beta": 0.01,
        "training": FIT,
    },
    "unet": {
        "block_out_channels": [8],
        "down_block_types": ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"],
        "layers_per_block": 1,
        "norm_num_groups": 8,
    },
    "schedule": {"num_train_timesteps": 50},
    "training": FIT,
}


def changed(key, value):
    knobs = copy.deepcopy(KNOBS)
    *sections, last = key.split(".")
    node = knobs
    for section in sections:
        node = node[section]
    node[last] = value
    return Latent.model_validate(knobs)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, images, split):
    folder = tmp_path_factory.mktemp("target")
    facts = Latent.model_validate(KNOBS).train(images, split, folder / "c", "a", folder / "target")
    return folder / "target", facts


def test_it_saves_what_its_rule_promises(trained):
    assert set(file_hashes(trained[0])) == set(Latent.files)


def test_diffusers_alone_loads_it_and_draws_samples(trained):
    pipeline = LDMPipeline.from_pretrained(trained[0], use_safetensors=True)
    samples = pipeline(batch_size=3, num_inference_steps=5, output_type="np").images
    assert samples.shape == (3, 8, 8, 1)
    assert np.isfinite(samples).all()


def test_a_saved_and_loaded_target_predicts_the_same_noise(trained):
    target = Latent.load(trained[0], CPU)
    network = UNet2DModel.from_pretrained(trained[0] / "unet").requires_grad_(False)
    z = torch.randn(4, 2, 4, 4)
    with torch.no_grad():
        for t in (0, 17, 49):
            expected = network(z, torch.full((4,), t)).sample
            torch.testing.assert_close(target.predict_noise(z, t), expected, rtol=0, atol=0)


def test_latents_are_posterior_means_and_draw_nothing(trained, images):
    target = Latent.load(trained[0], CPU)
    vae = AutoencoderKL.from_pretrained(trained[0] / "vqvae")
    x = torch.from_numpy(images)
    mean, _ = vae.quant_conv(vae.encoder(x)).chunk(2, dim=1)
    torch.testing.assert_close(target.encode(x), (mean * vae.config.scaling_factor).detach())
    assert torch.equal(target.encode(x), target.encode(x))
    torch.testing.assert_close(target.decode(target.encode(x)), vae.decode(mean).sample.detach())


def test_latents_lie_in_a_file_and_are_read_a_batch_at_a_time(trained, images, split, tmp_path, monkeypatch):
    vae = AutoencoderKL.from_pretrained(trained[0] / AUTOENCODER)
    sizes, stored = [], Images(images)
    read = Images.__getitem__
    monkeypatch.setattr(Images, "__getitem__", lambda self, ids: sizes.append(len(ids)) or read(self, ids))
    monkeypatch.setattr(latent, "BATCH", 7)
    latents, scale = latent.write_latents(vae, stored, split.member_ids, tmp_path / "c" / "latents.npy")
    assert max(sizes) == 7
    assert scale == pytest.approx(vae.config.scaling_factor, rel=1e-5)
    with torch.no_grad():
        means = vae.encode(torch.from_numpy(images[split.member_ids])).latent_dist.mode()
    np.testing.assert_allclose(np.load(tmp_path / "c" / "latents.npy"), means * scale, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(latents[np.array([3])], means[[3]] * scale, rtol=1e-4, atol=1e-5)


def test_latents_have_unit_variance_over_the_members(trained, images, split):
    target = Latent.load(trained[0], CPU)
    z = target.encode(torch.from_numpy(images[split.member_ids]))
    assert z.numpy().std() == pytest.approx(1, rel=1e-4)


def test_held_out_images_change_nothing(trained, images, split, tmp_path):
    """Autoencoder, scale and denoiser come out the same whatever the others are: only members are seen."""
    others = np.where(split.is_member[:, None, None, None], images, -images)
    assert not np.array_equal(others, images)
    facts = Latent.model_validate(KNOBS).train(others, split, tmp_path / "c", "a", tmp_path / "target")
    assert file_hashes(tmp_path / "target") == file_hashes(trained[0])
    assert facts["autoencoder"]["members"] == split.member_hash


def test_killed_between_its_two_parts_it_resumes_to_the_same_files(
    trained, images, split, tmp_path, monkeypatch
):
    from simaudit.training import denoiser

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(denoiser.DenoiserRun, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            Latent.model_validate(KNOBS).train(images, split, tmp_path / "c", "a", tmp_path / "target")
    from simaudit.training import autoencoder

    steps = []
    original = autoencoder.autoencoder_loss
    monkeypatch.setattr(autoencoder, "autoencoder_loss", lambda *a: steps.append(1) or original(*a))
    Latent.model_validate(KNOBS).train(images, split, tmp_path / "c", "a", tmp_path / "target")
    assert file_hashes(tmp_path / "target") == file_hashes(trained[0])
    assert not steps  # the autoencoder was finished, and not trained again


def test_progress_names_the_part_of_the_target_that_is_trained(images, split, tmp_path, monkeypatch):
    titles = []

    class Recorded(loop.Progress):
        def __init__(self, title, *arguments, **knobs):
            titles.append(title)
            super().__init__(title, *arguments, **knobs)

    monkeypatch.setattr(loop, "Progress", Recorded)
    Latent.model_validate(KNOBS).train(images, split, tmp_path / "digits-ldm", "a", tmp_path / "target")
    assert titles == ["autoencoder", "denoiser"]


def test_mirrored_images_are_encoded_themselves(images, split, tmp_path, monkeypatch):
    """The denoiser is trained on latents of mirrored images, which mirrored latents are not."""
    from simaudit.training import denoiser

    seen = []
    original = denoiser.noise_prediction
    monkeypatch.setattr(denoiser, "noise_prediction", lambda m, s, x: seen.append(x) or original(m, s, x))
    family = changed("training", FIT | {"horizontal_flip": True})
    family.train(images, split, tmp_path / "c", "a", tmp_path / "target")
    target = Latent.load(tmp_path / "target", CPU)
    members = torch.from_numpy(images[split.member_ids])
    both = torch.cat([target.encode(members), target.encode(members.flip(-1))])
    shown = torch.cat(seen)
    nearest = (shown.flatten(1)[:, None] - both.flatten(1)[None]).abs().amax(2)
    assert nearest.amin(1).max() < 1e-4
    assert (nearest.argmin(1) >= len(members)).any()


def test_a_pretrained_autoencoder_is_used_as_it_is(trained, images, split, tmp_path):
    family = changed("autoencoder", {"pretrained": str(trained[0] / "vqvae")})
    facts = family.train(images, split, tmp_path / "c", "a", tmp_path / "target")
    weights = "vqvae/diffusion_pytorch_model.safetensors"
    assert file_hashes(tmp_path / "target")[weights] == file_hashes(trained[0])[weights]
    assert facts["autoencoder"] == {"members": "unverified"}


def test_an_autoencoder_beside_a_summary_that_knows_none_is_unverified(trained):
    family = changed("autoencoder", {"pretrained": str(trained[0] / "vqvae")})
    for summary in {"kind": "ddpm"}, {"autoencoder": {}}:
        write_json(trained[0] / SUMMARY, summary)
        try:
            assert family.autoencoder.members == "unverified"
        finally:
            (trained[0] / SUMMARY).unlink()


def test_an_autoencoder_of_an_intermediate_checkpoint_knows_its_members_like_that_of_the_target(tmp_path):
    write_json(tmp_path / SUMMARY, {"autoencoder": {"members": "0f3a"}})
    for folder in "vqvae", "epochs/100/vqvae":
        family = changed("autoencoder", {"pretrained": str(tmp_path / folder)})
        assert family.autoencoder.members == "0f3a"
        assert train_job("mine", family, "digits", "verified").given[-1] == tmp_path / SUMMARY


def test_an_autoencoder_of_other_members_is_refused_before_training(trained, images, split, tmp_path):
    write_json(trained[0] / SUMMARY, {"autoencoder": {"members": split.member_hash}})
    try:
        family = changed("autoencoder", {"pretrained": str(trained[0] / "vqvae")})
        facts = family.train(images, split, tmp_path / "c", "a", tmp_path / "target")
        assert facts["autoencoder"] == {"members": split.member_hash}
        frame = make_split([f"{i:064x}" for i in range(24)], 10, 0.4, seed=4)
        other = Split(tmp_path / "b.parquet", *(frame[name].to_numpy() for name in frame.columns))
        with pytest.raises(SimauditError, match=r"trained on other members than those of .*b.parquet"):
            family.train(images, other, tmp_path / "c2", "a", tmp_path / "target2")
    finally:
        (trained[0] / SUMMARY).unlink()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("unet.block_out_channels", [8, 8, 8, 8], "unet.block_out_channels: 4 levels .* the latents are 4×4"),
        (
            "autoencoder.network.block_out_channels",
            [8] * 5,
            "autoencoder.network.block_out_channels: 5 levels",
        ),
        ("autoencoder.adversarial", {"start": 0, "layers": 4}, "autoencoder.adversarial.layers: 4 layers"),
        (
            "autoencoder",
            {"pretrained": "nowhere"},
            "autoencoder.pretrained: nowhere/config.json: missing; name",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(key, value, words, images, split, tmp_path):
    knobs = changed(key, value) if key != "unet.block_out_channels" else deep_unet(value)
    with pytest.raises(SimauditError, match=words):
        knobs.train(images, split, tmp_path / "c", "a", tmp_path / "target")
    assert not (tmp_path / "c").exists()


def deep_unet(widths):
    kinds = {side: [f"{side}Block2D"] * len(widths) for side in ("Down", "Up")}
    unet = KNOBS["unet"] | {
        "block_out_channels": widths,
        "down_block_types": kinds["Down"],
        "up_block_types": kinds["Up"],
    }
    return changed("unet", unet)


def test_intermediate_checkpoints_are_those_of_a_shorter_training(images, split, tmp_path):
    """Constant learning rates make the checkpoint after one epoch the target that one epoch would have trained."""
    short, long = (
        changed("training", FIT | {"epochs": 1}),
        changed("training", FIT | {"intermediate_epochs": [1]}),
    )
    short.train(images, split, tmp_path / "c", "a", tmp_path / "short")
    long.train(images, split, tmp_path / "c2", "a", tmp_path / "long")
    assert file_hashes(tmp_path / "long/epochs/1") == file_hashes(tmp_path / "short")
    assert (
        Latent.load(tmp_path / "long/epochs/1", CPU)
        .predict_noise(torch.zeros(1, 2, 4, 4), 3)
        .isfinite()
        .all()
    )


def test_a_negative_beta_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        changed("autoencoder.beta", -0.1)


def test_it_is_a_control_only_where_nothing_at_all_was_learned():
    untrained = FIT | {"epochs": 0}
    assert changed("training", untrained).control is None
    knobs = copy.deepcopy(KNOBS) | {"training": untrained}
    knobs["autoencoder"]["training"] = untrained
    assert Latent.model_validate(knobs).control == "untrained"
