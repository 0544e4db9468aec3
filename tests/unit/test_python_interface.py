"""The names of `import simaudit`: what they return agrees with the workflow, and what they refuse is one line."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from checkpoints import change
from diffusers import UNet2DModel
from PIL import Image
from sklearn.metrics import roc_auc_score

import simaudit
from commands_of_pages import blocks
from owning import save_model
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance.stamps import code_of
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]
COUNT = 12


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A folder with a tiny model that is not trained, grey pictures of 8×8 pixels, and a list of members."""
    folder = tmp_path_factory.mktemp("case")
    save_model(folder / "model", channels=1, timesteps=1000)
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "images" / f"{number:02}.png")
    roles = [f"{number:02}.png,{'member' if number % 2 else 'heldout'}" for number in range(COUNT)]
    (folder / "members.csv").write_text("\n".join(["file,role", *reversed(roles)]))
    return folder


@pytest.fixture(scope="module")
def model(case):
    return simaudit.load_model(case / "model", device="cpu")


@pytest.fixture
def pixels(case):
    """The pictures as an array (N, 1, 8, 8), uint8."""
    files = sorted((case / "images").iterdir())
    return np.stack([np.asarray(Image.open(file))[np.newaxis] for file in files])


def of_page():
    """The Python of docs/python.md, one text for each block."""
    return blocks((ROOT / "docs/python.md").read_text(), "python")


def test_the_lines_of_the_page_about_models_run(case, monkeypatch, capsys):
    monkeypatch.chdir(case)
    first, _ = of_page()
    names = {}
    exec(first, names)
    assert names["scores"].shape[0] == COUNT
    printed = capsys.readouterr().out
    assert re.search(r"Interval\(value=0\.\d+, low=0\.\d+, high=", printed)


def test_the_lines_of_the_page_about_runs_run(small_run, tmp_path, monkeypatch, capsys):
    (tmp_path / "audit-model").mkdir()
    (tmp_path / "audit-model/results").symlink_to(small_run.audit.path)
    monkeypatch.chdir(tmp_path)
    _, second = of_page()
    exec(second.replace('"model"', '"net"'), {})
    number = small_run.findings.ledger.number("auc", "net", "sima")
    assert str(number.value) in capsys.readouterr().out


def test_a_folder_and_its_array_get_the_statistics_that_the_network_itself_gives(case, model, pixels):
    scores = simaudit.score(model, case / "images", timesteps=[20, 100], norms=[2, 4], batch_size=5)
    assert list(scores.columns) == [(t, f"raw, l{p}") for t in (20, 100) for p in (2, 4)]
    assert scores.index.tolist() == [f"{number:02}.png" for number in range(COUNT)]
    assert scores.attrs["member_when"] == "low"
    unet = UNet2DModel.from_pretrained(case / "model/unet")
    x = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)
    with torch.inference_mode():
        expected = unet(x, 100).sample.flatten(1).norm(p=4, dim=1).numpy()
    np.testing.assert_allclose(scores[100, "raw, l4"], expected, rtol=1e-5)
    of_array = simaudit.score(model, pixels, timesteps=[20, 100], norms=[2, 4])
    np.testing.assert_allclose(of_array, scores, rtol=1e-5)
    assert of_array.index.name == "sample_id"


def test_noise_follows_the_seed_and_not_the_batch(model, pixels):
    asked = {"attack": "loss", "timesteps": [50]}
    once = simaudit.score(model, pixels, **asked)
    np.testing.assert_allclose(simaudit.score(model, pixels, batch_size=5, **asked), once, rtol=1e-5)
    assert not np.allclose(simaudit.score(model, pixels, seed=1, **asked), once)


def test_an_auc_is_that_of_another_library_and_a_tpr_counts_members():
    rng = np.random.default_rng(1)
    is_member = np.arange(300) < 100
    statistic = rng.normal(size=300) - is_member
    area = simaudit.auc(statistic, is_member)
    assert area.value == pytest.approx(roc_auc_score(is_member, -statistic))
    assert area.low < area.value < area.high
    assert simaudit.auc(-statistic, is_member, member_when="high") == area
    strictest = np.sort(statistic[~is_member])[2]  # 1 % of 200 may be flagged
    found = simaudit.tpr(statistic, is_member, fpr=0.01)
    assert found.value == np.mean(statistic[is_member] < strictest)


