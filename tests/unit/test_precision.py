"""Precision: float32 is exact, TF32 and bfloat16 are what they are asked to be, and what they change is measured."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from checkpoints import autoencoder, unet
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from test_ddpm import KNOBS as DDPM_KNOBS
from test_latent import KNOBS as LATENT_KNOBS

from simaudit.machine import devices, precision
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import autocast, computing_in, placed, set_precision
from simaudit.scoring.precision_error import EACH, against_float32
from simaudit.scoring.score_file import Scores, ScoreWriter
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.families.ddpm import DDPM
from simaudit.targets.families.latent import Latent
from simaudit.targets.latent import LatentTarget
from simaudit.vocabulary.variant import Column

CPU, GPU = torch.device("cpu"), torch.device("cuda")
MATMUL, CUDNN = torch.backends.cuda.matmul, torch.backends.cudnn


@pytest.fixture(autouse=True)
def _as_before():
    with computing_in("float32", CPU):
        yield


@pytest.fixture
def generation(monkeypatch):
    """Sets the compute capability of the GPU that is not here."""
    return lambda major: monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (major, 0))


def rounds():
    """Whether TF32 is on for products and for convolutions."""
    return MATMUL.allow_tf32, CUDNN.allow_tf32


def test_float32_is_exact_whatever_the_library_does_of_itself():
    MATMUL.allow_tf32 = CUDNN.allow_tf32 = True
    assert set_precision("float32", CPU) == "float32"
    assert rounds() == (False, False)
    assert CUDNN.deterministic, "or else a training that was resumed on a GPU ends at other weights"


def test_tf32_is_for_products_and_convolutions_alike_and_ends_with_its_context(generation):
    generation(9)
    with computing_in("tf32", GPU) as in_force:
        assert (in_force, rounds()) == ("tf32", (True, True))
        assert set_precision("bfloat16", GPU) == "bfloat16"
        assert rounds() == (False, False)
    assert rounds() == (False, False)
    assert not autocast(CPU)._enabled


@pytest.mark.parametrize(("device", "major"), [(CPU, 9), (GPU, 7)], ids=["no GPU", "an old one"])
def test_tf32_where_there_is_none_is_float32_and_a_line_says_so(generation, caplog, device, major):
    generation(major)
    assert set_precision("tf32", device) == "float32"
    assert rounds() == (False, False)
    (line,) = [record.getMessage() for record in caplog.records]
    assert (
        line == f"precision: tf32 needs a GPU of NVIDIA's Ampere or later; computing in float32 on {device}"
    )


def test_the_network_alone_computes_in_bfloat16(schedule):
    network, coder = unet(), autoencoder()
    target = LatentTarget(coder, Denoiser(network, schedule))
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    inside = []
    for part in (network.conv_in, coder.encoder.conv_in, coder.decoder.conv_in):
        part.register_forward_hook(lambda module, given, output: inside.append(output.dtype))
    answers = {}
    with torch.no_grad():
        for name in ("float32", "bfloat16"):
            with computing_in(name, CPU):
                z = target.encode(images)
                answers[name] = z, target.predict_noise(z, 30), target.decode(z)
    half, whole = torch.bfloat16, torch.float32
    assert inside == [whole, whole, whole, whole, half, whole]
    (z, exact, decoded), (same_z, rounded, same_decoded) = answers.values()
    assert torch.equal(z, same_z)
    assert torch.equal(decoded, same_decoded)
    assert rounded.dtype == whole
    error = (rounded - exact).norm() / exact.norm()
    assert 1e-5 < error < 0.03  # bfloat16 has 8 bits


def test_derivatives_pass_through_a_network_in_bfloat16(schedule):
    denoiser = Denoiser(unet(3, 8), schedule)
    gradients = []
    for name in ("float32", "bfloat16"):
        z = torch.ones(1, 3, 8, 8, requires_grad=True)
        with computing_in(name, CPU):
            weights = {key: value.detach().clone() for key, value in denoiser.parameters.items()}
            denoiser.with_parameters(weights)(z, 30).square().sum().backward()
        gradients.append(z.grad)
    assert gradients[1].dtype == torch.float32
    torch.testing.assert_close(*gradients, rtol=0.1, atol=0.1 * float(gradients[0].abs().max()))


class Moved:
    """A network that says where it is moved, and in which order of its weights."""

    def to(self, device, memory_format):
        return device, memory_format


@pytest.mark.parametrize("name", ["float32", "tf32", "bfloat16"])
def test_weights_lie_channels_last_where_a_gpu_computes_in_less_than_float32(generation, name):
    generation(9)
    set_precision(name, GPU)
    on_gpu = torch.contiguous_format if name == "float32" else torch.channels_last
    assert placed(Moved(), GPU) == (GPU, on_gpu)
    assert placed(Moved(), CPU) == (CPU, torch.contiguous_format)


@pytest.mark.parametrize(("family", "knobs"), [(DDPM, DDPM_KNOBS), (Latent, LATENT_KNOBS)])
def test_weights_trained_in_bfloat16_are_float32_and_others(
    tmp_path, images, split, monkeypatch, family, knobs
):
    """As on a GPU, weights lie channels last meanwhile, which no file may show."""
    trained = {}
    for name in ("float32", "bfloat16"):
        if name == "bfloat16":
            monkeypatch.setattr(precision, "memory_format", lambda device: torch.channels_last)
        entry = family.model_validate({**knobs, "training": {**knobs["training"], "precision": name}})
        entry.train(images, split, tmp_path / f"{name}-c", "a", tmp_path / name)
        files = sorted((tmp_path / name).rglob("*.safetensors"))
        trained[name] = [tensor for file in files for tensor in load_file(file).values()]
        assert len(files) == (1 if family is DDPM else 2)
    assert {tensor.dtype for tensor in trained["bfloat16"]} == {torch.float32}
    pairs = list(zip(*trained.values(), strict=True))
    assert any(not torch.equal(*pair) for pair in pairs)
    assert all(torch.allclose(*pair, atol=0.05) for pair in pairs)


def changes(ask, split, name="bfloat16", member_when="low"):
    """What each statistic of the attack `a` becomes in a precision, from the metadata of its score file."""
    metadata = against_float32(ask, split, name, CPU, {"a": member_when})["a"]
    scores = Scores("a", member_when, [], np.arange(0), *[np.zeros(0, bool)] * 2, np.zeros((0, 0)))
    return replace(scores, metadata=metadata).against_float32


@pytest.mark.parametrize("member_when", ["low", "high"])
def test_what_a_precision_changes_is_the_largest_error_and_the_auc_difference_of_the_same_samples(
    split, member_when
):
    rng = np.random.default_rng(0)
    exact = rng.normal(size=(2, len(split))).astype(np.float32)
    rounded = exact + rng.normal(scale=0.3, size=exact.shape).astype(np.float32)
    columns = [Column(10, {"norm": 4}, 1), Column(20, {}, 1)]
    asked = []

    def ask(places):
        asked.append(places.tolist())
        values = rounded if autocast(CPU)._enabled else exact
        return {"a": (columns, values[:, places]), "head": (columns, np.zeros((2, len(places), 3)))}

    measured = changes(ask, split, member_when=member_when)
    assert [sorted(places) for places in asked] == [list(range(24))] * 2
    assert list(measured) == [(10, '{"norm": 4}'), (20, "{}")]
    sign = 1 if member_when == "high" else -1
    for row, (error, difference) in enumerate(measured.values()):
        size = np.sqrt(np.mean(exact[row].astype(float) ** 2))
        assert error == pytest.approx(np.abs(rounded[row] - exact[row]).max() / size, rel=1e-6)
        ours, theirs = (roc_auc_score(split.is_member, sign * of[row]) for of in (rounded, exact))
        assert difference == pytest.approx(ours - theirs)
        assert difference


def test_a_few_samples_of_each_side_are_compared_and_a_learned_head_is_not(split):
    many = replace(split, role=np.repeat(["member", "heldout"], [100, 200]))
    asked = []

    def ask(places):
        asked.append(places.tolist())
        columns = [Column(None, {}, 1)]
        return {
            "a": (columns, np.zeros((1, len(places)))),
            "b": (columns, np.zeros((1, len(places), 2))),
        }

    assert changes(ask, many) == {(None, "{}"): (0, 0)}
    assert asked == [[*range(EACH), *range(100, 100 + EACH)]] * 2
    assert list(against_float32(ask, many, "bfloat16", CPU, {"a": "low", "b": "low"})) == ["a"]


def test_float32_is_compared_with_nothing(split):
    assert against_float32(None, split, "float32", CPU, {}) == {}


def test_the_comparison_stands_in_the_score_file(tmp_path, split):
    def ask(places):
        return {"a": ([Column(10, {}, 1)], np.ones((1, len(places))))}

    metadata = {"attack": "a", "member_when": "low"}
    more = against_float32(ask, split, "bfloat16", CPU, {"a": "low"})["a"]
    for name, content in {"plain": metadata, "rounded": metadata | more}.items():
        with ScoreWriter(tmp_path / name, content) as writer:
            writer.write([Column(10, {}, 1)], split, slice(0, 24), np.ones((1, 24), np.float32))
    assert Scores.read(tmp_path / "rounded").against_float32 == {(10, "{}"): (0, 0)}
    assert Scores.read(tmp_path / "plain").against_float32 == {}


@pytest.fixture
def _nothing_said():
    devices._say.cache_clear()
    yield
    devices._say.cache_clear()


@pytest.mark.usefixtures("_nothing_said")
def test_the_log_says_once_which_device_auto_takes(caplog, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    with caplog.at_level(logging.DEBUG, "simaudit"):
        chosen = {resolve_device("auto").type for _ in range(2)}
        resolve_device("cpu")
    assert [record.getMessage() for record in caplog.records] == [f"device: auto takes {chosen.pop()}"]


@pytest.mark.usefixtures("_nothing_said")
def test_a_gpu_that_is_not_found_by_a_build_for_one_is_a_warning_in_one_line(caplog, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == (
        "device: PyTorch is built for CUDA 12.8 and finds no GPU here, so auto takes cpu; look at nvidia-smi, or set "
        "device: cpu"
    )
