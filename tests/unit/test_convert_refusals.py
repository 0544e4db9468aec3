"""What `simaudit convert` refuses: one line that names the file, the tensor or the flag, and no output."""

import os
import pickle

import pytest
import torch
from calling import assert_refused, call
from reference_networks import State, guided_diffusion, pytorch_ddpm

from simaudit.targets.convert.convert import convert
from simaudit.vocabulary.errors import SimauditError

IMAGES, TIMES = torch.zeros(1, 3, 8, 8), torch.tensor([0])
DDPM_FLAGS = ("--img_size=8", "--beta_1=0.0001", "--beta_T=0.02", "--mean_type=epsilon")
ADM_FLAGS = (
    "# as its authors call it",
    "--image_size 8 --noise_schedule linear --diffusion_steps 1000",
    'MODEL_FLAGS="--num_heads 4 --use_new_attention_order False"',
)


@pytest.fixture(scope="module")
def states():
    ddpm, adm = State(), State()
    pytorch_ddpm(ddpm, IMAGES, TIMES)
    guided_diffusion(adm, IMAGES, TIMES, heads=lambda width, on_way_up: 4)
    return {"pytorch-ddpm": dict(ddpm), "guided-diffusion": dict(adm)}


@pytest.fixture
def refused(tmp_path, states):
    """Converts a checkpoint, whose tensors a function may change, and gives the line that refuses it."""

    def line(
        change=None, flags=None, kind="pytorch-ddpm", content=None, weights=None, output=tmp_path / "model"
    ):
        state = dict(states[kind]) if kind in states else {}
        if change:
            change(state)
        file = tmp_path / "their/model.pt"
        file.parent.mkdir(exist_ok=True)
        torch.save({"ema_model": state} if content is None else content, file)
        if flags is None:
            flags = DDPM_FLAGS if kind == "pytorch-ddpm" else ADM_FLAGS
        (tmp_path / "flags.txt").write_text("\n".join(flags))
        return refusal(kind, file, tmp_path / "flags.txt", weights, output)

    return line


def refusal(*arguments):
    output = arguments[-1]
    before = sorted(output.parent.rglob("*"))
    with pytest.raises(SimauditError) as caught:
        convert(*arguments)
    assert "\n" not in str(caught.value)
    assert sorted(output.parent.rglob("*")) == before
    return str(caught.value)


def without(name):
    return lambda state: state.pop(name)


def with_tensor(name, *shape):
    return lambda state: state.update({name: torch.ones(shape)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("head.weight"), "has no head.weight"),
        (without("tail.0.bias"), "missing (1): tail.0.bias"),
        (with_tensor("cond.weight", 3, 3), "of no known use (1): cond.weight"),
        (
            with_tensor("downblocks.0.attn.proj_q.weight", 32, 32, 1, 1),
            "missing (",
        ),  # attention in half a level
        (
            with_tensor("upblocks.0.block2.0.bias", 5),
            "of another shape (1): upblocks.0.block2.0.bias (5,) instead of (64,)",
        ),
        (with_tensor("head.weight", 32, 3), "head.weight has the shape (32, 3), and needs 4 dimensions"),
        (with_tensor("head.weight", 48, 3, 3, 3), "48 channels cannot be normalised in 32 groups"),
        (
            lambda state: state.update({"head.bias": torch.ones(32, dtype=torch.int64)}),
            "not finite numbers: head.bias",
        ),
        (lambda state: state["head.bias"].fill_(torch.nan), "not finite numbers: head.bias"),
    ],
)
def test_tensors_that_are_missing_unknown_of_another_shape_or_not_finite(refused, change, words):
    line = refused(lambda state: (state.update({"head.bias": state["head.bias"].clone()}), change(state)))
    assert "model.pt: " in line
    assert words in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--ch=64", "--ch is 64 and the weights have 32"),
        ("--ch_mult=1\n--ch_mult=3", "--ch_mult is (1.0, 3.0) and the weights have (1.0, 2.0)"),
        ("--attn=0", "--attn is (0,) and the weights have (1,)"),
        ("--num_res_blocks=2", "--num_res_blocks is 2 and the weights have 1"),
        ("--T=1000", "--T is 1000 and the weights have 10"),
        ("--ch_mult=inf", "--ch_mult: must be numbers (got 'inf')"),
        ("--ch=wide", "--ch: must be a whole number (got 'wide')"),
        ("--mean_type=xprev", "--mean_type: must be one of epsilon, xstart (got 'epsilon xprev')"),
        ("--beta_1=0.5", "--beta_1: must be above 0 and at most --beta_T"),
        ("--img_size=9", "an image of side 9 cannot be halved 1 times"),
    ],
)
def test_flags_that_contradict_the_weights_or_are_wrong(refused, more, words):
    line = refused(flags=(*DDPM_FLAGS, more))
    assert words in line
    assert "flags.txt" in line or "flags that belong to it" in line