def test_rows_in_another_order_are_refused():
    statistic = pd.Series([1.0, 2, 3, 4], index=list("abcd"))
    is_member = pd.Series([True, True, False, False], index=list("abcd"))
    assert simaudit.auc(statistic, is_member).value == 1
    assert simaudit.auc(statistic.to_frame(), is_member).value == 1
    with pytest.raises(SimauditError, match="rows are named otherwise"):
        simaudit.auc(statistic, is_member[::-1])


@pytest.mark.parametrize(
    ("statistic", "is_member", "words"),
    [
        ([1.0, 2, 3, 4], [True, True, False], "one truth value for each"),
        (np.ones((4, 2)), [True, True, False, False], "choose one column"),
        ([1.0, 2, 3, 4], [True, False, False, False], "two members"),
        ([1.0, 2, 3, 4], [1, 1, 0, 0], "true or false"),
        ([1.0, 2, 3, np.nan], [True, True, False, False], "not finite"),
    ],
)
def test_what_has_no_auc_is_refused(statistic, is_member, words):
    with pytest.raises(SimauditError, match=words):
        simaudit.auc(statistic, is_member)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"attack": "simaa", "timesteps": [5]}, "attack: no such name simaa; known: .*sima"),
        ({}, "attack sima: timesteps: missing"),
        ({"timesteps": [1000]}, "asks at timestep 1000, and the model has 1000"),
        ({"timesteps": [5], "norm": 4}, "attack sima: norm: unknown key"),
        ({"attack": "reconstruction"}, "attack reconstruction: the model has no decoder"),
        ({"timesteps": [5], "labels": [0] * COUNT}, "labels: must be one for each of 12 images"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(model, pixels, asked, words):
    with pytest.raises(SimauditError, match=words) as refusal:
        simaudit.score(model, pixels, **asked)
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def model_of_classes(tmp_path_factory):
    """A model of three classes without an empty one."""
    folder = tmp_path_factory.mktemp("classes")
    save_model(folder, channels=1, timesteps=1000, classes=3)
    return simaudit.load_model(folder, device="cpu")


def test_a_model_of_classes_is_asked_for_the_label_of_each_image(model_of_classes, pixels):
    def scores(labels, **how):
        return simaudit.score(model_of_classes, pixels, timesteps=[50], labels=labels, **how)[50, "raw, l4"]

    labels = np.arange(COUNT) % 3
    mixed = scores(labels, batch_size=5)
    for label in range(3):
        rows = labels == label
        np.testing.assert_allclose(mixed[rows], scores([label] * COUNT)[rows], rtol=1e-5)
    assert not np.allclose(scores([0] * COUNT), scores([1] * COUNT))
    for wrong in (None, [0] * (COUNT - 1), [3] * COUNT):
        with pytest.raises(SimauditError, match="labels: "):
            scores(wrong)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 1, 16, 16), np.uint8), r"images: are \(1, 16, 16\), and the model takes \(1, 8, 8\)"),
        (np.zeros((2, 1, 8, 8)), "images: .* is float64"),
        (np.full((2, 1, 8, 8), 3, np.float32), "images: .* not numbers from -1 to 1"),
        (np.zeros((0, 1, 8, 8), np.uint8), "images: has no images"),
        ("nowhere", "images: .*nowhere is no folder"),
    ],
)
def test_images_that_the_model_does_not_take_are_refused(model, images, words):
    with pytest.raises(SimauditError, match=words):
        simaudit.score(model, images, timesteps=[5])


def test_a_model_that_states_no_size_takes_any(tmp_path, pixels):
    save_model(tmp_path / "model", channels=1, timesteps=1000)
    change(tmp_path / "model/unet/config.json", sample_size=None)
    model = simaudit.load_model(tmp_path / "model", "cpu")
    assert len(simaudit.score(model, pixels, timesteps=[10])) == len(pixels)


def test_a_folder_without_a_model_is_refused(case):
    with pytest.raises(SimauditError, match="images: has no config"):
        simaudit.load_model(case / "images")


