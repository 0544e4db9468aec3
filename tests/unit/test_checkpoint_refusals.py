"""Folders that hold no model that can be audited: each is refused in one line that names the file, and nothing runs."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import change
from pixel_checkpoints import CPU, pipeline, state, unet
from planning import SMALL, lines_of
from safetensors.torch import load_file, save_file

from simaudit.plan.load import load as read_parameters
from simaudit.storage.json import write_json
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
from simaudit.vocabulary.errors import FileError, KnobError

UNET, SCHEDULER, INDEX = "unet/config.json", "scheduler/scheduler_config.json", "model_index.json"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"
FIRST = "unet/diffusion_pytorch_model-00001-of-"


def refused(folder, **knobs):
    with pytest.raises(KnobError) as caught:
        inspect(folder, **knobs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        (
            UNET,
            {"_class_name": "UNet2DConditionModel"},
            "is of UNet2DConditionModel; only UNet2DModel, Conver",
        ),
        (UNET, {"_class_name": "MyUNet"}, "is of MyUNet; only UNet2DModel, ConvertedUNet2DModel, DiT"),
        (UNET, {"_class_name": ...}, "is without a _class_name; only UNet2DModel, ConvertedUNet2DModel, DiT"),
        (UNET, {"_class_name": ["a", "B"]}, "is without a _class_name; only UNet2DModel"),
        (
            UNET,
            {"quantization_config": {"bits": 4}},
            "has a quantization_config; save the model with all its",
        ),
        (UNET, {"class_embed_type": "timestep"}, "class_embed_type is 'timestep'; only classes by number"),
        (UNET, {"class_embed_type": "identity"}, "class_embed_type is 'identity'; only classes by number"),
        (
            UNET,
            {"time_embedding_type": "fourier"},
            "time_embedding_type is 'fourier'; what can be audited: p",
        ),
        (
            UNET,
            {"out_channels": 3},
            "takes 1 channels and answers with 3; it must be as many, or twice as ma",
        ),
        (UNET, {"in_channels": "1"}, "in_channels must be a whole number above 0 (got '1'); get the model's"),
        (UNET, {"sample_size": [8, 8, 8]}, "sample_size must be a number or two (got [8, 8, 8])"),
        (UNET, {"sample_size": "8"}, "sample_size must be a number or two (got '8')"),
        (
            SCHEDULER,
            {"_class_name": "ScoreSdeVeScheduler"},
            "is of ScoreSdeVeScheduler; only DDIMInverseSche",
        ),
        (SCHEDULER, {"_class_name": "EDMEulerScheduler"}, "is of EDMEulerScheduler; only DDIM"),
        (
            SCHEDULER,
            {"prediction_type": "flow_prediction"},
            "prediction_type is 'flow_prediction'; what can ",
        ),
        (
            SCHEDULER,
            {"beta_schedule": "mine"},
            "beta_schedule is 'mine'; what can be audited: linear, scaled_",
        ),
        (SCHEDULER, {"beta_schedule": ["linear"]}, "beta_schedule is ['linear']; what can be audited"),
        (
            SCHEDULER,
            {"use_flow_sigmas": True},
            "use_flow_sigmas is True; name a scheduler_config.json of Flow",
        ),
        (
            SCHEDULER,
            {"timestep_type": "continuous"},
            "timestep_type is 'continuous'; what can be audited: di",
        ),
        (
            SCHEDULER,
            {"num_train_timesteps": 40000},
            "num_train_timesteps must be a whole number above 0 and ",
        ),
        (
            SCHEDULER,
            {"trained_betas": [0.1, 2]},
            "trained_betas must be 2 to 32767 numbers from 0 to 1 (got ",
        ),
        (
            SCHEDULER,
            {"trained_betas": "linear"},
            "trained_betas must be 2 to 32767 numbers from 0 to 1 (got '",
        ),
        (
            INDEX,
            {"text_encoder": ["transformers", "CLIPTextModel"]},
            "has a text_encoder; text-conditional mod",
        ),
    ],
)
def test_a_setting_that_is_not_known_is_named(tmp_path, file, values, words):
    folder = pipeline(tmp_path / "m")
    change(folder / file, **values)
    assert refused(folder).startswith(f"path: {folder / file}: {words}")


def test_a_schedule_that_is_longer_than_the_table_of_timesteps_is_refused(tmp_path):
    folder = pipeline(tmp_path / "m", unet(time_embedding_type="learned", num_train_timesteps=20))
    assert f"has a table of 20 timesteps, and {folder / SCHEDULER} has 50" in refused(folder)


@pytest.mark.parametrize("widths", [5, [], [None], "x"])
def test_levels_that_are_no_list_of_numbers_are_refused(tmp_path, widths):
    folder = pipeline(tmp_path / "m")
    change(folder / UNET, block_out_channels=widths)
    assert "unet/config.json: block_out_channels must be a number above 0 for each level" in refused(folder)


def test_a_flow_is_not_told_learned_timesteps_and_not_another_time(tmp_path):
    folder = pipeline(tmp_path / "m", unet(time_embedding_type="learned", num_train_timesteps=50))
    change(folder / SCHEDULER, _class_name="FlowMatchEulerDiscreteScheduler")
    assert "unet/config.json: has a table of whole times, and flows have none" in refused(folder)
    change(folder / SCHEDULER, invert_sigmas=True)
    assert "scheduler_config.json: invert_sigmas is True; only models that are told the time" in refused(
        folder
    )


@pytest.mark.parametrize("file", [UNET, SCHEDULER, INDEX, SHARDS])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_damaged_json_is_one_line_with_its_name(tmp_path, file, content):
    folder = pipeline(tmp_path / "m", max_shard_size="20KB")
    (folder / file).write_bytes(content)
    assert refused(folder).startswith(f"path: {folder / file}: not a JSON object (")


def test_json_that_is_as_large_as_weights_is_not_read(tmp_path):
    folder = pipeline(tmp_path / "m")
    with (folder / UNET).open("r+b") as stream:
        stream.truncate(2**24 + 1)
    assert "config.json: not a JSON object (more than 16777216 bytes)" in refused(folder)


def shard(folder):
    return next((folder / "unet").glob("*00001-of-*"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: shard(folder).unlink(), "safetensors: missing; get the model's files again"),
        (lambda folder: shard(folder).write_bytes(b""), "safetensors: is empty; get the model's files again"),
        (
            lambda folder: shard(folder).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x"),
            "safetensors: stands for a file that Git LFS has not fetched; run: git lfs pull",
        ),
        (
            lambda folder: (folder / SHARDS).unlink(),
            "unet: has no diffusion_pytorch_model.safetensors or .bin; get",
        ),
        (
            lambda folder: change(folder / SHARDS, weight_map=...),
            "index.json: has no weight_map; get the model's",
        ),
        (
            lambda folder: change(folder / SHARDS, weight_map={}),
            "index.json: has no weight_map; get the model's",
        ),
        (
            lambda folder: change(folder / SHARDS, weight_map={"a": "../../secret.safetensors"}),
            "index.json: names '../../secret.safetensors', which is no file beside it; get the model's files",
        ),
        (
            lambda folder: change(folder / SHARDS, weight_map={"a": "/etc/passwd"}),
            "index.json: names '/etc/passwd', which is no file beside it; get the model's files again",
        ),
        (lambda folder: change(folder / SHARDS, weight_map={"a": 1}), "names 1, which is no file beside it"),
    ],
)
def test_weights_that_are_not_there_are_named_before_any_is_read(tmp_path, harm, words):
    folder = pipeline(tmp_path / "m", max_shard_size="20KB")
    harm(folder)
    assert words in refused(folder)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (
            lambda weights: weights.pop("conv_in.bias"),
            "unet: the weights lack conv_in.bias; get the model's files",
        ),
        (
            lambda weights: weights.update(extra=torch.zeros(1)),
            "unet: the weights have in excess extra; get the model's files again",
        ),
        (
            lambda weights: weights.update({"conv_in.bias": torch.zeros(9)}),
            "unet: the weights conv_in.bias are (9,) torch.float32, and must be (8,) torch.float32; get the",
        ),
        (
            lambda weights: weights.update({"conv_in.bias": torch.zeros(8, dtype=torch.int8)}),
            "unet: the weights conv_in.bias are (8,) torch.int8, and must be (8,) torch.float32; get the model's",
        ),
    ],
)
def test_weights_of_another_network_are_not_filled_up_with_random_ones(tmp_path, harm, words):
    folder = pipeline(tmp_path / "m")
    weights = load_file(folder / WEIGHTS)
    harm(weights)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(FileError) as caught:
        load(inspect(folder), CPU)
    assert words in str(caught.value)


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_damaged_weights_are_one_line_with_their_name(tmp_path, form):
    folder = pipeline(tmp_path / "m", safe_serialization=form == "safetensors")
    file = folder / f"unet/diffusion_pytorch_model.{form}"
    file.write_bytes(file.read_bytes()[:-999])
    with pytest.raises(
        FileError, match=f"^{file}: not a whole file of weights .*; get the model's files again$"
    ):
        load(inspect(folder), CPU)


class Payload:
    """Writes a file where it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_pickle_with_a_payload_does_not_run(tmp_path, is_archive, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # as some tools set it
    folder, ran = pipeline(tmp_path / "m", safe_serialization=False), tmp_path / "ran"
    file = folder / "unet/diffusion_pytorch_model.bin"
    content = {**unet().state_dict(), "extra": Payload(ran)}
    torch.save(content, file) if is_archive else file.write_bytes(pickle.dumps(Payload(ran), 2))
    with pytest.raises(
        FileError, match=f"^{file}: no pickle of weights alone, and nothing else in it is run; get"
    ):
        load(inspect(folder), CPU)
    assert not ran.exists()
    pickle.loads(pickle.dumps(Payload(ran)))
    assert ran.exists()  # so it would have


def test_a_folder_of_something_else_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model").mkdir()
    Path("model/ckpt.pt").write_bytes(b"1")
    assert refused(Path("model")) == (
        "path: model: has no config.json, and none in a folder unet; name a folder in which diffusers saved a model, "
        "or make one of a checkpoint of another kind with: simaudit convert"
    )
    assert refused(Path("model/ckpt.pt")).startswith(
        "path: model/ckpt.pt: is a file; name a folder in which diff"
    )
    assert refused(Path("google/ddpm-cifar10-32")) == (
        "path: google/ddpm-cifar10-32: no such folder; name a folder in which diffusers saved a model, or fetch it "
        "from the Hub with: hf download google/ddpm-cifar10-32 --revision COMMIT --local-dir DIR"
    )
    assert refused(Path("n" * 300)).startswith(
        f"path: {'n' * 300}: cannot be read (File name too long); name"
    )
    assert refused(Path("/no/where")) == (
        "path: /no/where: no such folder; name a folder in which diffusers saved a model"
    )


def test_a_scheduler_that_the_user_names_is_the_one_that_is_wrong(tmp_path):
    folder = pipeline(tmp_path / "m")
    assert refused(folder, scheduler=tmp_path / "s.json").startswith(
        f"scheduler: {tmp_path / 's.json'}: missing; "
    )
    said = refused(folder, scheduler=Path("n" * 300))
    assert said.startswith(f"scheduler: {'n' * 300}: cannot be read (File name too long)")
    shutil.copy(folder / UNET, tmp_path / "s.json")
    assert refused(folder, scheduler=tmp_path / "s.json").startswith(
        f"scheduler: {tmp_path / 's.json'}: is of UNet2DModel; only DDIM"
    )


def line(tmp_path, folder, **knobs):
    """The line with which parameters are refused that audit a folder with digits, which are 1×8×8."""
    entry = {"kind": "checkpoint", "split": "small", "path": str(folder), **knobs}
    base, file = tmp_path / "params.yaml", tmp_path / "experiment.yaml"
    base.write_text(SMALL)
    file.write_text(json.dumps({"targets": {"theirs": entry}}))
    [refused] = lines_of(read_parameters, [base, file])
    return refused.removeprefix(f"{file}: targets.theirs.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"sample_size": 16},
            "is for images of 1×16×16, and the images are 1×8×8; set size: 16 of the dataset, or",
        ),
        (
            {"sample_size": (16, 8)},
            "is for images of 1×16×8, and the images are 1×8×8; set size: [16, 8] of the",
        ),
        (
            {"in_channels": 3, "out_channels": 3},
            "is for images of 3×8×8, and the images are 1×8×8; set colour: rgb",
        ),
        (
            {"in_channels": 3, "out_channels": 3, "sample_size": 32},
            "is for images of 3×32×32, and the images are 1×8×8; set colour: rgb and size: 32 of the dataset, or",
        ),
        (
            {"in_channels": 4, "out_channels": 4},
            "takes 4 channels, as latents have them, and the images have 1; name the folder of the whole pipeline",
        ),
        (
            {
                "sample_size": None,
                "block_out_channels": [8] * 5,
                "down_block_types": ["DownBlock2D"] * 5,
                "up_block_types": ["UpBlock2D"] * 5,
            },
            "needs sides divisible by 16, and the images are 8×8; set size of the dataset",
        ),
    ],
)
def test_images_of_another_kind_are_refused_with_the_knobs_that_would_change_it(tmp_path, changes, words):
    folder = pipeline(tmp_path / "m", unet(**changes))
    assert line(tmp_path, folder).startswith(f"path: {folder}: {words}")


