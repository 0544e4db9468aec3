"""Latent checkpoints: latents and images are those of diffusers, scaled by hand; what cannot be is refused."""

import inspect as signatures

import pytest
import torch
from checkpoints import autoencoder, change, save_dit, save_latent, unet, vq
from diffusers import AutoencoderKL, DiTTransformer2DModel, UNet2DModel, VQModel

from simaudit.attacks.decoder.distortion import Distortion
from simaudit.attacks.threshold.pullback import Pullback
from simaudit.attacks.threshold.sima import SimA
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.pullback_metric import Metric
from simaudit.scoring.run import score_batch
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.latents import DEFAULTS
from simaudit.targets.checkpoint.load import load
from simaudit.vocabulary.errors import KnobError

CPU = torch.device("cpu")


@pytest.fixture
def x(images):
    return torch.from_numpy(images)


def loaded(folder):
    return load(inspect(folder), CPU)


@pytest.mark.parametrize(("shift", "known"), [(0.25, 0.25), (None, 0.0)])
def test_kl_latents_are_posterior_modes_shifted_and_scaled(tmp_path, x, shift, known):
    folder = save_latent(tmp_path / "m", autoencoder(scaling_factor=0.5, shift_factor=shift))
    coder = AutoencoderKL.from_pretrained(folder / "vqvae").requires_grad_(False)
    target, layout = loaded(folder), inspect(folder)
    mode = coder.encode(x).latent_dist.mode()
    torch.testing.assert_close(target.encode(x), (mode - known) * 0.5, rtol=0, atol=0)
    assert torch.equal(target.encode(x), target.encode(x))
    torch.testing.assert_close(target.decode(target.encode(x)), coder.decode(mode).sample)
    assert (layout.family, layout.shape, layout.sampled) == ("latent", (1, 8, 8), (2, 4, 4))
    assert (layout.scaling.scale, layout.scaling.shift, layout.scaling.is_default) == (0.5, known, False)
    assert target.offers == layout.offers == {"decoder", "gradients", "parameters"}


def test_vq_latents_are_those_before_quantisation_and_decoding_quantises(tmp_path, x):
    folder = save_latent(tmp_path / "m", vq(scaling_factor=2.0))
    coder = VQModel.from_pretrained(folder / "vqvae").requires_grad_(False)
    target = loaded(folder)
    latents = coder.encode(x).latents
    torch.testing.assert_close(target.encode(x), latents * 2, rtol=0, atol=0)
    distance = (latents.permute(0, 2, 3, 1)[..., None, :] - coder.quantize.embedding.weight).square().sum(-1)
    nearest = coder.quantize.embedding.weight[distance.argmin(-1)].permute(0, 3, 1, 2)
    assert not torch.allclose(nearest, latents, atol=0.1)
    expected = coder.decode(nearest, force_not_quantize=True).sample
    torch.testing.assert_close(target.decode(target.encode(x)), expected, rtol=1e-4, atol=1e-5)


def test_the_derivative_of_a_vq_decoder_is_straight_through(tmp_path, x):
    """J is that of the decoder at the quantised latent, over the scale, as if quantisation only moved the point."""
    folder = save_latent(tmp_path / "m", vq(scaling_factor=2.0))
    coder = VQModel.from_pretrained(folder / "vqvae").requires_grad_(False)
    target = loaded(folder)
    z = target.encode(x[:2])
    quantised = coder.quantize(z / 2)[0]
    jacobian = torch.autograd.functional.jacobian(
        lambda h: coder.decode(h, force_not_quantize=True).sample.sum(0), quantised
    )  # (1, 8, 8, B, 2, 4, 4): every sample moves its own image alone
    columns = (jacobian / 2).flatten(0, 2).square().sum(0)
    torch.testing.assert_close(Metric(target.decode, z).diagonal(), columns, rtol=1e-3, atol=1e-8)
    for attack in Pullback().on(SimA(timesteps=[3])), Distortion(singular_values=2):
        assert score_batch(attack, target, x[:2], SampleNoise(0, torch.arange(2).numpy()))[1].all()


def test_a_config_that_says_no_scale_has_that_of_its_class_and_the_layout_says_so(tmp_path, x):
    folder = save_latent(tmp_path / "m", vq())
    change(folder / "vqvae/config.json", scaling_factor=...)
    assert inspect(folder).scaling.model_dump() == {"scale": 0.18215, "shift": 0, "is_default": True}
    remark = "The autoencoder names no scaling_factor: that of its class is taken, 0.18215."
    assert list(inspect(folder).remarks) == [remark]
    latents = VQModel.from_pretrained(folder / "vqvae").requires_grad_(False).encode(x).latents
    torch.testing.assert_close(loaded(folder).encode(x), latents * 0.18215, rtol=0, atol=0)


@pytest.mark.parametrize("kind", [AutoencoderKL, VQModel])
def test_what_a_config_leaves_out_is_what_diffusers_takes(kind):
    parameters = signatures.signature(kind.__init__).parameters
    for key, value in DEFAULTS[kind.__name__].items():
        assert parameters[key].default == value


