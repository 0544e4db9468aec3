"""What `snakemake --cores all` promises: everything once, then exactly what a change concerns."""

import hashlib
import json
import os
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from simaudit.attacks import attack_types
from simaudit.scores import Scores

pytestmark = pytest.mark.workflow

FIGURES = {
    f"results/figures/digits-ddpm/{name}.pdf"
    for name in ("metrics_over_time", "roc_loglog", "statistic_histogram")
}
SCORES = {f"results/scores/digits-ddpm/{attack}.parquet" for attack in attack_types()}
EVALUATION = {"results/evaluation/digits-ddpm.parquet"}
TARGET = {"results/targets/digits-ddpm/model_index.json"}


def kill_when(folder, pattern, process, seconds=120):
    """SIGKILL the whole process group as soon as a file of that pattern is in the folder."""
    deadline = time.monotonic() + seconds
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"ended before {pattern} appeared"
        assert time.monotonic() < deadline, f"{pattern} never appeared"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_figure_is_there_and_then_nothing_is_left_to_do(finished):
    for figure in FIGURES:
        assert (finished.path / figure).stat().st_size > 5000
        assert (finished.path / figure).with_suffix(".png").stat().st_size > 5000
    assert "Nothing to be done" in finished.snakemake("-n").stdout
    assert finished.due() == set()


def test_a_deleted_figure_is_one_job_and_comes_back_byte_for_byte(results):
    figure = results.path / "results/figures/digits-ddpm/roc_loglog.png"
    before = digest(figure)
    figure.unlink()
    assert results.due() == {"results/figures/digits-ddpm/roc_loglog.pdf"}
    results.snakemake()
    assert digest(figure) == before
    assert results.due() == set()


def test_one_attacks_parameter_reruns_its_scores_evaluation_and_figures(results):
    results.change("attacks.sima.norms", [2])
    assert results.due() == {"results/scores/digits-ddpm/sima.parquet"} | EVALUATION | FIGURES


def test_the_training_seed_reruns_everything_after_the_split(results):
    results.change("targets.digits-ddpm.training.seed", 1)
    assert results.due() == TARGET | SCORES | EVALUATION | FIGURES


def test_a_parameter_changed_back_reruns_nothing(results):
    results.change("attacks.sima.norms", [2])
    results.due()
    results.change("attacks.sima.norms", [1, 2, 4, "inf"])
    assert results.due() == set()


def test_a_comment_in_a_figure_module_redraws_that_figure_alone(results):
    results.append("src/simaudit/figures/roc_loglog.py", "\n# a remark\n")
    assert results.due() == {"results/figures/digits-ddpm/roc_loglog.pdf"}


def test_changed_training_code_trains_again(results):
    results.append("src/simaudit/training/loop.py", "\n# another optimiser, say\n")
    assert results.due() == TARGET | SCORES | EVALUATION | FIGURES


def test_words_for_people_rerun_nothing(results):
    for module in ("cli", "explain", "progress"):
        results.append(f"src/simaudit/{module}.py", "\n# a remark\n")
    assert results.due() == set()


def test_a_newer_file_with_the_same_content_reruns_nothing(results):
    for path in (results.path / "data").rglob("*.*"):
        os.utime(path)
    for path in (results.path / "results/targets").rglob("*.*"):
        os.utime(path)
    assert results.due() == set()


def test_the_report_holds_every_figure_with_its_caption(finished, tmp_path):
    finished.snakemake("--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as report:
        names = report.namelist()
        text = "".join(
            report.read(name).decode(errors="ignore") for name in names if name.endswith(("js", "html"))
        )
    for figure in FIGURES:
        assert any(name.endswith(Path(figure).stem + ".png") for name in names)
    assert "One panel a metric, one line an attack" in text


def test_a_wrong_parameter_is_one_line_before_any_job_starts(fresh):
    fresh.change("targets.digits-ddpm.training.batch_size", 0)
    done = fresh.run("snakemake", "--cores", "all")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "profile" not in line]
    assert lines == ["params.yaml: targets.digits-ddpm.training.batch_size: must be greater than 0 (got 0)"]
    assert not (fresh.path / "data").exists()