def test_a_model_of_any_size_takes_the_images_as_they_are(tmp_path):
    folder = pipeline(tmp_path / "m", unet(sample_size=None))
    experiment = {"targets": {"theirs": {"kind": "checkpoint", "split": "small", "path": str(folder)}}}
    files = tmp_path / "params.yaml", tmp_path / "experiment.yaml"
    for file, text in zip(files, (SMALL, json.dumps(experiment)), strict=True):
        file.write_text(text)
    assert read_parameters(files).targets["theirs"].layout.shape == (1, 0, 0)


@pytest.mark.parametrize("place", ["results/targets/theirs", "data/prepared/m", "elsewhere"])
def test_a_model_in_what_the_run_itself_makes_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    pipeline(tmp_path / "m")
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    Path("results").mkdir(exist_ok=True)
    if place == "elsewhere":  # a link leads into results/
        pipeline(Path("results/m"))
        Path(place).symlink_to("results/m")
    else:
        pipeline(Path(place))
    assert line(tmp_path, place) == (
        f"path: {place}: lies in what this run makes; move it elsewhere and name that place"
    )


@pytest.mark.parametrize("name", ["net", "exact", "theirs"])
def test_a_model_in_the_place_of_a_target_is_never_taken_for_it_nor_removed(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    elsewhere, folder = pipeline(tmp_path / "m"), pipeline(Path("results/targets") / name)
    before = state(folder)
    entry = {"kind": "checkpoint", "split": "small", "path": str(elsewhere)}
    Path("params.yaml").write_text(SMALL.replace("audits:", f"  theirs: {json.dumps(entry)}\naudits:"))
    files = [Path("params.yaml")]
    [said] = lines_of(read_parameters, files)
    assert (
        f"targets.{name}: {folder}: holds files that no job of this run made, such as {folder}/model_ind"
        in said
    )
    assert said.endswith("move them elsewhere, and name that folder as path of a target of kind checkpoint")
    assert state(folder) == before
    made = {file.relative_to(folder).as_posix(): "" for file in folder.rglob("*") if file.is_file()}
    write_json(folder / "training.json", {"files": made})  # what a training of this run says of them
    (folder / "epochs/2/unet").mkdir(parents=True)
    read_parameters(files)
    (folder / "unet/ema.safetensors").write_bytes(b"1")
    [said] = lines_of(read_parameters, files)
    assert f"such as {folder}/unet/ema.safetensors; move them elsewhere" in said


def test_what_a_killed_training_leaves_behind_is_no_stranger(tmp_path, monkeypatch):
    """Snakemake removes the outputs that it knows of before it trains again, and not the intermediate checkpoints."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(SMALL)
    pipeline(Path("results/targets/net/epochs/2"))
    read_parameters([Path("params.yaml")])
    np.save("results/targets/net/epochs/2/unet/mine.npy", np.zeros(2))
    [said] = lines_of(read_parameters, [Path("params.yaml")])
    assert "such as results/targets/net/epochs/2/unet/mine.npy" in said