def test_what_the_weights_do_not_tell_must_be_said(refused, tmp_path):
    line = refused(flags=DDPM_FLAGS[:2])
    assert "flags.txt: missing: --beta_T, --mean_type; " in line
    line = refusal("pytorch-ddpm", tmp_path / "their/model.pt", None, None, tmp_path / "model")
    assert line.startswith("--flagfile: missing: --img_size, --beta_1, --beta_T, --mean_type; ")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (ADM_FLAGS[:2], "missing: --num_head_channels or --num_heads"),
        ((ADM_FLAGS[1], "--num_heads 4"), "missing: --use_new_attention_order"),
        ((*ADM_FLAGS, "--class_cond True"), "--class_cond is True and the weights have False"),
        ((*ADM_FLAGS, "--learn_sigma 1"), "--learn_sigma is True and the weights have False"),
        ((*ADM_FLAGS, "--resblock_updown yes"), "--resblock_updown is True and the weights have False"),
        (
            (*ADM_FLAGS, "--use_scale_shift_norm True"),
            "--use_scale_shift_norm is True and the weights have False",
        ),
        ((*ADM_FLAGS, "--num_channels=64"), "--num_channels is 64 and the weights have 32"),
        (
            (*ADM_FLAGS, "--channel_mult 1,2,4"),
            "--channel_mult is (32, 64, 128) and the weights have (32, 64)",
        ),
        (
            (*ADM_FLAGS, "--attention_resolutions 8"),
            "--attention_resolutions is (0,) and the weights have (1,)",
        ),
        (
            (*ADM_FLAGS, "--num_head_channels 48"),
            "an attention block of 64 channels cannot be split into heads of 48",
        ),
        ((*ADM_FLAGS, "--num_head_channels 0"), "--num_head_channels: must be above 0, or -1 (got 0)"),
        ((*ADM_FLAGS[:2], "--num_head_channels -1"), "missing: --num_heads;"),
        ((*ADM_FLAGS, "--num_heads 0"), "cannot be split into 0 heads"),
        ((*ADM_FLAGS, "--diffusion_steps 4000"), "missing: --rescale_timesteps"),
        ((*ADM_FLAGS, "--diffusion_steps 3"), "--diffusion_steps: must be above 20"),
        ((*ADM_FLAGS, "--noise_schedule sqrt"), "--noise_schedule: must be one of linear, cosine"),
        ((*ADM_FLAGS, "--class_cond maybe"), "--class_cond: must be True or False (got 'maybe')"),
    ],
)
def test_flags_of_guided_diffusion(refused, states, flags, words):
    assert words in refused(kind="guided-diffusion", content=states["guided-diffusion"], flags=flags)


def test_a_network_that_enlarges_images_is_none_of_whole_images(refused, states):
    content = {**states["guided-diffusion"], "input_blocks.0.0.weight": torch.ones(32, 6, 3, 3)}
    assert "takes 6 channels and gives 3" in refused(kind="guided-diffusion", content=content)


