"""`simaudit audit` before anything runs: params.yaml from options, the screen, and what is refused."""

import ast
import csv
import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import change
from PIL import Image

from owning import EACH, SIDE, rows, save_list, save_model, save_pictures, state
from simaudit.attacks.attack import TargetAttack
from simaudit.audit import folder, plan, screen
from simaudit.audit.attacks import COARSE, FINE, timesteps
from simaudit.audit.preflight import examine
from simaudit.audit.question import REMEDIES, Question
from simaudit.audit.result import Limit
from simaudit.audit.run import LOCK, audit
from simaudit.data.store import pixels_hash
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.machine.locks import ALIVE, only_one
from simaudit.plan.load import load
from simaudit.scoring.questions import AskedTarget, Asking
from simaudit.scoring.run import score_together
from simaudit.storage.hashes import sha256_bytes
from simaudit.storage.json import write_json
from simaudit.targets.checkpoint import load as checkpoint
from simaudit.targets.files import file_hashes
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def owned(tmp_path_factory):
    """A model, pictures and a list in a folder whose name has a space and an accent."""
    home = tmp_path_factory.mktemp("é l")
    save_model(home / "My Model")
    save_pictures(home / "pictures")
    save_list(home / "members.csv")
    return Question(home / "My Model", home / "pictures", home / "members.csv")


