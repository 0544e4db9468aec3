"""The verbs as a shell sees them: exit codes, one line, no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simaudit.data.prepare import save_array
from simaudit.data.split import make_split, write_split
from simaudit.storage.json import write_json

SIMAUDIT = str(Path(sys.executable).with_name("simaudit"))


def call(*arguments, cwd):
    return subprocess.run([SIMAUDIT, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)


def stamp(path, params):
    write_json(path, {"job": path.stem, "params": params, "code": {}})
    return path


def assert_refused(done, *words):
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_wrong_parameters_are_refused(tmp_path):
    (tmp_path / "params.yaml").write_text("datasets: {}\n")
    done = call("params", cwd=tmp_path)
    assert done.returncode == 2
    assert "params.yaml: splits: missing; add it" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_or_a_missing_option_is_refused(tmp_path):
    assert call("trian", cwd=tmp_path).returncode == 2
    assert "--params" in call("prepare", cwd=tmp_path).stderr


def test_a_missing_input_is_one_line_with_the_command_that_makes_it(tmp_path):
    job = stamp(tmp_path / "s.json", {"dataset": "d", "members": 5})
    done = call("split", "--params", job, "--images", "images.npy", "--output", "s.parquet", cwd=tmp_path)
    assert_refused(done, "images.npy: missing; make it with: snakemake --cores all images.npy")


def test_duplicates_are_refused_naming_the_split_and_allowed_by_its_knob(tmp_path):
    save_array(tmp_path / "images.npy", np.zeros((80, 1, 2, 2), np.float32))
    knobs = {"dataset": "d", "members": 40, "calibration": 0.5, "seed": 0}
    arguments = ["split", "--params", "s.json", "--images", "images.npy", "--output", "mine.parquet"]
    stamp(tmp_path / "s.json", knobs)
    assert_refused(call(*arguments, cwd=tmp_path), "params.yaml: splits.mine: ", "allow_duplicates: true")
    assert not (tmp_path / "mine.parquet").exists()
    stamp(tmp_path / "s.json", knobs | {"allow_duplicates": True})
    assert call(*arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "mine.parquet").exists()


def test_a_split_too_small_to_be_measured_is_refused_before_anything_is_trained(tmp_path):
    save_array(tmp_path / "images.npy", np.zeros((80, 1, 2, 2), np.float32))
    stamp(tmp_path / "s.json", {"dataset": "d", "members": 40, "calibration": 0.49, "allow_duplicates": True})
    done = call(
        "split", "--params", "s.json", "--images", "images.npy", "--output", "m.parquet", cwd=tmp_path
    )
    assert call(*done.args[1:], cwd=tmp_path).returncode == 0  # 20 and 20
    stamp(tmp_path / "s.json", {"dataset": "d", "members": 40, "calibration": 0.4, "allow_duplicates": True})
    words = "splits.m: the calibration fold has 16 members and 16 held-out samples, and needs 20 of each"
    assert_refused(call(*done.args[1:], cwd=tmp_path), "params.yaml: ", words)


def damaged(audit, **columns):
    """The arguments of `simaudit evaluate` on an attack whose statistics are these, by name of the column."""
    audit.blind()
    file = audit.write_scores(
        audit.path / "a.parquet", "a", {(10, name): values for name, values in columns.items()}
    )
    stamp(audit.path / "s.json", {"seed": 0, "bootstrap": 100, "permutations": 20})
    names = ("table", "summary", "selected", "differences", "permutation", "epochs", "profiles", "metrics")
    return [
        *("evaluate", "--params", "s.json", "--scores", file, "--blind", "evaluation/blind/s.parquet"),
        *("--nearest", audit.nearest()),
        *(argument for name in names for argument in (f"--{name}", f"{name}.out")),
    ]


def test_scores_that_cannot_be_measured_are_refused_by_name(audit):
    good, nan = audit.telling(1), audit.telling(1)
    nan[7] = np.nan
    arguments = damaged(audit, good=good, bad=nan)
    assert_refused(
        call(*arguments, cwd=audit.path), "a.parquet: the statistic is nan at timestep 10, variant (bad)"
    )
    arguments = damaged(audit, good=good, bad=np.zeros(len(good)))
    assert_refused(
        call(*arguments, cwd=audit.path), "a: the statistic is the same for all samples", "variant (bad)"
    )
    assert not list(audit.path.glob("*.out"))


def test_results_that_are_missing_are_one_line_with_the_command_that_makes_them(audit):
    stamp(audit.path / "s.json", {"targets": {"t": {"group": "t", "control": None}}, "evaluation": {}})
    done = call("compare", "--params", "s.json", "--output", "o", cwd=audit.path)
    file = "results/evaluation/t.json"
    assert_refused(done, f"{file}: missing; make it with: snakemake --cores all {file}")
    done = call("numbers", "e/t.json", "--output", "n.json", cwd=audit.path)
    assert_refused(done, "e/t.json: missing")


@pytest.fixture
def scored(tmp_path):
    """Everything that `simaudit score` needs, with a target of no weights trained on other members."""
    save_array(tmp_path / "images.npy", np.zeros((20, 1, 2, 2), np.float32))
    write_split(tmp_path / "split.parquet", make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0))
    stamp(tmp_path / "s.json", {"attack": {"timesteps": [10]}, "scoring": {}})
    summary = {"members": {"sha256": "other", "split": "theirs.parquet"}, "files": {}, "kind": "ddpm"}
    write_json(tmp_path / "target" / "training.json", summary)
    return [
        *("score", "--params", "s.json", "--images", "images.npy", "--split", "split.parquet"),
        *("--target", "target", "--output", "sima.parquet"),
    ]


def test_a_split_that_a_target_was_not_trained_on_is_refused(tmp_path, scored):
    assert_refused(call(*scored, cwd=tmp_path), "target: was trained on other members", "theirs.parquet")


def test_a_target_with_a_missing_weight_file_is_refused(tmp_path, scored):
    summary = json.loads((tmp_path / "target/training.json").read_text())
    write_json(tmp_path / "target/training.json", summary | {"files": {"unet/weights": "0" * 64}})
    assert_refused(call(*scored, cwd=tmp_path), "target/unet/weights: missing")


def test_the_log_holds_the_line_too(tmp_path, scored):
    call("--log", "logs/job.log", *scored, cwd=tmp_path)
    assert "was trained on other members" in (tmp_path / "logs/job.log").read_text()
