"""A stamp changes exactly when something changes that its job depends on."""

import json
from pathlib import Path

import pytest

from simaudit.plan.params import merge, parse
from simaudit.provenance import code, stamps
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def values():
    """Without what YAML's anchors share: a change in one place is a change in that place alone."""
    return json.loads(json.dumps(merge([ROOT / "params.yaml"])))


def texts(values):
    return {stamp.name: stamp.text for stamp in stamps.stamps(parse(values))}


def changed_stamps(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


TOGETHER = {"compare", "tables", "report"} | {
    f"figure/run/{figure}"
    for figure in ("against_reference", "mean_ranks", "over_beta", "over_epochs", "published_beside")
}
"""What knows of all targets and of how they stand to each other."""


def test_an_attacks_knob_touches_its_own_scores_alone(values):
    before = texts(values)
    values["attacks"]["sima"]["norms"] = [1, 2]
    every = {f"score/{target}/sima" for target in values["targets"]}
    assert changed_stamps(before, texts(values)) == every


def test_which_states_on_the_way_are_attacked_is_no_reason_to_train(values):
    values["targets"]["digits-ddpm"] |= {"snapshot_attacks": ["sima"]}
    values["targets"]["digits-ddpm"]["training"]["snapshots"] = [9]
    before = texts(values)
    values["targets"]["digits-ddpm"]["snapshot_attacks"] = ["loss"]
    assert changed_stamps(before, texts(values)) == set()
    values["targets"]["digits-ddpm"]["training"]["snapshots"] = [9, 10]
    assert changed_stamps(before, texts(values)) == {"train/digits-ddpm"} | TOGETHER - {"compare", "tables"}


def test_a_pretrained_autoencoder_is_known_by_its_content(values, tmp_path):
    values["targets"]["digits-ldm"]["autoencoder"] = {"pretrained": str(tmp_path)}
    missing = texts(values)
    (tmp_path / "weights.safetensors").write_bytes(b"1")
    found = texts(values)
    assert changed_stamps(missing, found) == {"train/digits-ldm"}
    (tmp_path / "weights.safetensors").write_bytes(b"2")
    assert changed_stamps(found, texts(values)) == {"train/digits-ldm"}


def test_a_knob_of_the_quality_draws_and_judges_anew(values):
    before = texts(values)
    values["quality"]["features"] = "inception"
    judged = {f"quality/{target}" for target in values["targets"]}
    assert changed_stamps(before, texts(values)) == judged
    values["quality"]["steps"] = 10
    drawn = {f"sample/{target}" for target in values["targets"]}
    assert changed_stamps(before, texts(values)) == judged | drawn


def test_the_choice_of_attacks_touches_scores_alone(values):
    before = texts(values)
    values["targets"]["digits-ddpm"]["attacks"] = ["sima"]
    ran = {name for name in before if name.startswith("score/digits-ddpm/")}
    dropped = ran - {"score/digits-ddpm/sima"}
    assert len(dropped) == 7
    not_drawn = {"figure/digits-ddpm/queries"}  # of one attack alone
    assert changed_stamps(before, texts(values)) == dropped | not_drawn | {"report"}


@pytest.mark.parametrize(
    ("knob", "value", "touched"),
    [
        ("threads", 2, set()),  # whoever computes a number, it is the same
        ("blind", {"folds": 3}, {"blind/digits-300"}),
        ("permutations", 50, {"blind/digits-300", "compare"}),
    ],
)
def test_a_knob_of_the_evaluation_touches_evaluations_alone(values, knob, value, touched):
    before = texts(values)
    values["evaluation"][knob] = value
    evaluations = {f"evaluate/{target}" for target in values["targets"]} if knob == "permutations" else set()
    assert changed_stamps(before, texts(values)) == touched | evaluations


def test_a_training_knob_touches_that_targets_training_alone(values):
    before = texts(values)
    values["targets"]["digits-ddpm"]["training"]["batch_size"] = 64
    assert changed_stamps(before, texts(values)) == {"train/digits-ddpm"}
    before = texts(values)
    values["targets"]["digits-ldm"]["training"]["batch_size"] = 64
    # Before, it differed from its second seed in nothing but the seed: their group is no more.
    assert changed_stamps(before, texts(values)) == {"train/digits-ldm"} | TOGETHER


def test_a_second_target_touches_nothing_of_the_first(values):
    before = texts(values)
    values["targets"]["second"] = values["targets"]["digits-ddpm"]
    touched = changed_stamps(before, texts(values))
    assert {"train/second", "score/second/sima", "evaluate/second"} <= touched
    assert all("second" in name for name in touched - TOGETHER)


def test_which_figures_are_drawn_is_no_reason_to_train_or_score(values):
    before = texts(values)
    values["targets"]["digits-ddpm"]["figures"] = ["norms", "samples"]
    dropped = {name for name in before if name.startswith("figure/digits-ddpm/")}
    dropped -= {"figure/digits-ddpm/norms", "figure/digits-ddpm/samples"}
    assert len(dropped) == 6
    assert changed_stamps(before, texts(values)) == dropped | {"report"}


def test_published_numbers_and_the_pictures_of_the_theory_stand_by_themselves(values, tmp_path, monkeypatch):
    before = texts(values)
    values["theory"]["line_timestep"] = 30
    assert changed_stamps(before, texts(values)) == {"theory"}
    before = texts(values)
    (tmp_path / "theirs.csv").write_text("beta\n")
    monkeypatch.setattr(stamps, "PUBLISHED", tmp_path)
    assert changed_stamps(before, texts(values)) == {"compare"}


def modules_of(name, values):
    return next(set(stamp.code) for stamp in stamps.stamps(parse(values)) if stamp.name == name)


def test_a_job_depends_on_the_code_it_runs_and_on_no_other(values):
    train = modules_of("train/digits-ddpm", values)
    assert {"simaudit.training.loop", "simaudit.training.denoiser", "simaudit.diffusion.schedule"} <= train
    assert not any("figures" in name or "attacks" in name or "evaluation" in name for name in train)

    score = modules_of("score/digits-ddpm/sima", values)
    assert {
        "simaudit.attacks.threshold.sima",
        "simaudit.diffusion.norms",
        "simaudit.scoring.run",
        "simaudit.targets.families.ddpm",
    } <= score
    assert not any("training" in name or name == "simaudit.attacks.threshold.loss" for name in score)

    figure = modules_of("figure/digits-ddpm/roc_loglog", values)
    assert {
        "simaudit.figures.of_target.roc_loglog",
        "simaudit.figures.style",
        "simaudit.figures.drawing",
        "simaudit.evaluation.results",
        "simaudit.evaluation.statistics.roc",
    } <= figure
    assert "simaudit.figures.of_target.statistic_histogram" not in figure
    assert not any("targets" in name or "attacks" in name for name in figure)


def test_the_page_depends_on_its_own_templates_and_tables_do_not(values):
    by_name = {stamp.name: stamp for stamp in stamps.stamps(parse(values))}
    assert {"body.html", "script.js", "style.css"} <= set(by_name["report"].inputs)
    assert "simaudit.report.page.page" in by_name["report"].code
    assert not any(
        ".of_target." in name or ".of_run." in name for name in by_name["report"].code if "figures" in name
    )
    assert by_name["tables"].inputs == {}
    assert "simaudit.report.page.page" not in by_name["tables"].code
    assert {"simaudit.report.tables.forms", "simaudit.report.tables.of_run"} <= set(by_name["tables"].code)


def test_no_job_depends_on_the_command_line_or_on_the_parameters_model(values):
    for stamp in stamps.stamps(parse(values)):
        assert not {"simaudit.cli.results", "simaudit.plan.params", "simaudit.provenance.stamps"} & set(
            stamp.code
        )


def test_the_digest_is_the_hash_of_the_file():
    import hashlib

    expected = hashlib.sha256((ROOT / "src/simaudit/norms.py").read_bytes()).hexdigest()
    assert code.digest(["simaudit.diffusion.norms"])["simaudit.diffusion.norms"] == expected


def test_stamps_are_rewritten_only_when_they_change_and_dropped_when_nobody_asks(values, tmp_path):
    stamps.write(parse(values), tmp_path)
    pfami = tmp_path / "score/digits-ddpm/pfami.json"
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    values["attacks"]["sima"]["norms"] = [1, 2]
    values["attacks"]["pfami"] = None
    stamps.write(parse(values), tmp_path)
    assert not pfami.exists()
    rewritten = {path for path, time in times.items() if path.exists() and path.stat().st_mtime_ns != time}
    assert rewritten == {tmp_path / f"score/{target}/sima.json" for target in values["targets"]}


def test_a_stamp_is_read_back_as_it_was_written(values, tmp_path):
    stamps.write(parse(values), tmp_path)
    for stamp in stamps.stamps(parse(values)):
        assert stamps.Stamp.read(tmp_path / f"{stamp.name}.json") == stamp


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_wrong_stamp_is_one_line(tmp_path, content):
    path = tmp_path / "s.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SimauditError, match=r"s\.json: .*simaudit stamps"):
        stamps.Stamp.read(path)