@pytest.mark.parametrize("coder", ["vae", "vqvae"])
def test_an_autoencoder_beside_a_unet_makes_it_latent_without_any_index(tmp_path, x, coder):
    autoencoder().save_pretrained(tmp_path / coder)
    unet().save_pretrained(tmp_path / "unet")
    save_latent(tmp_path / "other", autoencoder())
    (tmp_path / "other/scheduler").rename(tmp_path / "scheduler")
    layout = inspect(tmp_path)
    assert (layout.pipeline, layout.family, layout.autoencoder.folder) == (None, "latent", tmp_path / coder)
    assert len([place for place in layout.places if place.startswith("autoencoder/")]) == 2
    z = torch.randn(3, 2, 4, 4)
    network = UNet2DModel.from_pretrained(tmp_path / "unet").requires_grad_(False)
    expected = network(z, torch.full((3,), 7)).sample
    torch.testing.assert_close(loaded(tmp_path).predict_noise(z, 7), expected, rtol=0, atol=0)


@pytest.mark.parametrize("older", [False, True])
def test_a_dit_answers_as_diffusers_own_does_for_each_class_and_for_none(tmp_path, older):
    folder = save_dit(tmp_path / "m", classes=3)
    network = DiTTransformer2DModel.from_pretrained(folder / "transformer").eval().requires_grad_(False)
    if older:  # as the published DiT checkpoints say it
        change(folder / "transformer/config.json", _class_name="Transformer2DModel", num_vector_embeds=None)
    target, layout = loaded(folder), inspect(folder)
    assert (layout.part, layout.classes, layout.empty_class, target.known_classes) == (
        "transformer",
        3,
        3,
        (0, 1, 2),
    )
    assert target.offers == layout.offers == {"decoder", "labels", "empty", "gradients", "parameters"}
    z, answers = torch.randn(4, 2, 4, 4), []
    for labels in torch.tensor([0, 1, 2, 0]), torch.tensor([1, 2, 0, 2]), None:
        given = torch.full((4,), 3) if labels is None else labels
        expected = network(z, torch.full((4,), 20), given).sample[:, :2]
        answers.append(target.conditioned(labels).predict_noise(z, 20))
        torch.testing.assert_close(answers[-1], expected, rtol=0, atol=0)
    assert torch.equal(target.predict_noise(z, 20), answers[2])
    assert not torch.allclose(answers[0], answers[1], atol=1e-3)
    assert not torch.allclose(answers[0], answers[2], atol=1e-3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"latents_mean": [0.0, 0.0]}, "sets latents_mean; only one scaling_factor and one shift_factor"),
        ({"latents_mean": [0, 0], "latents_std": [1, 1]}, "sets latents_mean and latents_std"),
        (
            {"_class_name": "AutoencoderTiny"},
            "is of AutoencoderTiny; only AutoencoderKL or VQModel can be used",
        ),
        ({"latent_channels": 3}, "makes latents of 3 channels, and the network takes 2"),
        ({"_class_name": "VQModel", "vq_embed_dim": 5}, "makes latents of 5 channels"),
        ({"latent_channels": "2"}, "latent_channels must be a whole number above 0 (got '2')"),
        ({"scaling_factor": "1"}, "scaling_factor must be a number above 0 (got '1')"),
        ({"scaling_factor": None}, "scaling_factor must be a number above 0 (got None)"),
        ({"shift_factor": True}, "shift_factor must be a number (got True)"),
        ({"scaling_factor": 0}, "scaling_factor must be a number above 0 (got 0)"),
        ({"shift_factor": [1]}, "shift_factor must be a number (got [1])"),
    ],
)
def test_what_an_autoencoder_says_that_cannot_be_is_refused_by_name(tmp_path, values, words):
    folder = save_latent(tmp_path / "m", autoencoder())
    change(folder / "vqvae/config.json", **values)
    with pytest.raises(KnobError) as caught:
        inspect(folder)
    assert caught.value.key == "path"
    assert str(folder / "vqvae/config.json") in caught.value.why
    assert words in caught.value.why


def test_two_autoencoders_are_refused(tmp_path):
    folder = save_latent(tmp_path / "m", autoencoder())
    autoencoder().save_pretrained(folder / "vae")
    with pytest.raises(KnobError, match="has vae and vqvae; leave the one that the model is for"):
        inspect(folder)


def test_a_transformer_that_is_no_dit_is_refused(tmp_path):
    folder = save_dit(tmp_path / "m")
    for name, norm in ("Transformer2DModel", "layer_norm"), ("SD3Transformer2DModel", "ada_norm_zero"):
        change(folder / "transformer/config.json", _class_name=name, norm_type=norm)
        with pytest.raises(KnobError, match=f"is of {name}( and no DiT|; only UNet2DModel)"):
            inspect(folder)
