"""What targets offer to differentiate: families, targets and scoring agree, and nothing is left behind in a network."""

import copy

import numpy as np
import pytest
import torch
from checkpoints import save_classes, save_latent, vq
from diffusers import UNet2DModel
from pixel_checkpoints import pipeline, unet
from planning import lines_of, small

import simaudit
from simaudit.attacks.attack import TargetAttack, attack_types
from simaudit.attacks.gradient.flipd import FLIPD
from simaudit.attacks.gradient.gradient_mask import GradientMask
from simaudit.attacks.gradient.gsa import GSA
from simaudit.attacks.gradient.noise_optim import NoiseOptim
from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.sima import SimA
from simaudit.audit.attacks import why_not
from simaudit.diffusion.noise import SampleNoise
from simaudit.scoring.run import score_batch
from simaudit.storage.json import write_json
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
from simaudit.targets.family import family_type, family_types
from simaudit.targets.files import SUMMARY
from simaudit.targets.optimal import OptimalTarget
from simaudit.vocabulary.errors import SimauditError

CPU = torch.device("cpu")
NOISE = SampleNoise(0, np.arange(6))
ATTACKS = [
    GradientMask(timesteps=[10, 30]),
    NoiseOptim(timesteps=[20], iterations=2),
    FLIPD(timesteps=[10, 30], probes=2),
    GSA(timesteps=[5, 25, 45], layers=True),
]
UNET = {
    "block_out_channels": [8],
    "down_block_types": ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 8,
}
UNTRAINED = {"epochs": 0, "batch_size": 8, "learning_rate": 0.001}
CODER = {"latent_channels": 2, "block_out_channels": [8, 8], "norm_num_groups": 8}


@pytest.fixture
def x(images):
    return torch.from_numpy(images[:6])


@pytest.fixture
def target(tmp_path):
    """A network with attention, in a folder of diffusers."""
    return load(inspect(pipeline(tmp_path / "m")), CPU)


def entry(kind, tmp_path):
    """What params.yaml says of a small target of each family."""
    coder = {"network": CODER, "beta": 0.01, "training": UNTRAINED}
    return {
        "ddpm": {"unet": UNET, "training": UNTRAINED},
        "latent": {"unet": UNET, "training": UNTRAINED, "autoencoder": coder},
        "optimal": {},
        "checkpoint": {"path": str(save_classes(tmp_path / "m", 4)), "empty_class": 3},
    }[kind] | {"kind": kind, "split": "s"}


@pytest.mark.parametrize("kind", family_types())
def test_a_family_says_before_training_what_its_targets_offer(tmp_path, images, split, kind):
    family = family_type(kind).model_validate(entry(kind, tmp_path))
    folder = tmp_path / "target"
    folder.mkdir()
    facts = family.train(images, split, tmp_path / "c", "a", folder)
    write_json(folder / SUMMARY, facts)
    target = family.load(folder, CPU)
    assert target.offers == family.offers
    assert "gradients" in family.offers
    assert ("parameters" in family.offers) == bool(target.parameters)
    assert ("parameters" in family.offers) or kind not in ("ddpm", "latent", "checkpoint")
    z = target.encode(torch.from_numpy(images[:2])).detach().requires_grad_()
    if target.known_classes:
        target = target.conditioned(torch.zeros(2, dtype=torch.int64))
    (gradient,) = torch.autograd.grad(target.predict_noise(z, 20).square().sum(), z)
    assert gradient.abs().max() > 0


def test_other_parameters_change_the_answers_and_not_the_network(target, x):
    before = {name: value.clone() for name, value in target.parameters.items()}
    with torch.no_grad():
        answer = target.predict_noise(x, 7)
        moved = target.with_parameters({name: value + 0.1 for name, value in before.items()})
        assert not torch.allclose(moved.predict_noise(x, 7), answer)
        same = target.with_parameters(before).predict_noise(x, 7)
        torch.testing.assert_close(same, answer, rtol=0, atol=0)
        torch.testing.assert_close(target.predict_noise(x, 7), answer, rtol=0, atol=0)
    assert all(torch.equal(value, before[name]) for name, value in target.parameters.items())


def test_gsa_is_the_norm_of_the_derivatives_that_autograd_gives_by_hand(tmp_path, x):
    folder, attack = pipeline(tmp_path / "m"), ATTACKS[3]
    columns, values = score_batch(attack, load(inspect(folder), CPU), x, NOISE)
    found = {tuple(sorted(c.variant.items())): v for c, v in zip(columns, values, strict=True)}
    network = UNet2DModel.from_pretrained(folder / "unet")
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 50))
    names = [name for name, _ in network.named_parameters()]
    assert len(found) == 2 * (1 + len(names))
    for i in range(len(x)):
        of_mean, of_each = dict.fromkeys(names, 0), []
        for k, t in enumerate(attack.timesteps):
            noise = NOISE.draw(k, x)[i : i + 1]
            noised = alpha_bar[t] ** 0.5 * x[i : i + 1] + (1 - alpha_bar[t]) ** 0.5 * noise
            network.zero_grad()
            (network(noised.float(), t).sample - noise).square().mean().backward()
            gradients = {name: p.grad.clone() for name, p in network.named_parameters()}
            of_mean = {name: of_mean[name] + gradients[name] / 3 for name in names}
            of_each.append(gradients)
        every = torch.cat([gradient.flatten() for gradient in of_mean.values()])
        norms = [torch.cat([g.flatten() for g in gradients.values()]).norm() for gradients in of_each]
        assert found[(("average", "gsa1"),)][i] == pytest.approx(every.norm().item(), rel=1e-4)
        assert found[(("average", "gsa2"),)][i] == pytest.approx(np.mean([n.item() for n in norms]), rel=1e-4)
        for name in names:
            one = found[("average", "gsa1"), ("layer", name)][i]
            two = found[("average", "gsa2"), ("layer", name)][i]
            assert one == pytest.approx(of_mean[name].norm().item(), rel=1e-3, abs=1e-6)
            mean = np.mean([gradients[name].norm().item() for gradients in of_each])
            assert two == pytest.approx(mean, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: type(attack).__name__)
