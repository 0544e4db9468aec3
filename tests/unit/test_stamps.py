"""A stamp changes exactly when something changes that decides its job's result."""

import json
from pathlib import Path

import pytest

from simaudit.plan.jobs import jobs
from simaudit.plan.load import parse
from simaudit.provenance import stamps
from simaudit.provenance.stamps import Stamp
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "params.yaml"


REFERENCES = ("digits-ddpm-reference1",)


@pytest.fixture
def values():
    """Without what YAML's anchors share: a change in one place is a change in that place alone."""
    return json.loads(json.dumps(read_yaml(DEFAULT)))


def params_of(values):
    return parse([(DEFAULT, values)])


def texts(values):
    return {job.name: Stamp.of(job).text for job in jobs(params_of(values))}


@pytest.fixture(scope="module")
def before():
    """The stamps of the default run, before anything is changed."""
    return texts(read_yaml(DEFAULT))


def changed_stamps(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


RUN_FIGURES = {
    f"figure/run/{figure}"
    for figure in (
        "against_reference",
        "forest",
        "mean_ranks",
        "over_beta",
        "over_epochs",
        "published_beside",
    )
}
TOGETHER = {"compare", "numbers", "tables", "verdict", "report"} | RUN_FIGURES
"""What knows of all audits and of how they stand to each other."""


def test_an_attacks_knob_touches_its_own_scores_alone_and_what_it_is_asked_about_samples(values, before):
    values["attacks"]["sima"]["norms"] = [1, 2]
    changed = changed_stamps(before, texts(values))
    every = {f"score/{audit}/sima" for audit in params_of(values).audits}
    epochs = {f"score/digits-ldm/epochs/{epoch}/sima" for epoch in (50, 100, 200, 300)}
    asked = {f"own_statistics/{audit}" for audit in params_of(values).audits}
    references = {f"score/digits-ddpm/references/{name}/sima" for name in REFERENCES}
    assert changed == every | epochs | asked | references


def test_which_intermediate_checkpoints_are_attacked_is_no_reason_to_train(values):
    values["targets"]["digits-untrained"]["training"]["intermediate_epochs"] = []
    values["targets"]["digits-ddpm"]["training"]["intermediate_epochs"] = [9]
    values["audits"]["digits-ddpm"] = {"intermediate_attacks": ["sima"]}
    before = texts(values)
    values["audits"]["digits-ddpm"]["intermediate_attacks"] = ["loss"]
    scores = {f"score/digits-ddpm/epochs/9/{attack}" for attack in ("sima", "loss")}
    assert changed_stamps(before, texts(values)) == scores | {"evaluate/digits-ddpm", "report"}


def with_pretrained(values, folder):
    """The values with one target more, whose autoencoder comes from a folder."""
    ldm = {"kind": "latent", "split": "digits-300", "autoencoder": {"pretrained": str(folder)}}
    like = values["targets"]["digits-ldm"]
    return values | {
        "targets": values["targets"] | {"mine": ldm | {key: like[key] for key in ("unet", "training")}}
    }


def new_autoencoder(folder):
    """A folder that looks like a saved autoencoder; returns the file of its weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    weights = folder / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(b"1")
    return weights


def test_a_pretrained_autoencoder_is_known_by_its_content(values, tmp_path):
    with pytest.raises(
        SimauditError, match=r"targets.mine.autoencoder.pretrained: .*/nowhere/config.json: missing"
    ):
        texts(with_pretrained(values, tmp_path / "nowhere"))
    with pytest.raises(SimauditError, match=r"autoencoder\.pretrained: must have 1 or more characters"):
        texts(with_pretrained(values, ""))
    folder = tmp_path / "vqvae"
    weights = new_autoencoder(folder)
    values = with_pretrained(values, folder)
    one = texts(values)
    weights.write_bytes(b"2")
    two = texts(values)
    assert changed_stamps(one, two) == {"train/mine"}
    (tmp_path / "training.json").write_text("{}")  # says whose members the autoencoder was trained on
    assert changed_stamps(two, texts(values)) == {"train/mine"}


def test_a_stamp_knows_which_given_files_are_no_longer_what_they_were(values, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("mine/vqvae")
    new_autoencoder(folder)
    Path("mine/training.json").write_text("{}")
    job = next(job for job in jobs(params_of(with_pretrained(values, folder))) if job.name == "train/mine")
    stamp = Stamp.of(job)
    assert stamp.changed_files() == []
    assert list(stamp.relative_files()) == [
        "mine/vqvae/config.json",
        "mine/vqvae/diffusion_pytorch_model.safetensors",
        "mine/training.json",
    ]
    (folder / "config.json").write_text("{}")
    Path("mine/training.json").unlink()
    assert stamp.changed_files() == ["mine/vqvae/config.json"]
    assert stamp.absent() == ["mine/training.json"]


def test_a_pretrained_autoencoder_of_another_target_waits_for_its_training(values, tmp_path, monkeypatch):
    folder = paths.target("digits-ldm") / "vqvae"
    params = params_of(with_pretrained(values, folder))
    job = next(job for job in jobs(params) if job.name == "train/mine")
    assert job.reads["pretrained"] == paths.target("digits-ldm")
    assert not job.given
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SimauditError, match=r"mine\.autoencoder\.pretrained: no such entry; known: .*nobody/vqvae'"
    ):
        params_of(with_pretrained(values, paths.target("nobody") / "vqvae"))


def test_a_knob_of_the_quality_draws_and_judges_anew(values, before):
    audits = params_of(values).audits
    values["quality"]["features"] = "inception"
    judged = {f"quality/{audit}" for audit in audits}
    assert changed_stamps(before, texts(values)) == judged
    values["quality"]["steps"] = 10
    assert changed_stamps(before, texts(values)) == judged | {f"sample/{audit}" for audit in audits}


def test_the_choice_of_attacks_scores_and_evaluates_alone(values):
    del values["audits"]["digits-ddpm"]  # with its references
    before = texts(values)
    values["audits"]["digits-ddpm"] = {"attacks": ["sima"]}
    dropped = {name for name in before if name.startswith("score/digits-ddpm/")} - {"score/digits-ddpm/sima"}
    not_drawn = {"figure/digits-ddpm/complexity", "figure/digits-ddpm/queries"}  # of SimA alone
    phases = ("own_statistics", "evaluate", "own_samples", "sets", "at_risk")
    of_audit = {f"{phase}/digits-ddpm" for phase in phases}
    summing_up = of_audit | {"numbers", "verdict", "report"}
    assert changed_stamps(before, texts(values)) == dropped | not_drawn | summing_up


def test_a_knob_of_sets_touches_sets_alone(values, before):
    values["evaluation"]["sets"] = {"repeats": 20}
    assert {name.split("/")[0] for name in changed_stamps(before, texts(values))} == {"sets"}


@pytest.mark.parametrize(
    ("knob", "value"),
    [("blind", {"folds": 3}), ("permutations", 50), ("bootstrap", 500), ("delta", 0.001), ("priors", [0.2])],
)
def test_a_knob_of_the_evaluation_touches_evaluations_alone(values, before, knob, value):
    values["evaluation"][knob] = value
    phases = {name.split("/")[0] for name in changed_stamps(before, texts(values))}
    expected = {"blind"} if knob == "blind" else {"blind", "evaluate"}
    assert phases == expected | ({"compare", "quality"} if knob == "bootstrap" else set())


@pytest.mark.parametrize(
    ("section", "knob", "value"),
    [
        ("scoring", "threads", 2),
        ("scoring", "batch_size", 7),
        ("scoring", "device", "cpu"),
        ("evaluation", "threads", 2),
        ("training", "threads", 2),
        ("training", "device", "cpu"),
        ("training", "checkpoint_every", 7),
    ],
)
def test_what_cannot_change_a_result_touches_no_stamp_and_is_known_to_the_job(
    values, before, section, knob, value
):
    of = values["targets"]["digits-ddpm"]["training"] if section == "training" else values[section]
    of[knob] = value
    assert changed_stamps(before, texts(values)) == set()
    assert any(f'"{knob}": {json.dumps(value)}' in json.dumps(job.speed) for job in jobs(params_of(values)))


def test_a_training_knob_touches_that_targets_training_alone(values):
    values["targets"]["digits-untrained"] = {
        **values["targets"]["digits-ddpm"],
        "training": {"epochs": 0, "learning_rate": 1},
    }
    values["targets"]["photos-ddpm"]["training"] = {"batch_size": 128}  # which it would take from digits-ddpm
    before = texts(values)
    values["targets"]["digits-ddpm"]["training"]["batch_size"] = 32
    assert changed_stamps(before, texts(values)) == {f"train/{name}" for name in ("digits-ddpm", *REFERENCES)}


def test_a_second_target_touches_nothing_of_the_first(values, before):
    values["targets"]["second"] = values["targets"]["digits-ddpm"]
    touched = changed_stamps(before, texts(values))
    assert {"train/second", "score/second/sima", "evaluate/second"} <= touched
    assert all("second" in name for name in touched - TOGETHER)


def test_which_figures_are_drawn_is_no_reason_to_train_or_score(values, before):
    values["audits"]["digits-ddpm"]["figures"] = ["norms", "samples"]
    drawn = {name for name in before if name.startswith("figure/digits-ddpm/")}
    kept = {"figure/digits-ddpm/norms", "figure/digits-ddpm/samples"}
    assert changed_stamps(before, texts(values)) == drawn - kept | {"report"}


def test_a_member_of_the_theorys_pictures_concerns_them_alone(values, before):
    values["theory"]["line_timestep"] = 30
    assert changed_stamps(before, texts(values)) == {"theory"}


def modules_of(name, values):
    return next(set(Stamp.of(job).code) for job in jobs(params_of(values)) if job.name == name)


def test_a_job_depends_on_the_code_it_runs_and_on_no_other(values):
    train = modules_of("train/digits-ddpm", values)
    assert {"simaudit.training.loop", "simaudit.training.denoiser", "simaudit.data.store"} <= train
    assert not any(
        room in name for name in train for room in ("figures", "attacks", "evaluation", "cli", "plan")
    )

    score = modules_of("score/digits-ddpm/sima", values)
    assert {"simaudit.attacks.threshold.sima", "simaudit.diffusion.norms", "simaudit.data.store"} <= score
    assert {"simaudit.scoring.run", "simaudit.targets.families.ddpm"} <= score
    assert "simaudit.attacks.threshold.loss" not in score

    figure = modules_of("figure/digits-ddpm/roc_loglog", values)
    assert {"simaudit.figures.of_target.roc_loglog", "simaudit.evaluation.statistics.roc"} <= figure
    assert {"simaudit.figures.style", "simaudit.evaluation.results"} <= figure
    assert "simaudit.figures.of_target.statistic_histogram" not in figure
    assert not any("targets" in name or "attacks" in name for name in figure)


def test_the_page_depends_on_its_own_templates_and_tables_do_not(values):
    by_name = {job.name: Stamp.of(job) for job in jobs(params_of(values))}
    templates = by_name["report"].given["simaudit:report/templates"]
    assert {"body.html", "tables.js", "style.css"} <= set(templates)
    assert by_name["tables"].given == {}
    assert not any(name.startswith("simaudit.report.page") for name in by_name["tables"].code)
    assert {"simaudit.report.tables.forms", "simaudit.report.tables.of_run"} <= set(by_name["tables"].code)
    assert any(file.endswith(".csv") for files in by_name["compare"].given.values() for file in files)


def test_no_job_depends_on_the_command_line_or_on_the_parameters_model(values):
    for job in jobs(params_of(values)):
        code = Stamp.of(job).code
        assert not any(name.startswith(("simaudit.cli", "simaudit.plan")) for name in code)


def test_stamps_are_rewritten_only_when_they_change_and_dropped_when_nobody_asks(values, tmp_path):
    folder, speed = tmp_path / "params", tmp_path / "speed.json"
    stamps.write(jobs(params_of(values)), folder, speed)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
    values["attacks"]["loss"]["draws"] = [1, 2]
    del values["attacks"]["pfami"]
    stamps.write(jobs(params_of(values)), folder, speed)
    assert not (folder / "score/digits-ddpm/pfami.json").exists()
    rewritten = {path for path, time in times.items() if path.exists() and path.stat().st_mtime_ns != time}
    scores = {
        folder / f"{job}.json"
        for audit in ("digits-ddpm", "digits-optimal", "digits-ldm")
        for job in (f"score/{audit}/loss", f"own_statistics/{audit}")
    }
    lost_one = {
        folder / f"{phase}/{audit}.json"
        for audit in ("digits-ddpm", "digits-ldm")
        for phase in ("evaluate", "sets", "at_risk")
    }
    assert rewritten == scores | lost_one | {
        folder / f"{job}.json" for job in ("numbers", "verdict", "report")
    }


def test_a_stamp_is_read_back_as_it_was_written(values, tmp_path):
    stamps.write(jobs(params_of(values)), tmp_path / "params", tmp_path / "speed.json")
    for job in jobs(params_of(values)):
        read = Stamp.read(tmp_path / "params" / f"{job.name}.json")
        assert read.text == Stamp.of(job).text
        assert sorted(read.job.inputs) == sorted(job.inputs)
        assert read.job.function is job.function


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", b"\xff\xfe"])
def test_a_wrong_stamp_is_one_line(tmp_path, content):
    path = tmp_path / "s.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SimauditError, match=r"s\.json: .*simaudit stamps"):
        stamps.Stamp.read(path)


def test_stamps_that_another_snakemake_runs_by_must_be_those_that_are_asked_for(values, tmp_path):
    folder, speed = tmp_path / "params", tmp_path / "speed.json"
    stamps.write(jobs(params_of(values)), folder, speed)
    stamps.require(jobs(params_of(values)), folder)
    values["attacks"]["sima"]["timesteps"] = [7]
    with pytest.raises(SimauditError, match=r"sima\.json: another Snakemake runs in this folder"):
        stamps.require(jobs(params_of(values)), folder)
