"""Folders of pixel models in every layout: what is read of them, and that it answers as diffusers' own network does."""

import json
import shutil

import pytest
import torch
from checkpoints import change
from diffusers import DDIMPipeline, DDPMPipeline, DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from pixel_checkpoints import CPU, STEPS, pipeline, state, unet
from safetensors.torch import load_file, save_file

from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
from simaudit.vocabulary.errors import KnobError

Z = torch.linspace(-2, 2, 3 * 64).view(3, 1, 8, 8)
COMMIT = "1234567890" * 4


def answer(network, t=7):
    """What diffusers' network says."""
    return network(Z, torch.full((3,), t)).sample


def heard(layout, t=7):
    """What a target of the same layout says."""
    return load(layout, CPU).predict_noise(Z, t)


def same(layout, network):
    torch.testing.assert_close(heard(layout), answer(network), rtol=0, atol=0)


def names(layout):
    return sorted(file.name for file in layout.network.weights)


@pytest.mark.parametrize("kind", [DDPMPipeline, DDIMPipeline])
def test_a_pipeline_is_known_by_its_json_files_and_answers_as_its_network_does(tmp_path, kind):
    layout = inspect(pipeline(tmp_path / "m", kind=kind))
    assert (layout.pipeline, layout.part, layout.family, layout.prediction) == (
        kind.__name__,
        "unet",
        "pixel",
        "epsilon",
    )
    assert (layout.shape, layout.sampled, layout.timesteps, layout.classes) == (
        (1, 8, 8),
        (1, 8, 8),
        STEPS,
        0,
    )
    assert list(layout.places) == [
        "network/config.json",
        "network/diffusion_pytorch_model.safetensors",
        "scheduler/scheduler_config.json",
    ]
    assert list(layout.remarks) == []
    same(layout, unet())


def test_all_may_lie_in_one_folder(tmp_path):
    folder = pipeline(tmp_path / "m")
    for part in "unet", "scheduler":
        for file in (folder / part).iterdir():
            file.rename(folder / file.name)
        (folder / part).rmdir()
    layout = inspect(folder)
    assert (layout.part, layout.scheduler.file, layout.scheduler.weights) == (
        "",
        folder / "scheduler_config.json",
        (),
    )
    same(layout, unet())


def test_a_network_alone_needs_a_schedule_that_the_user_names(tmp_path):
    unet().save_pretrained(tmp_path / "m")
    with pytest.raises(
        KnobError, match=r"m/scheduler/scheduler_config.json: missing; name the .* by the knob sch"
    ):
        inspect(tmp_path / "m")
    DDPMScheduler(num_train_timesteps=STEPS, prediction_type="sample").save_pretrained(tmp_path / "s")
    layout = inspect(tmp_path / "m", scheduler=tmp_path / "s/scheduler_config.json")
    assert (layout.part, layout.prediction, layout.timesteps) == ("", "sample", STEPS)


def test_of_a_training_the_average_is_taken_and_of_a_pipeline_its_own_network(tmp_path):
    folder = pipeline(tmp_path / "m", unet(1))
    average = EMAModel(unet(2).parameters(), model_cls=UNet2DModel, model_config=unet(2).config)
    average.save_pretrained(folder / "unet_ema")
    layout = inspect(folder)
    assert (layout.part, layout.beside) == ("unet", ("unet_ema",))
    assert list(layout.remarks) == ["The network in unet is audited, and not unet_ema."]
    same(layout, unet(1))
    same(inspect(folder, part="unet_ema"), unet(2))
    (folder / "model_index.json").unlink()
    layout = inspect(folder)
    assert (layout.part, layout.beside, layout.pipeline) == ("unet_ema", ("unet",), None)
    same(layout, unet(2))
    same(inspect(folder, part="unet"), unet(1))
    with pytest.raises(KnobError, match=r"network: .*m/transformer/config.json: missing; leave network out"):
        inspect(folder, part="transformer")


@pytest.mark.parametrize("variant", [None, "fp16"])
@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize("shard", ["10GB", "20KB"], ids=["single", "sharded"])
def test_weights_are_found_in_every_form_and_become_single_precision(tmp_path, variant, safe, shard):
    network = unet().half() if variant else unet()
    folder = pipeline(tmp_path / "m")
    shutil.rmtree(folder / "unet")
    network.save_pretrained(folder / "unet", safe_serialization=safe, max_shard_size=shard, variant=variant)
    layout = inspect(folder)
    assert layout.network.variant == variant
    assert {*layout.network.files} == {*(folder / "unet").iterdir()}
    assert list(layout.remarks) == (
        ["The weights of the network are those of the variant fp16."] if variant else []
    )
    same(layout, network.float())


