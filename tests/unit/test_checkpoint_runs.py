"""A checkpoint in a run: it is looked at, hashed once, scored where it lies, and never changed."""

from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import change
from pixel_checkpoints import pipeline, state, unet
from safetensors.torch import load_file, save_file
from storing import store

from simaudit.attacks.threshold.secmi import SecMI
from simaudit.attacks.threshold.sima import SimA
from simaudit.data.split import make_split, write_split
from simaudit.machine.precision import computing_in
from simaudit.provenance import stamps
from simaudit.provenance.stamps import Stamp
from simaudit.scoring.jobs import ScoringKnobs, score_job
from simaudit.scoring.score_file import Scores
from simaudit.storage import hashes
from simaudit.storage.json import read_json
from simaudit.targets.families.checkpoint import Checkpoint
from simaudit.targets.jobs import train_job
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

IMAGES = np.random.default_rng(3).uniform(-1, 1, (20, 1, 8, 8)).astype(np.float32)
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
SIMA = SimA(timesteps=[10, 40])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model of the user's in a run that has images and a split."""
    monkeypatch.chdir(tmp_path)
    store("d", IMAGES)
    write_split(paths.split("s"), make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0))
    return pipeline(Path("mine/model"))


def family():
    """The entry of params.yaml as it is validated anew."""
    return Checkpoint.model_validate({"kind": "checkpoint", "split": "s", "path": "mine/model"})


def look():
    """The job that looks at the model, as the parameters declare it now."""
    return train_job("t", family(), "d", "stated")


def score(attack=SIMA, name="sima", precision="float32"):
    """The job that scores it."""
    reads = {"images": paths.images("d"), "split": paths.split("s"), "target": paths.target("t")}
    return score_job("t", name, attack, ScoringKnobs(device="cpu", precision=precision), reads, family())


def test_it_is_scored_where_it_lies_and_left_as_it_is(folder):
    before = state(folder)
    look().do()
    score().do()
    assert state(folder) == before
    assert [path.name for path in paths.target("t").iterdir()] == ["training.json"]
    summary = read_json(paths.target("t") / "training.json")
    assert summary["layout"] == family().layout.model_dump(mode="json")
    assert set(summary["files"]) == set(family().places)
    network, x = unet(), torch.from_numpy(IMAGES)
    scores = Scores.read(paths.scores("t", "sima"))
    for row, t in zip(scores.statistic, SIMA.timesteps, strict=True):
        expected = network(x, torch.full((20,), t)).sample.flatten(1).norm(p=4, dim=1)
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    assert read_json(paths.cost("t", "sima"))["attacks"]["sima"]["cost"]["made_queries"] == 2


def test_its_scores_say_in_which_precision_they_are_and_what_that_changes(folder):
    look().do()
    assert score().params != score(precision="bfloat16").params
    score().do()
    exact = Scores.read(paths.scores("t", "sima"))
    with computing_in("float32", torch.device("cpu")):  # which it was before the job
        score(precision="bfloat16").do()
    rounded = Scores.read(paths.scores("t", "sima"))
    assert [of.metadata["dtype"] for of in (exact, rounded)] == ["float32", "bfloat16"]
    assert exact.against_float32 == {}
    error = np.abs(rounded.statistic - exact.statistic).max(axis=1) / np.sqrt(
        (exact.statistic**2).mean(axis=1)
    )
    assert [key[0] for key in rounded.against_float32] == list(SIMA.timesteps)
    for (said, _), true in zip(rounded.against_float32.values(), error, strict=True):
        assert 1e-5 < true < 0.05
        assert said == pytest.approx(true, rel=0.1)  # all samples, in another batch


def test_each_file_is_hashed_once(folder, monkeypatch):
    read, hashed = hashes.sha256_file, []
    monkeypatch.setattr(hashes, "sha256_file", lambda path: hashed.append(path.name) or read(path))
    stamps.write([look()])
    look().do()
    score().do()
    assert Stamp.of(look()).changed_files() == []
    assert sorted(name for name in hashed if name.endswith(("config.json", "safetensors"))) == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
        "scheduler_config.json",
    ]


def test_a_changed_one_is_looked_at_again_and_not_scored_before(folder):
    stamps.write([look()])
    look().do()
    before, layout = Stamp.of(look()).identity, read_json(paths.target("t") / "training.json")["files"]
    weights = load_file(folder / WEIGHTS)
    save_file({name: value + 1 for name, value in weights.items()}, folder / WEIGHTS)
    assert Stamp.of(look()).identity != before
    with pytest.raises(
        SimauditError, match=f"^mine/model/{WEIGHTS}: changed .*; put it back, or delete results/tar"
    ):
        score().do()
    look().do()
    assert read_json(paths.target("t") / "training.json")["files"] != layout
    score().do()


def test_one_that_is_elsewhere_after_scoring_makes_nothing_due(folder):
    stamps.write([look(), score()])
    look().do()
    before = [Stamp.of(job).identity for job in (look(), score())]
    folder.rename("gone")
    assert [Stamp.of(job).identity for job in (look(), score())] == before
    assert family().layout.timesteps == 50
    with pytest.raises(
        SimauditError, match=r"^mine/model/.*: missing .*; put it back, or delete results/targets/t"
    ):
        score().do()


@pytest.mark.parametrize(
    ("attack", "name", "at"),
    [(SimA(timesteps=[10, 49]), "sima", 49), (SecMI(timesteps=[42], interval=7), "secmi", 49)],
)
def test_a_timestep_without_any_signal_is_refused_before_it_is_asked_for(folder, attack, name, at):
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=50, rescale_betas_zero_snr=True)
    scheduler.save_pretrained(folder / "scheduler")
    look().do()
    with pytest.raises(SimauditError) as caught:
        score(attack, name).do()
    assert str(caught.value) == (
        f"params.yaml: attacks.{name}.timesteps: the target's schedule leaves no signal at {at}; "
        "leave out what asks there"
    )
    assert not paths.scores("t", name).exists()
    score(SimA(timesteps=[48])).do()


def test_a_timestep_without_any_noise_is_refused_too(folder):
    change(folder / "scheduler/scheduler_config.json", trained_betas=[0.0, 0.1, 0.2])
    look().do()
    with pytest.raises(
        SimauditError, match="the target's schedule leaves no noise at 0; leave out what asks there"
    ):
        score(SimA(timesteps=[0, 1])).do()


def test_the_memory_that_scoring_asks_for_grows_with_the_weights(folder):
    assert score().memory_mb == 4000
    look().do()
    before = score().memory_mb
    with (folder / WEIGHTS).open("r+b") as stream:
        stream.truncate(10**9)
    assert score().memory_mb - before == pytest.approx(3000, abs=1)