def test_a_tensor_that_stands_in_two_places_of_the_file_is_written_twice(tmp_path, states):
    state = dict(states["pytorch-ddpm"])
    state["downblocks.0.block2.0.bias"] = state["downblocks.0.block1.0.bias"]
    (tmp_path / "their").mkdir()
    torch.save(state, tmp_path / "their/model.pt")
    (tmp_path / "flags.txt").write_text("\n".join(DDPM_FLAGS))
    convert("pytorch-ddpm", tmp_path / "their/model.pt", tmp_path / "flags.txt", None, tmp_path / "model")
    assert (tmp_path / "model/unet/diffusion_pytorch_model.safetensors").is_file()


def test_weights_that_the_file_does_not_hold(refused, states):
    content = {"net_model": states["pytorch-ddpm"], "optim": {"lr": 0.1}}
    assert "model.pt: has no ema_model; name one of these with --weights: net_model" in refused(
        content=content
    )
    assert "model.pt: has no ema; name one of these" in refused(content=content, weights="ema")
    assert "leave --weights out" in refused(content=states["pytorch-ddpm"], weights="ema_model")
    assert "model.pt: holds several things; name one of these" in refused(
        content=content, kind="guided-diffusion"
    )
    assert "holds no weights by name" in refused(content={"model": {"lr": 0.1}})
    assert "holds no weights by name" in refused(content=[torch.ones(2)])


class Payload:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize(
    ("save", "words"),
    [
        (
            torch.save,
            "holds posix.mkdir beside tensors, and reading that could run code, so it was not read",
        ),
        (lambda content, file: file.write_bytes(pickle.dumps(content)), "not a whole checkpoint"),
    ],
)
def test_a_pickle_with_a_payload_does_not_run(tmp_path, save, words):
    ran, file = tmp_path / "ran", tmp_path / "their/model.pt"
    file.parent.mkdir()
    save({"ema_model": {"head.weight": torch.ones(2)}, "extra": Payload(ran)}, file)
    assert f"{file}: {words}" in refusal("pytorch-ddpm", file, None, None, tmp_path / "model")
    assert not ran.exists()
    pickle.loads(pickle.dumps(Payload(ran)))
    assert ran.exists()  # it would have


def test_files_that_are_cut_off_missing_or_something_else(tmp_path, refused):
    refused(flags=())
    file, output = tmp_path / "their/model.pt", tmp_path / "model"
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:100], b"", b"<html>not found</html>"):
        file.write_bytes(content)
        assert f"{file}: not a whole checkpoint" in refusal("pytorch-ddpm", file, None, None, output)
    assert "none.pt: missing; get the file again" in refusal(
        "pytorch-ddpm", tmp_path / "none.pt", None, None, output
    )
    assert f"{file.parent}: not a whole" in refusal("pytorch-ddpm", file.parent, None, None, output)
    file.write_bytes(whole)
    line = refusal("pytorch-ddpm", file, tmp_path / "none.txt", None, output)
    assert f"{tmp_path}/none.txt: missing; " in line
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    line = refusal("pytorch-ddpm", file, tmp_path / "image.png", None, output)
    assert "image.png: not a flagfile" in line


def test_an_output_that_is_not_free(tmp_path, refused):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/own.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    for name in ("full", "file"):
        assert "exists and is not an empty folder" in refused(output=tmp_path / name)
    assert "exists and is not an empty folder" in refused(output=tmp_path / "their")


def test_formats_that_are_none_and_edm_whose_files_are_programs(tmp_path):
    file, output = tmp_path / "model.pt", tmp_path / "out/model"
    arguments = (file, "--output", output)
    line = "FORMAT must be one of pytorch-ddpm, guided-diffusion (got 'ddpm')"
    assert_refused(call("convert", "ddpm", *arguments, cwd=tmp_path), line)
    edm = "cannot be converted: a network of EDM is a pickle that holds its own program"
    assert edm in refusal("edm", file, None, None, output)
    assert edm in refusal("guided-diffusion", tmp_path / "edm-cifar10.pkl", None, None, output)