def test_the_smoke_overlay_asks_for_the_same_as_its_values_in_params_yaml(fresh, finished, tmp_path):
    fresh.run("git", "checkout", "-q", "params.yaml")
    done = fresh.run(
        *("snakemake", "-n", "--configfile", "config/smoke.yaml", "--directory", str(tmp_path / "elsewhere"))
    )
    assert done.returncode == 0, done.stderr
    asked, known = tmp_path / "elsewhere/results/params", finished.path / "results/params"
    stamps = sorted(path.relative_to(asked) for path in asked.rglob("*.json"))
    assert stamps == sorted(path.relative_to(known) for path in known.rglob("*.json"))
    assert all((asked / stamp).read_text() == (known / stamp).read_text() for stamp in stamps)


def test_killed_while_training_it_resumes_to_the_same_weights(fresh, tmp_path):
    fresh.change("targets.digits-ddpm.training.epochs", 60)
    whole = fresh.copy(tmp_path / "whole")
    weights = "results/targets/digits-ddpm/unet/diffusion_pytorch_model.safetensors"

    process = fresh.start("snakemake", "--cores", "all", weights)
    kill_when(fresh.path / "results/checkpoints", "digits-ddpm.pt", process)
    assert not (fresh.path / weights).exists()
    fresh.snakemake(weights)  # the killed one's lock is no obstacle
    assert "resuming at step" in (fresh.path / "results/logs/train/digits-ddpm.log").read_text()

    whole.snakemake(weights)
    assert digest(fresh.path / weights) == digest(whole.path / weights)
    assert not (fresh.path / "results/checkpoints/digits-ddpm.pt").exists()


def test_killed_while_scoring_it_accepts_no_partial_file_and_finishes(results):
    scores = results.path / "results/scores/digits-ddpm/sima.parquet"
    expected = Scores.read(scores)
    results.change("scoring.batch_size", 2)
    process = results.start("snakemake", "--cores", "all", "results/scores/digits-ddpm/sima.parquet")
    kill_when(scores.parent, ".sima.parquet.*.partial", process)
    assert not scores.exists()
    results.snakemake("results/scores/digits-ddpm/sima.parquet")
    np.testing.assert_allclose(Scores.read(scores).statistic, expected.statistic, rtol=1e-4)
    assert sorted(file.name for file in scores.parent.iterdir()) == [
        Path(path).name for path in sorted(SCORES)
    ]


def test_two_runs_at_once_are_refused(fresh):
    fresh.change("targets.digits-ddpm.training.epochs", 100000)
    process = fresh.start("snakemake", "--cores", "all")
    try:
        while not list((fresh.path / ".snakemake").glob("locks/*.lock")):
            assert process.poll() is None
            time.sleep(0.05)
        second = fresh.run("snakemake", "--cores", "all")
        assert second.returncode != 0
        assert "cannot be locked" in second.stdout + second.stderr
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_an_attack_of_the_users_own_is_one_file_and_one_entry(results):
    results.add_the_attack_of_the_readme()
    scores = "results/scores/digits-ddpm/my_attack.parquet"
    assert results.due() == {scores} | EVALUATION | FIGURES
    results.snakemake()
    assert Scores.read(results.path / scores).statistic.shape == (1, 1797)
    summary = json.loads((results.path / "results/evaluation/digits-ddpm.json").read_text())
    assert summary["attacks"]["my_attack"]["selected"]["queries"] == 1
    roc = (results.path / "results/figures/digits-ddpm/roc_loglog.pdf").read_bytes()
    assert results.due() == set()
    results.change("attacks.my_attack", None)
    results.snakemake()
    assert (results.path / "results/figures/digits-ddpm/roc_loglog.pdf").read_bytes() != roc


def test_a_score_file_that_lost_its_end_is_named(results):
    scores = results.path / "results/scores/digits-ddpm/sima.parquet"
    scores.write_bytes(scores.read_bytes()[:-100])
    done = results.run("snakemake", "--cores", "all")
    assert done.returncode != 0
    assert "results/scores/digits-ddpm/sima.parquet: not a whole score file" in done.stderr
    assert "Traceback" not in done.stderr