def test_an_older_name_of_an_index_with_a_variant_is_known(tmp_path):
    folder = pipeline(tmp_path / "m")
    shutil.rmtree(folder / "unet")
    unet().save_pretrained(folder / "unet", max_shard_size="20KB", variant="fp16")
    index = folder / "unet/diffusion_pytorch_model.safetensors.index.fp16.json"
    index.rename(index.with_name("diffusion_pytorch_model.fp16.safetensors.index.json"))
    assert inspect(folder).network.variant == "fp16"
    same(inspect(folder), unet())


def test_safetensors_come_before_pickles_and_whole_names_before_variants(tmp_path):
    folder = pipeline(tmp_path / "m")
    unet(1).save_pretrained(folder / "unet", safe_serialization=False)
    unet(2).save_pretrained(folder / "unet", variant="fp16")
    unet(3).save_pretrained(folder / "unet", variant="fp16", safe_serialization=False)
    forms = ["safetensors", "fp16.safetensors", "bin", "fp16.bin"]
    for form, seed in zip(forms, [0, 2, 1, 3], strict=True):
        assert names(inspect(folder)) == [f"diffusion_pytorch_model.{form}"]
        same(inspect(folder), unet(seed))
        (folder / f"unet/diffusion_pytorch_model.{form}").unlink()


def test_half_weights_of_either_kind_are_computed_with_in_single_precision(tmp_path):
    for kind in torch.bfloat16, torch.float16:
        folder = pipeline(tmp_path / str(kind), unet().to(kind))
        assert heard(inspect(folder)).dtype == torch.float32
        same(inspect(folder), unet().to(kind).float())


def test_attention_has_had_other_names(tmp_path):
    folder = pipeline(tmp_path / "m")
    file, older = folder / "unet/diffusion_pytorch_model.safetensors", {}
    for name, value in load_file(file).items():
        for now, before in {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}.items():
            name = name.replace(f".{now}.", f".{before}.")
        older[name] = value
    assert (
        sum(".query." in name for name in older) == 2 * 4
    )  # weight and bias, of one, one and two attentions
    save_file(older, file)
    same(inspect(folder), unet())


@pytest.mark.parametrize(
    ("size", "shape"), [(16, (1, 16, 16)), ([8, 24], (1, 8, 24)), (None, (1, 0, 0)), (..., (1, 0, 0))]
)
def test_the_size_of_images_may_be_a_number_a_pair_or_left_open(tmp_path, size, shape):
    folder = pipeline(tmp_path / "m")
    change(folder / "unet/config.json", sample_size=size)
    layout = inspect(folder)
    assert (layout.shape, layout.halvings) == (shape, 1)


def test_a_learned_variance_is_left_out(tmp_path):
    network = unet(out_channels=2)
    layout = inspect(pipeline(tmp_path / "m", network))
    assert layout.learned_variance
    assert list(layout.remarks) == ["The learned variance is left out."]
    torch.testing.assert_close(heard(layout), answer(network)[:, :1], rtol=0, atol=0)


def test_timesteps_that_are_learned_are_asked_for_as_they_are(tmp_path):
    network = unet(time_embedding_type="learned", num_train_timesteps=STEPS)
    same(inspect(pipeline(tmp_path / "m", network)), network)


def test_code_in_the_folder_never_runs(tmp_path):
    folder = pipeline(tmp_path / "m")
    for file in folder / "pipeline.py", folder / "unet/my_unet.py":
        file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    change(folder / "model_index.json", _class_name=["pipeline", "MyPipeline"])
    change(folder / "unet/config.json", auto_map={"AutoModel": "my_unet.MyUNet"})
    layout = inspect(folder)
    assert layout.pipeline == "MyPipeline"
    same(layout, unet())
    assert not (tmp_path / "ran").exists()


def test_a_folder_is_left_as_it_is(tmp_path):
    folder = pipeline(tmp_path / "m", max_shard_size="20KB")
    before = state(folder)
    heard(inspect(folder))
    assert state(folder) == before


def test_the_revision_is_that_of_the_hubs_cache_or_of_what_was_fetched(tmp_path):
    cached = pipeline(tmp_path / f"models--me--m/snapshots/{COMMIT}")
    assert inspect(cached).revision == COMMIT
    folder = pipeline(tmp_path / "m")
    assert inspect(folder).revision is None
    for file in inspect(folder).network.files:
        note = folder / f".cache/huggingface/download/unet/{file.name}.metadata"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{COMMIT}\netag\n1.5\n")
    assert inspect(folder).revision == COMMIT
    note.write_text(f"{'f' * 40}\netag\n1.5\n")
    assert inspect(folder).revision is None  # files of two revisions are of neither


def test_a_layout_survives_its_json(tmp_path):
    layout = inspect(pipeline(tmp_path / "m"))
    assert type(layout).model_validate(json.loads(layout.model_dump_json())) == layout