def test_parts_of_a_batch_bound_the_memory_and_change_nothing(target, x, attack, monkeypatch):
    batches = []
    asked = type(target).predict_noise
    monkeypatch.setattr(
        type(target), "predict_noise", lambda self, z, t: (batches.append(len(z)), asked(self, z, t))[1]
    )
    columns, expected = score_batch(attack, target, x, NOISE)
    for size in (1, 4):
        monkeypatch.setattr(type(attack), "microbatch", size)
        batches.clear()
        again, values = score_batch(attack, target, x, NOISE)
        assert max(batches) <= size
        assert again == columns
        np.testing.assert_allclose(values, expected, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: type(attack).__name__)
def test_a_network_is_left_as_it_was(target, x, attack):
    network, simple = target._denoiser.network, SimA(timesteps=[7])
    before, weights = score_batch(simple, target, x, NOISE)[1], copy.deepcopy(network.state_dict())
    score_batch(attack, target, x, NOISE)
    assert not network.training
    assert all(not p.requires_grad and p.grad is None for p in network.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    np.testing.assert_array_equal(score_batch(simple, target, x, NOISE)[1], before)


@pytest.mark.parametrize("attack", [SimA(timesteps=[7]), Loss(timesteps=[7]), *ATTACKS])
def test_only_what_differentiates_leaves_inference_mode(target, x, attack, monkeypatch):
    modes = set()
    asked = type(target).predict_noise
    monkeypatch.setattr(
        type(target),
        "predict_noise",
        lambda self, z, t: (modes.add(torch.is_inference_mode_enabled()), asked(self, z, t))[1],
    )
    for mode in torch.inference_mode, torch.no_grad, torch.enable_grad:
        with mode():
            score_batch(attack, target, x, NOISE)
    assert modes == {not attack.differentiates()}


def test_a_model_that_was_loaded_in_inference_mode_can_be_differentiated(tmp_path, images):
    folder = pipeline(tmp_path / "m", unet())
    with torch.inference_mode():
        model = simaudit.load_model(folder, "cpu")
        inside = [simaudit.score(model, images[:3], name, timesteps=[7]) for name in ("flipd", "gsa")]
    outside = [simaudit.score(model, images[:3], name, timesteps=[7]) for name in ("flipd", "gsa")]
    for one, other in zip(inside, outside, strict=True):
        np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())


def test_latents_of_a_vq_model_are_differentiated(tmp_path, x):
    target = load(inspect(save_latent(tmp_path / "m", vq())), CPU)
    for attack in ATTACKS:
        _, values = score_batch(attack, target, x, NOISE)
        assert np.isfinite(values).all()


def test_each_sample_is_differentiated_under_its_own_class(tmp_path, x):
    target, labels = load(inspect(save_classes(tmp_path / "m", 4)), CPU), torch.tensor([0, 1, 2, 3, 0, 1])
    attack = GSA(timesteps=[5, 25])
    _, whole = score_batch(attack, target, x, NOISE, ["labels"], labels)
    for i in range(6):
        rows = slice(i, i + 1)
        _, alone = score_batch(attack, target, x[rows], NOISE.of(rows), ["labels"], labels[rows])
        np.testing.assert_allclose(whole[:, rows], alone, rtol=1e-5)
    _, wrong = score_batch(attack, target, x, NOISE, ["labels"], (labels + 1) % 4)
    assert (np.abs(wrong - whole) > 1e-6).all()
    with pytest.raises(ValueError, match="6 classes were given for 1 samples"):
        target.conditioned(labels).predict_noise(x[:1], 5)


def test_what_a_model_cannot_be_differentiated_by_is_refused_in_one_line(schedule, images):
    model = simaudit.Model(OptimalTarget(torch.from_numpy(images), schedule), None, CPU)
    with pytest.raises(SimauditError, match=r"^attack gsa: the model has no parameters; choose another$"):
        simaudit.score(model, images, "gsa", timesteps=[7])
    assert len(simaudit.score(model, images, "flipd", timesteps=[7])) == len(images)
    for kind in attack_types().values():
        if issubclass(kind, TargetAttack) and kind.differentiates():
            assert why_not(kind, frozenset()) == f"the model has no {min(kind.needs)}"


def test_an_audit_that_names_an_attack_for_which_its_target_has_no_parameters_is_refused():
    experiment = "attacks: {gsa: {timesteps: [100]}}\naudits: {exact: {attacks: [gsa]}}"
    [line] = lines_of(small, experiment)
    assert line.endswith("audits.exact.attacks: gsa needs parameters, which kind optimal has not")
