"""The subcommands as a shell sees them: exit codes, one line, no traceback."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from auditing import new_audit
from calling import assert_refused, call, run
from storing import store

from simaudit.data.jobs import SplitKnobs, split_job
from simaudit.data.split import make_split, write_split
from simaudit.evaluation.jobs import compare_job, evaluate_job, numbers_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.plan.load import load
from simaudit.provenance.asked import remember
from simaudit.scoring.jobs import score_job
from simaudit.storage.json import write_json
from simaudit.vocabulary import paths

pytestmark = pytest.mark.usefixtures("here")

ROOT = Path(__file__).parents[2]


def test_wrong_parameters_are_refused(tmp_path):
    (tmp_path / "params.yaml").write_text("datasets: {}\n")
    done = call("params", cwd=tmp_path)
    assert done.returncode == 2
    assert "params.yaml: splits: missing; add it" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_subcommands_in_sections(tmp_path):
    said = call("--help", cwd=tmp_path).stdout
    titles = ["Read results:", "Share results:", "Configure:", "Pipeline steps (Snakemake calls this):"]
    places = [said.index(title) for title in titles]
    assert places == sorted(places)
    assert said.index("  verify ") < said.index("  adopt ") < said.index("  params ") < said.index("  run ")
    assert "…" not in said
    assert "..." not in said.split("Read results:")[1]


def test_an_unknown_subcommand_or_a_job_without_a_stamp_is_refused(tmp_path):
    assert call("trian", cwd=tmp_path).returncode == 2
    done = call("run", "train/nobody", cwd=tmp_path)
    assert_refused(done, "results/params/train/nobody.json: missing; write it with: simaudit stamps")
    assert not paths.log("train/nobody").exists()


def split(members=40, calibration=0.5, **knobs):
    return split_job("mine", SplitKnobs(dataset="d", members=members, calibration=calibration, **knobs))


def images(count):
    store("d", np.zeros((count, 1, 2, 2), np.float32))


def test_a_missing_input_is_one_line_with_the_command_that_makes_it():
    file = "data/prepared/d/items.parquet"
    assert_refused(run(split()), f"{file}: missing; make it with: snakemake --cores all {file}")


def test_duplicates_are_refused_naming_the_split_and_allowed_by_its_knob():
    images(80)
    assert_refused(run(split()), "params.yaml: splits.mine: ", "allow_duplicates: true")
    assert not paths.split("mine").exists()
    assert run(split(allow_duplicates=True)).returncode == 0
    assert paths.split("mine").exists()


def test_a_refusal_of_a_job_names_the_file_in_which_its_entry_is_written():
    images(80)
    files = [Path("params.yaml"), Path("mine.yaml")]
    files[0].write_text("splits: {mine: {dataset: d, members: 40}, other: {dataset: d, members: 40}}")
    files[1].write_text("splits: {mine: {calibration: 0.5}}")
    remember(files)
    assert_refused(run(split()), "mine.yaml: splits.mine: the same image")
    files[1].unlink()
    assert_refused(run(split()), "params.yaml: splits.mine: the same image")


def test_a_split_too_small_to_be_measured_is_refused_before_anything_is_trained():
    images(80)
    assert run(split(calibration=0.49, allow_duplicates=True)).returncode == 0  # 20 and 20
    words = "splits.mine: the calibration fold has 16 members and 16 held-out samples, and needs 20 of each"
    assert_refused(run(split(calibration=0.4, allow_duplicates=True)), "params.yaml: ", words)


def evaluation(audit, **columns):
    """The job that evaluates an attack whose statistics are these, by name of the column."""
    audit.blind()
    audit.nearest()
    statistics = {(10, name): values for name, values in columns.items()}
    file = audit.write_scores(paths.scores("t", "a"), "a", statistics)
    return evaluate_job(
        "t", "s", "verified", {"a": file}, {}, EvaluationKnobs(bootstrap=100, permutations=20)
    )


def test_scores_that_cannot_be_measured_are_refused_by_name():
    audit = new_audit(paths.RESULTS)
    good, nan = audit.telling(1), audit.telling(1)
    nan[7] = np.nan
    line = "a.parquet: the statistic is nan at timestep 10, variant "
    assert_refused(run(evaluation(audit, good=good, bad=nan)), line, "bad")
    done = run(evaluation(audit, good=good, bad=np.zeros(len(good))))
    assert_refused(done, "a: the statistic is the same for all samples", "bad")
    assert not paths.of_target("summary", "t").exists()


def test_results_that_are_missing_are_one_line_with_the_command_that_makes_them():
    contexts = {"t": {"group": "t", "control": None, "reference": None}}
    file = "results/evaluation/t.json"
    done = run(compare_job(contexts, [], EvaluationKnobs()))
    assert_refused(done, f"{file}: missing; make it with: snakemake --cores all {file}")
    assert_refused(run(numbers_job([Path(file)], {})), f"{file}: missing")


@pytest.fixture
def scoring():
    """The job of an attack on a target of no weights that was trained on other members."""
    store("d", np.zeros((20, 1, 2, 2), np.float32))
    write_split(paths.split("s"), make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0))
    summary = {"members": {"sha256": "other", "split": "theirs.parquet"}, "files": {}, "kind": "ddpm"}
    write_json(paths.target("t") / "training.json", summary)
    params = load([ROOT / "params.yaml"])
    reads = {"images": paths.images("d"), "split": paths.split("s"), "target": paths.target("t")}
    return score_job(
        "t", "sima", params.attacks["sima"], params.scoring, reads, params.targets["digits-ddpm"]
    )


def test_a_split_that_a_target_was_not_trained_on_is_refused(scoring):
    assert_refused(run(scoring), "results/targets/t: was trained on other members", "theirs.parquet")


def test_a_target_with_a_missing_weight_file_is_refused(scoring):
    file = paths.target("t") / "training.json"
    write_json(file, json.loads(file.read_text()) | {"files": {"unet/weights": "0" * 64}})
    assert_refused(run(scoring), "results/targets/t/unet/weights: missing")


def test_the_log_holds_the_line_too_and_a_failed_job_leaves_no_record(scoring):
    run(scoring)
    assert "was trained on other members" in paths.log(scoring.name).read_text()
    assert not paths.record(scoring.name).exists()


def test_a_job_leaves_its_record_with_what_it_ran_on_and_its_run_log():
    images(80)
    job = split(allow_duplicates=True)
    assert run(replace(job, speed={"threads": 3})).returncode == 0
    record = json.loads(paths.record("split/mine").read_text())
    assert record["command"] == ["simaudit", "run", "split/mine"]
    assert set(record["inputs"]) == {"results/params/split/mine.json", "data/prepared/d/items.parquet"}
    assert set(record["outputs"]) == {"data/splits/mine.parquet"}
    assert record["speed"] == {"threads": 3}
    assert {"numpy", "pandas", "pyarrow"} <= set(record["environment"]["versions"])
    log = json.loads(paths.log("split/mine").with_suffix(".run.json").read_text())
    assert log["seconds"] >= 0
    assert set(log) >= {"started", "host", "commit", "dirty", "peak_memory_kb"}


def test_a_bug_is_one_line_and_its_traceback_is_in_the_log():
    images(80)
    job = replace(
        split(allow_duplicates=True), params={}
    )  # knobs are missing: a bug, and no mistake of a user
    done, log = run(job), paths.log(job.name)
    assert done.returncode == 1
    line = "split/mine: KeyError: 'name'; this is a bug: please report it, with the traceback in "
    assert done.stderr == f"{line}{log}\n"
    assert "Traceback" in log.read_text()
    assert log.read_text().endswith(done.stderr)  # Snakemake shows the last line
    assert not paths.record(job.name).exists()