class Touch:
    """Makes a file when it is read from a pickle."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def refused(question):
    """The lines by which a question is refused."""
    with pytest.raises(SimauditError) as error:
        examine(question)
    return str(error.value).splitlines()


def said(facts):
    """The screen of these facts."""
    return "\n".join(screen.lines(facts, Path("out"), cores=2))


def test_the_screen_says_what_the_files_say(owned):
    facts = examine(owned)
    text = said(facts)
    for fact in (
        "UNet2DModel, of a DDPMPipeline",
        "diffuses pixels; predicts the noise; knows no classes",
        "DDPMScheduler, T = 50, β linear 0.0001 to 0.02",
        f"{2 * EACH + 2} images in RGB of {SIDE}×{SIDE} pixels, as the model takes them; 2 are not used",
        f"{EACH} members as stated, {EACH} held out",
        "evaluation fold: 21 members, 21 held out",
        "reconstruction (the model has no decoder)",
        "only 21 held-out samples are measured",
    ):
        assert fact in text
    network = diffusers.UNet2DModel.from_pretrained(owned.model / "unet")
    assert facts.parameters == network.num_parameters()


def test_a_model_that_simaudit_trained_must_be_asked_with_its_own_members(owned, tmp_path):
    model, files = tmp_path / "model", file_hashes(owned.model)
    shutil.copytree(owned.model, model)
    pictures = [Image.open(owned.images / f"{number:03}.png") for number in range(EACH)]
    hashes = [pixels_hash(np.moveaxis(np.asarray(picture), -1, 0)) for picture in pictures]
    members = {"sha256": sha256_bytes("\n".join(hashes).encode()), "known": "verified"}
    write_json(model / "training.json", {"members": members, "files": files})
    assert f"{EACH} members verified, {EACH} held out" in said(examine(replace(owned, model=model)))
    broken = Path(shutil.copytree(owned.images, tmp_path / "broken"))
    (broken / "007.png").write_bytes(b"no picture")
    [line] = refused(replace(owned, model=model, images=broken))  # and not that members are others
    assert "1 image cannot be used: 007.png" in line
    write_json(model / "training.json", {"members": {**members, "sha256": "0"}, "files": files})
    [line] = refused(replace(owned, model=model))
    assert line.startswith(f"--model {model}/training.json: says that the model was trained on other members")
    assert "split" not in line


def test_a_schedule_that_its_config_leaves_out_is_that_of_its_class(owned, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(owned.model, model)
    keys = ("beta_schedule", "beta_start", "beta_end")
    change(model / "scheduler/scheduler_config.json", **dict.fromkeys(keys, ...))
    assert "β linear 0.0001 to 0.02" in examine(replace(owned, model=model)).noise


def test_queries_are_those_that_the_attacks_really_make(owned):
    facts = examine(replace(owned, attacks=("all",)))
    asked = {name: facts.values["attacks"][name]["timesteps"] for name in ("sima", "sima_av", "pia", "secmi")}
    assert facts.queries["sima"] == len(asked["sima"])
    assert facts.queries["sima_av"] == 2 * len(asked["sima_av"])
    assert facts.queries["pia"] == 1 + len(asked["pia"])
    assert facts.queries["secmi"] == asked["secmi"][-1] + 2  # steps of 1
    assert facts.passes["gradient_mask"] == (2 * 4, 4)  # at four timesteps
    assert facts.passes["noise_optim"] == (6, 6)
    assert facts.passes["flipd"] == (3, 3 * 8)
    assert facts.passes["gsa"] == (10, 10)
    assert all(not passes.backward for name, passes in facts.passes.items() if name in asked)
    assert "of them differentiate: flipd 24, gradient_mask 4, gsa 10, noise_optim 6 (backward" in said(facts)
    samples, drawn = 2 * EACH, facts.values["quality"]["samples"] * facts.values["quality"]["steps"]
    assert facts.all_queries == samples * facts.together.queries + drawn + facts.judging.queries
    alone = sum(facts.queries.values())
    assert f"{facts.together.queries} per image ({alone} if each attack asked alone)" in said(facts)
    one_each = examine(replace(owned, attacks=("sima", "secmi", "secmi_nns"))).judging
    assert one_each == (
        facts.values["quality"]["samples"] * (1 + facts.queries["secmi"]),
        0,
    )  # no learned head


def test_the_forecast_counts_what_several_attacks_ask_once(owned):
    facts = examine(replace(owned, attacks=("all",)))
    params = plan.params(facts.values)
    attacks = {name: params.attacks[name] for name in facts.passes}
    asking = {name: Asking(knobs) for name, knobs in attacks.items() if isinstance(knobs, TargetAttack)}
    model, images = (
        AskedTarget(checkpoint.load(facts.layout, torch.device("cpu")), 3),
        2 * torch.rand(3, 3, SIDE, SIDE) - 1,
    )
    score_together(asking, model, images, SampleNoise(0, np.arange(3)))
    assert model.asked == 3 * facts.together.queries
    assert facts.together.backward == sum(passes.backward for passes in facts.passes.values())


def test_a_dry_run_writes_nothing(owned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = state(owned.model.parent)
    lines = []
    assert audit(owned, Path("out"), dry_run=True, say=lines.append) == 0
    assert lines
    assert list(tmp_path.iterdir()) == []
    assert state(owned.model.parent) == before


def test_the_params_are_valid_and_say_what_was_asked(owned, tmp_path, monkeypatch):
    asked = replace(owned, attacks=("sima", "secmi"), limit=80, precision="bfloat16", no_records=True)
    facts = examine(asked)
    folder.write(tmp_path, plan.text(dict(facts.values)), facts.lists)
    monkeypatch.chdir(tmp_path)
    params = load()
    assert params.attacks.keys() == {"sima", "secmi"}
    assert params.splits["images"].members.file == params.datasets["images"].only == "drawn.csv"
    assert params.scoring.precision == "bfloat16"
    assert not params.report.show_records
    assert params.datasets["images"].path == str(owned.images)
    assert params.family_of("my-model").layout.folder == owned.model
    comments = [line for line in (tmp_path / "params.yaml").read_text().splitlines() if line.startswith("#")]
    assert len(comments) == 1 + len(
        plan.COMMENTS.keys() - {"audits"}
    )  # one above each section, and the first line


def test_a_limit_reads_what_is_drawn_and_nothing_else(owned, tmp_path):
    """Pictures that were not drawn may be broken, and whatever else the folder holds does not change who is drawn."""
    home = Path(shutil.copytree(owned.images, tmp_path / "pictures"))
    asked = replace(owned, images=home, limit=80)
    drawn = examine(asked).drawn
    names = [row["file"] for row in csv.DictReader(drawn.text.splitlines())]
    there = len(list(home.rglob("*.png")))
    assert drawn.others == there - 80
    for path in home.rglob("*.png"):
        if path.relative_to(home).as_posix() not in names:
            path.write_bytes(b"broken")
    (home / "00 more.png").write_bytes(b"broken")
    facts = examine(asked)
    assert facts.drawn.text == drawn.text
    assert (facts.images, facts.unused, sum(facts.sides.values())) == (80, 0, 80)
    assert facts.sides == {"member": 40, "heldout": 40}
    assert f"80 images in RGB of {SIDE}×{SIDE} pixels, as the model takes them; {there - 79} others" in said(
        facts
    )
    turned = tmp_path / "turned.csv"
    first, *rest = owned.members.read_text().splitlines()
    turned.write_text("\n".join([first, *reversed(rest)]))
    assert examine(replace(asked, members=turned)).drawn.text == drawn.text


def test_the_store_and_the_split_of_a_limit_are_those_that_were_examined(owned, tmp_path, monkeypatch):
    facts = examine(replace(owned, limit=80))
    folder.write(tmp_path, plan.text(dict(facts.values)), facts.lists)
    monkeypatch.chdir(tmp_path)
    params = load()
    source, split = params.datasets["images"], params.splits["images"]
    names = [row["file"] for row in csv.DictReader(facts.drawn.text.splitlines())]
    assert [item.file for item in source.items()] == names
    assert source.given == (Path("drawn.csv"), *(owned.images / name for name in names))
    assert split.members.files == {"file": Path("drawn.csv"), "drawn_from": owned.members}
    other = replace(owned, members=owned.members.with_name("other.csv"), limit=80)
    with pytest.raises(SimauditError, match=f"holds an audit of --members {owned.members}; name"):
        folder.require_usable(tmp_path, other)


def test_an_attack_that_wraps_another_is_run_without_it(owned, tmp_path, monkeypatch):
    facts = examine(replace(owned, attacks=("low_pass", "rediffuse")))
    folder.write(tmp_path, plan.text(dict(facts.values)))
    monkeypatch.chdir(tmp_path)
    params = load()
    assert params.attacks.keys() == {"low_pass", "rediffuse", "sima"}
    assert params.attacks_on("my-model").keys() == facts.queries.keys() == {"low_pass", "rediffuse"}
    assert facts.queries["low_pass"] == len(params.attacks["sima"].grid)
    rediffuse = params.attacks["rediffuse"]
    assert facts.queries["rediffuse"] == 10 * sum(t // rediffuse.interval for t in rediffuse.grid)
    both = examine(replace(owned, attacks=("low_pass", "sima")))
    assert both.values.get("audits") is None
    assert both.queries["low_pass"] == both.queries["sima"]


def test_on_the_published_schedule_timesteps_are_those_of_the_papers(schedule):
    assert timesteps(schedule, FINE) == FINE


def test_on_another_schedule_timesteps_have_the_same_log_snr(schedule):
    cosine = NoiseSchedule.of(diffusers.DDPMScheduler(beta_schedule="squaredcos_cap_v2"))
    for published, own in zip(COARSE, timesteps(cosine, COARSE), strict=True):
        wanted = schedule.log_snr(published)
        assert abs(cosine.log_snr(own) - wanted) <= abs(cosine.log_snr(own + 1) - wanted)
        assert abs(cosine.log_snr(own) - wanted) <= abs(cosine.log_snr(own - 1) - wanted)
    short = NoiseSchedule.of(diffusers.DDPMScheduler(num_train_timesteps=3, beta_start=0.3, beta_end=0.5))
    assert timesteps(short, FINE) == (0, 1)  # ᾱ = 0.7, 0.42, 0.21, and 0.40 at the published t = 300


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (
            ["x.png,member,calibration", *rows()],
            "which has 000.png, 001.png, 002.png and 83 more (1 of 85; correct them, or give --allow-missing): x.png",
        ),
        (rows()[:EACH], "no sample of the dataset is heldout; name some, since a split needs both sides"),
        ([row.replace("heldout", "member") for row in rows()], "no sample of the dataset is heldout"),
        ([*rows(), rows()[3]], "listed more than once (1; keep one entry of each): 003.png"),
        (
            [*rows(), "003.png,heldout,evaluation"],
            "listed in several roles (1; keep the entry that is true): 003.png",
        ),
        (rows()[:-3], "needs 20 of each; list more of what it lacks (67 of each side are enough"),
    ],
)
def test_a_wrong_list_is_one_line_that_names_the_option_and_the_file(owned, tmp_path, lines, why):
    file = save_list(tmp_path / "other.csv", lines)
    [line] = refused(replace(owned, members=file))
    assert line.startswith(f"--members {file}: ")
    assert why in line
    assert "params.yaml" not in line


def test_entries_that_name_no_image_are_left_out_where_that_is_asked(owned, tmp_path):
    file = save_list(tmp_path / "other.csv", ["x.png,member,calibration", *rows()])
    facts = examine(replace(owned, members=file, allow_missing=True))
    assert facts.sides == {"member": EACH, "heldout": EACH}


def test_a_copy_on_the_other_side_is_refused_by_name(owned, tmp_path):
    copied = shutil.copytree(owned.images, tmp_path / "copied")
    shutil.copy(copied / "000.png", copied / f"{EACH:03}.png")
    [line] = refused(replace(owned, images=copied))
    assert line.endswith(f"is member and held out (files 000.png={EACH:03}.png); remove the copies")


@pytest.mark.parametrize(
    ("pictures", "found", "option"),
    [
        ({"mode": "L"}, "86 in grey of 8×8 pixels (000.png", "--colour"),
        ({"side": 16}, "86 in RGB of 16×16 pixels (000.png", "--resize"),
        ({"side": 16, "mode": "L"}, "86 in grey of 16×16 pixels (000.png", "--resize and --colour"),
        ({"side": 4}, "86 in RGB of 4×4 pixels (000.png", "--enlarge"),
    ],
)
def test_other_images_are_converted_only_where_that_is_asked(owned, tmp_path, pictures, found, option):
    asked = replace(owned, images=save_pictures(tmp_path / "other", **pictures))
    [line] = refused(asked)
    assert line.startswith(f"--images {asked.images}: the model takes images in RGB of 8×8 pixels, and of 86")
    assert found in line
    assert line.endswith(f"or give {option} to have it done")
    facts = examine(replace(asked, resize=True, enlarge="--enlarge" in option, colour=True))
    assert (
        facts.values["datasets"]["images"] | {"size": [8, 8], "colour": "rgb"}
        == facts.values["datasets"]["images"]
    )


def test_smaller_images_are_enlarged_only_where_that_is_asked(owned, tmp_path):
    asked = replace(owned, images=save_pictures(tmp_path / "small", side=4), resize=True)
    [line] = refused(asked)
    assert "too few for 8×8; give --enlarge" in line
    assert examine(replace(asked, enlarge=True)).images == 86


def test_a_network_of_latents_without_its_autoencoder_is_no_model_of_pictures(owned, tmp_path):
    [line] = refused(replace(owned, model=save_model(tmp_path / "latent", channels=4)))
    assert "a latent model needs its autoencoder beside it" in line


def test_arrays_and_pictures_that_only_knobs_could_name_have_a_remedy_without_them(owned, tmp_path):
    np.savez(tmp_path / "arrays.npz", members=np.arange(EACH), others=np.arange(EACH, 2 * EACH))
    [line] = refused(replace(owned, members=tmp_path / "arrays.npz"))
    assert line.endswith(
        "has no array mia_train_idxs, mia_eval_idxs; it has members, others; save them by those names"
    )
    deep = Path(shutil.copytree(owned.images, tmp_path / "deep"))
    Image.fromarray(np.zeros((SIDE, SIDE), dtype=np.float32)).save(deep / "extra.tiff")
    [line] = refused(replace(owned, images=deep))
    assert line.endswith("whose range no picture states; convert it to 8 or 16 bits")


def test_every_remedy_that_is_put_in_other_words_is_one_that_a_refusal_has():
    texts = set()
    for file in (ROOT / "src").rglob("*.py"):
        if file.name != "question.py":
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            texts |= {node.value for node in nodes if isinstance(node, ast.Constant)}
    assert [key for key in REMEDIES if not any(key in text for text in texts if isinstance(text, str))] == []


def test_all_that_is_wrong_is_said_at_once(owned, tmp_path):
    model = Path(shutil.copytree(owned.model, tmp_path / "model"))
    shutil.rmtree(model / "scheduler")
    broken = Path(shutil.copytree(owned.images, tmp_path / "broken"))
    (broken / "007.png").write_bytes(b"no picture")
    lines = refused(Question(model, broken, tmp_path / "members.txt"))
    assert [line.split()[0] for line in lines] == ["--model", "--members", "--images"]
    assert "scheduler" in lines[0]
    assert "007.png" in lines[2]


def test_images_that_cannot_be_used_hide_neither_those_of_another_size_nor_what_the_list_lacks(
    owned, tmp_path
):
    broken = Path(shutil.copytree(owned.images, tmp_path / "broken"))
    (broken / "007.png").write_bytes(b"no picture")
    Image.new("L", (SIDE, SIDE)).save(broken / "008.png")
    file = save_list(tmp_path / "other.csv", ["x.png,member,calibration", *rows()])
    unusable, other, listed = refused(replace(owned, images=broken, members=file))
    assert unusable.startswith(f"--images {broken}: 1 image cannot be used: 007.png")
    assert "1 in grey of 8×8 pixels (008.png)" in other
    assert listed.endswith("(1 of 85; correct them, or give --allow-missing): x.png")


def test_what_is_too_few_to_tell_a_tpr_of_is_said_before_anything_runs(owned):
    facts = examine(owned)
    measured = {"calibration": (20, 20), "evaluation": (21, 999)}
    assert "999 held-out samples are measured" in said(replace(facts, folds=measured))
    assert "Warning" not in said(replace(facts, folds={**measured, "evaluation": (21, 1000)}))


def test_a_device_that_is_not_there_is_said_with_all_else_and_not_of_the_model(owned, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    images, device = refused(replace(owned, images=tmp_path / "x", device="cuda"))
    assert images.startswith(f"--images {tmp_path / 'x'}")
    assert device == "--device: cuda is not available here; choose auto or cpu"


def test_files_that_are_not_there_and_wrong_names_are_said_together(owned, tmp_path):
    nowhere = tmp_path / "x"
    lines = refused(Question(nowhere, nowhere, nowhere / "x.csv", attacks=("simma",)))
    assert [line.split()[0] for line in lines] == ["--model", "--images", "--members", "--attacks:"]
    assert lines[2] == f"--members {nowhere / 'x.csv'}: no such file; name one that is there"


def test_a_refusal_names_the_option_and_what_it_gives(owned, tmp_path):
    bare = Path(shutil.copytree(owned.model, tmp_path / "bare"))
    shutil.rmtree(bare / "scheduler")
    nowhere = tmp_path / "s.json"
    classes = save_model(tmp_path / "classes", classes=3)
    for asked, start, end in (
        (replace(owned, model=bare), f"--model {bare}/", "was trained with by --scheduler"),
        (
            replace(owned, model=bare, scheduler=nowhere),
            f"--scheduler {nowhere}: missing; ",
            "name a file scheduler_config.json as diffusers saves it",
        ),
        (
            replace(owned, network="unet_ema"),
            f"--network unet_ema: {owned.model}/unet_ema/config.json: missing; ",
            "leave --network out, or name another folder",
        ),
        (replace(owned, model=classes, empty_class=9), "--empty-class 9: must be below 3", "says so"),
        (replace(owned, limit=2), "--limit 2: leaves no sample that is ", "groups stay whole; raise it"),
        (replace(owned, limit=60), f"--members {owned.members}: ", "or raise --limit if it is given"),
    ):
        [line] = refused(asked)
        assert line.startswith(start)
        assert line.endswith(end)


def test_a_pickle_of_something_else_is_refused_with_everything_else_and_not_run(owned, tmp_path):
    model = Path(shutil.copytree(owned.model, tmp_path / "model"))
    (model / "unet/diffusion_pytorch_model.safetensors").unlink()
    weights = model / "unet/diffusion_pytorch_model.bin"
    torch.save({"conv_in.weight": Touch(tmp_path / "run")}, weights)
    first, second = refused(replace(owned, model=model, attacks=("simma",)))
    assert first.startswith("--attacks: no such name simma")
    assert second.startswith(f"--model {weights}: no pickle of weights alone")
    assert not (tmp_path / "run").exists()


def test_a_name_of_the_hub_is_refused_with_the_command_that_fetches_it(owned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [line] = refused(replace(owned, model=Path("google/ddpm-cifar10-32")))
    assert "no such folder" in line
    assert "hf download google/ddpm-cifar10-32 --revision COMMIT --local-dir DIR" in line


def test_an_empty_folder_has_no_pictures(owned, tmp_path):
    (tmp_path / "empty").mkdir()
    [line] = refused(replace(owned, images=tmp_path / "empty"))
    assert line.startswith(f"--images {tmp_path / 'empty'} has no pictures")


def test_an_attack_that_does_not_apply_is_refused_with_the_reason(owned):
    assert refused(replace(owned, attacks=("sima", "distortion"))) == [
        "--attacks: distortion: the model has no decoder; leave distortion out"
    ]
    [line] = refused(replace(owned, attacks=("simma",)))
    assert line.startswith("--attacks: no such name simma; known: all, ")


def test_a_folder_is_of_one_model_one_folder_of_images_and_one_list(owned, tmp_path):
    folder.write(tmp_path, plan.text(dict(examine(owned).values)))
    folder.require_usable(tmp_path, replace(owned, attacks=("sima",), limit=80))
    other = replace(owned, members=owned.members.with_name("other.csv"))
    with pytest.raises(
        SimauditError, match=f"--output .*: holds an audit of --members {owned.members}; name"
    ):
        folder.require_usable(tmp_path, other)


def test_a_folder_of_other_files_and_the_given_folders_are_no_place_for_an_audit(owned, tmp_path):
    (tmp_path / "notes.txt").touch()
    for output, why in {
        tmp_path: "holds other files and no audit",
        tmp_path / "notes.txt": "is a file",
        owned.model / "audit": "--model",
        owned.images.parent: "--model",
        owned.images / "audit": "--images",
    }.items():
        with pytest.raises(SimauditError, match=why):
            folder.require_usable(output, owned)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_looked_at(
    owned, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    with pytest.raises(SimauditError, match=f"--output .*: {tmp_path / 'file'} is no folder; name another"):
        audit(owned, tmp_path / "file/audit", dry_run=True)

    def refuse(dir):
        raise PermissionError(errno.EACCES, "Permission denied", dir)

    monkeypatch.setattr(folder, "TemporaryFile", refuse)
    why = f"--output .*: {tmp_path} cannot be written in .Permission denied.; name another"
    with pytest.raises(SimauditError, match=why):
        audit(owned, tmp_path / "audit", dry_run=True)


def test_while_a_snakemake_runs_in_the_folder_the_refusal_is_that_of_another_audit(owned, tmp_path):
    folder.write(tmp_path, plan.text(dict(examine(owned).values)))
    with (
        only_one(tmp_path / ALIVE, "held by this test"),
        pytest.raises(SimauditError, match=f"--output {tmp_path}: another audit is running in this folder"),
    ):
        audit(owned, tmp_path)


def test_one_audit_at_a_time_runs_in_a_folder(owned, tmp_path):
    lines = []
    with (
        only_one(tmp_path / LOCK, "held by this test"),
        pytest.raises(
            SimauditError, match=f"--output {tmp_path}: another audit is running in this folder; wait"
        ),
    ):
        audit(owned, tmp_path, say=lines.append)
    assert not (tmp_path / "params.yaml").exists()


@pytest.mark.parametrize("text", ["auc", "auc=", "auc=1.5", "auc=nan", "tpr_at_0_1pct_fpr=0.1", "=0.5"])
def test_a_limit_is_a_metric_and_a_share(text):
    with pytest.raises(SimauditError, match="--fail-above"):
        Limit.of(text)
    assert Limit.of("tpr_at_0.1pct_fpr=0.05") == Limit("tpr_at_0.1pct_fpr", 0.05)


def test_an_installed_package_holds_the_workflow(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    ZipFile(wheel).extractall(tmp_path / "site")
    places = folder.workflow_file("Snakefile"), folder.workflow_file(folder.PROFILE)
    package = tmp_path / "site/simaudit"
    ask = f"from simaudit.audit.folder import *; print(workflow_file({folder.SNAKEFILE!r}), workflow_file(PROFILE))"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
    )
    inside = [package / "pipeline" / place.relative_to(ROOT) for place in places]
    assert done.stdout.split() == [str(path) for path in inside], done.stderr
    assert [path.read_bytes() for path in inside] == [path.read_bytes() for path in places]
    included = [
        line.split('"')[1] for line in places[0].read_text().splitlines() if line.startswith("include")
    ]
    assert included
    for name in included:
        assert (inside[0].parent / name).is_file()


def test_labels_of_the_list_are_read_for_a_model_of_classes(owned, tmp_path):
    images = save_pictures(tmp_path / "all listed", 2 * EACH)
    labels = (number % 3 for number in range(2 * EACH))
    labelled = "\n".join(
        ["file,role,fold,label", *(f"{row},{label}" for row, label in zip(rows(), labels, strict=True))]
    )
    (tmp_path / "labelled.csv").write_text(labelled)
    question = replace(owned, model=save_model(tmp_path / "model", classes=3), images=images)
    asked = replace(question, members=tmp_path / "labelled.csv")
    facts = examine(asked)
    assert facts.values["datasets"]["images"]["metadata"] == str(tmp_path / "labelled.csv")
    broken = Path(shutil.copytree(images, tmp_path / "broken"))
    (broken / "007.png").write_bytes(b"no picture")
    [line] = refused(replace(asked, images=broken))  # and not that the picture has no label
    assert "1 image cannot be used: 007.png" in line
    assert "knows 3 classes, and is asked for that of each image" in said(facts)
    (tmp_path / "wrong.csv").write_text(
        labelled.replace("001.png,member,evaluation,1", "001.png,member,evaluation,9")
    )
    [line] = refused(replace(question, members=tmp_path / "wrong.csv"))
    assert "of no such class (1): 001.png (9)" in line


def test_labels_of_the_list_are_read_for_a_model_without_classes_where_all_pictures_have_one(owned, tmp_path):
    lines = [f"{row},{number % 3}" for number, row in enumerate(rows())]
    (tmp_path / "labelled.csv").write_text("\n".join(["file,role,fold,label", *lines]))
    images = save_pictures(tmp_path / "all listed", 2 * EACH)
    question = replace(owned, members=tmp_path / "labelled.csv", images=images)
    assert examine(question).values["datasets"]["images"]["labels"] == "metadata"
    (tmp_path / "labelled.csv").write_text("\n".join(["file,role,fold,label", *lines[:-1]]))
    assert (
        "labels" not in examine(question).values["datasets"]["images"]
    )  # as before: what is not listed is not used


def test_a_model_of_classes_is_asked_for_none_only_where_it_has_an_empty_class(owned, tmp_path):
    question = replace(owned, model=save_model(tmp_path / "model", classes=3))
    [line] = refused(question)
    assert line.endswith("the list has no column label; add it, or state an --empty-class that the model has")
    facts = examine(replace(question, empty_class=2))
    assert facts.values["audits"] == {"model": {"target": "model", "conditions": ["empty"]}}
    assert "knows 3 classes, and is asked for no class" in said(facts)