def test_a_run_gives_its_numbers_scores_and_figures(small_run):
    run, ledger = simaudit.open_run(small_run.audit.path), small_run.findings.ledger
    assert run.audits == ["net", "net-seed1", "other", "raw"]
    assert run.number("auc", "net", "sima") == ledger.number("auc", "net", "sima")
    row = run.numbers.loc["net.sima.auc"]
    assert (row.audit, row.attack, row.value) == ("net", "sima", ledger.number("auc", "net", "sima").value)
    assert run.numbers.value.dtype == float
    scores = run.scores("net", "sima")
    is_member = scores.index.get_level_values("role") == "member"
    assert is_member.sum() == 120
    rows = scores.index.get_level_values("fold") == "evaluation"
    timestep = int(run.number("timestep", "net", "sima").value)
    statistic = scores[timestep].iloc[:, 0]
    assert simaudit.auc(statistic[rows], is_member[rows]).value == run.number("auc", "net", "sima").value
    with pytest.raises(SimauditError, match=r"no number or file net\.sima\.aucc; alike: "):
        run.number("aucc", "net", "sima")
    with pytest.raises(SimauditError, match="no such folder"):
        simaudit.open_run(small_run.audit.path / "nowhere")


def test_figures_are_found_by_name(tmp_path):
    folder = tmp_path / "figures/net"
    folder.mkdir(parents=True)
    for name in ("norms.png", "norms.pdf", "queries.png"):
        (folder / name).touch()
    run = simaudit.open_run(tmp_path)
    assert run.figures("net") == {name: folder / f"{name}.png" for name in ("norms", "queries")}
    assert run.figures("net", "pdf") == {"norms": folder / "norms.pdf"}


def test_the_interface_is_imported_when_it_is_used():
    program = (
        "import sys, simaudit; print('simaudit.api' in sys.modules, simaudit.auc, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False <function auc")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        simaudit.nothing  # noqa: B018


def test_no_job_depends_on_the_names_of_the_interface():
    for job in jobs(load([ROOT / "params.yaml"])):
        assert {"simaudit", "simaudit.api"}.isdisjoint(code_of(job)), job.name


def test_an_attack_that_wraps_another_takes_the_knobs_of_both(model, pixels):
    knobs = {"timesteps": [50], "norms": [2]}
    plain = simaudit.score(model, pixels, "pia", **knobs)
    filtered = simaudit.score(model, pixels, "low_pass", of="pia", radius=2, knobs=knobs)
    assert (filtered.to_numpy() < plain.to_numpy()).all()
    whole = simaudit.score(model, pixels, "low_pass", of="pia", scale=0.999999, knobs=knobs)
    np.testing.assert_allclose(whole.to_numpy(), plain.to_numpy(), rtol=1e-4)


@pytest.mark.parametrize(
    ("knobs", "line"),
    [
        ({"of": "pfami"}, r"attack low_pass: of: must name one of loss, pia, .*\(got pfami\)"),
        ({"of": "pullback"}, r"attack low_pass: of: must name one of .*\(got pullback\)"),
        ({"of": "pia"}, "attack low_pass: knobs.timesteps: missing; add it"),
        ({"of": "pia", "knobs": {"timesteps": [1000]}}, "asks at timestep 1000, and the model has 1000"),
        ({"of": "pia", "raduis": 3}, "attack low_pass: raduis: unknown key"),
    ],
)
def test_an_attack_that_cannot_wrap_what_it_names_is_one_line(model, pixels, knobs, line):
    with pytest.raises(SimauditError, match=line) as error:
        simaudit.score(model, pixels, "low_pass", **knobs)
    assert "\n" not in str(error.value)


def test_precision_is_that_of_one_call(model, pixels):
    exact, rounded, again = (
        simaudit.score(model, pixels, timesteps=[20], norms=[2], inputs=["raw"], precision=name)
        for name in ("float32", "bfloat16", "float32")
    )
    assert exact.equals(again)
    assert not exact.equals(rounded)
    np.testing.assert_allclose(rounded, exact, rtol=0.02)
    with pytest.raises(
        SimauditError, match=r"^precision: must be one of float32, tf32, bfloat16 \(got half\)$"
    ):
        simaudit.score(model, pixels, precision="half")
