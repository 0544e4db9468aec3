"""What `snakemake --cores all` promises: everything once, then exactly what a change concerns."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import yaml

from simaudit.scoring.score_file import Scores

pytestmark = pytest.mark.workflow

TARGETS = {
    "digits-ddpm": ["loss", "pia", "sima"],
    "digits-untrained": ["sima"],
    "digits-optimal": ["sima"],
    "digits-ldm": ["pullback", "reconstruction"],
}
WITH_SIMA = ["digits-ddpm", "digits-untrained", "digits-optimal"]
FIGURES = {
    "digits-ddpm": ["metrics_over_time", "nearest_member", "roc_loglog", "samples"],
    "digits-untrained": ["roc_loglog"],
    "digits-optimal": ["roc_loglog"],
    "digits-ldm": ["samples"],  # and norms, which it has none of
}
OF_RUN = {
    f"results/figures/run/{name}.pdf"
    for name in ("closed_form_line", "forest", "over_epochs", "published_beside")
}
INDEX = "results/report/index.html"
SUMMING_UP = {"compare", "numbers", "tables", "verdict", "report"}


def scores(target="digits-ddpm"):
    return {f"results/scores/{target}/{attack}.parquet" for attack in TARGETS[target]}


def figures(target="digits-ddpm"):
    return {f"results/figures/{target}/{name}.pdf" for name in FIGURES[target]}


def after_training(*targets):
    """The processes that run again when these targets change, their training apart."""
    return {f"score/{target}" for target in targets} | after_scores(*targets)


def after_scores(*targets):
    """The processes that run again when scores of these targets change."""
    of_audits = {f"{process}/{target}" for process in ("evaluation", "figures") for target in targets}
    return of_audits | SUMMING_UP | {"figures/run"}


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
    asked = OF_RUN.union(*map(figures, TARGETS))
    found = {
        path.relative_to(finished.path).as_posix() for path in finished.path.glob("results/figures/*/*.pdf")
    }
    assert found == asked
    for figure in asked:
        assert (finished.path / figure).stat().st_size > 5000
        assert (finished.path / figure).with_suffix(".png").stat().st_size > 5000
        assert (finished.path / figure).with_suffix(".csv").stat().st_size > 100
        assert json.loads((finished.path / figure).with_suffix(".json").read_text())["title"]
    assert "Nothing to be done" in finished.snakemake("-n").stdout


def test_a_deleted_figure_is_drawn_again_for_the_page_and_comes_back_byte_for_byte(results):
    figure = results.path / "results/figures/digits-ddpm/roc_loglog.png"
    before = digest(figure)
    figure.unlink()
    assert results.due() == {"figures/digits-ddpm", "report"}
    results.snakemake()
    assert results.done_by("figures/digits-ddpm") == ["figure/digits-ddpm/roc_loglog"]
    assert digest(figure) == before
    assert results.due() == set()


def test_every_number_has_limits_and_the_report_says_first_which_controls_passed(finished):
    numbers = json.loads((finished.path / "results/numbers.json").read_text())
    assert "digits-ddpm.sima.auc" in numbers
    measured = {name: number for name, number in numbers.items() if not name.startswith("published.")}
    for name, number in measured.items():
        if number["low"] is None:  # a difference, of too small a tail to have limits
            assert number["tail_too_small"], name
        else:
            assert number["low"] <= number["value"] <= number["high"], name
    controls = json.loads((finished.path / "results/comparison/controls.json").read_text())
    assert {control["kind"] for control in controls["controls"]} == {
        "blind",
        "permutation",
        "sets",
        "untrained",
        "optimal",
    }
    page = (finished.path / INDEX).read_text()
    first = " ".join(re.sub("<[^>]+>", "", page[page.index("<main") : page.index("<table")]).split())
    known = json.loads((finished.path / "results/verdict.json").read_text())
    every = len(controls["controls"])
    assert f"{every} of {every} controls passed, so the measurement can be trusted." in first
    assert set(known["audits"]) == set(controls["verdicts"])
    assert all(line.removeprefix("What to do:").strip() in unescape(first) for line in known["lines"])
    assert f"commit {known['commit'][:8]}" in first


def test_one_attacks_parameter_reruns_scores_evaluation_and_figures_of_those_it_is_run_on(results):
    results.change("attacks.sima.norms", [2])
    assert results.due() == after_training(*WITH_SIMA)
    results.change("attacks.sima.norms", [1, 2, 4, "inf"])  # as before
    assert results.due() == set()


def test_the_training_seed_reruns_everything_after_the_split(results):
    results.change("targets.digits-ddpm.training.seed", 1)
    assert results.due() == {"train/digits-ddpm"} | after_training("digits-ddpm")


def files(repository):
    """When each file of a run was written, and what is in it."""
    every = [
        path for folder in ("data", "results", "workflow") for path in (repository.path / folder).rglob("*")
    ]
    return {path: (path.stat().st_mtime_ns, digest(path)) for path in every if path.is_file()}


def test_a_dry_run_writes_nothing_and_neither_does_a_run_beside_another(results):
    before = files(results)
    results.change("attacks.sima.norms", [2])
    assert "Its parameters or its code have changed" in results.snakemake("-n").stdout
    assert files(results) == before
    with (results.path / ".snakemake/alive").open("a+") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # as a Snakemake holds it that runs by what was asked before
        done = results.run("snakemake", "--cores", "all")
        assert done.returncode == 2
        assert "sima.json: another Snakemake runs in this folder by other parameters or code" in done.stderr
        assert "a Snakemake is running in this folder" in results.run("simaudit", "stamps").stderr
    assert files(results) == before


def test_results_without_snakemakes_account_of_them_are_not_taken_for_what_is_asked_now(results):
    shutil.rmtree(results.path / ".snakemake")
    assert "Nothing to be done" in results.snakemake("-n").stdout
    results.change("attacks.sima.norms", [2])
    done = results.run("snakemake", "--cores", "all")
    assert done.returncode == 2
    assert "7 jobs were done by other parameters or code, first score/digits-ddpm/sima" in done.stderr


def test_a_missing_file_makes_its_job_due(results):
    missing = [
        "results/scores/digits-optimal/sima.parquet",
        "results/cost/digits-untrained/sima.json",
        "results/targets/digits-ldm/unet/config.json",
        "results/evaluation/selected/digits-ddpm.parquet",
        "results/figures/run/over_epochs.csv",
        "results/records/compare.json",
    ]
    for file in missing:
        (results.path / file).unlink()
    said = results.snakemake("-n").stdout
    assert set(re.findall("Missing output files: ([^;\n]*)", said)) == set(missing)


def test_what_was_edited_is_refused_by_the_next_job_and_made_again_by_the_command_that_verify_says(results):
    quality, table = "results/evaluation/quality/digits-ddpm.json", "results/tables/run/quality.md"
    before = digest(results.path / quality), digest(results.path / table)
    content = json.loads((results.path / quality).read_text())
    content["frechet"]["to_members"]["value"] += 1
    (results.path / quality).write_text(json.dumps(content))
    (results.path / table).unlink()
    done = results.run("snakemake", "--cores", "all")
    assert done.returncode != 0
    assert f"{quality}: not what quality/digits-ddpm made; make it again with: " in done.stderr
    said = results.run("simaudit", "verify", "--all")
    assert said.returncode == 1
    assert any(line.startswith(f"distance: to_members in {quality}: ") for line in said.stdout.splitlines())
    [again] = re.findall("make the files again with: (.*)", said.stderr)
    assert results.run(*again.split()).returncode == 0
    assert (digest(results.path / quality), digest(results.path / table)) == before
    assert results.run("simaudit", "verify", "--all").returncode == 0
    assert results.due() == set()


def test_the_figures_of_a_target_that_lost_its_results_rerun_what_they_need(results):
    """One evaluation is gone: it is done again, from scores that are still there, and so are figures of it."""
    shutil.rmtree(results.path / "results/figures/digits-ddpm")
    (results.path / "results/evaluation/digits-ddpm.parquet").unlink()
    before = digest(results.path / "results/evaluation/digits-ddpm.json")
    done = results.snakemake("figures_digits-ddpm")
    assert set(re.findall(r"^\[.*?\] (\w+)", done.stderr, flags=re.MULTILINE)) == {"evaluation", "figures"}
    assert results.done_by("evaluation/digits-ddpm") == ["evaluate/digits-ddpm"]
    assert all((results.path / figure).exists() for figure in figures())
    assert digest(results.path / "results/evaluation/digits-ddpm.json") == before
    assert results.due() == set()


def test_a_run_of_one_target_says_what_it_lacks(results):
    values = yaml.safe_load((results.path / "params.yaml").read_text())
    for section in ("targets", "audits"):
        results.change(section, {"digits-ddpm": values[section]["digits-ddpm"]})
    results.snakemake()
    assert results.due() == set()
    left = {path.name for path in (results.path / "results/figures/run").glob("*.pdf")}
    assert left == {"closed_form_line.pdf", "forest.pdf", "over_epochs.pdf", "published_beside.pdf"}
    listed = results.run("simaudit", "figures").stdout
    assert "run/against_reference: not drawn, needs a latent target" in listed
    assert "run/over_beta: not drawn, needs autoencoders of two β or more" in listed


def test_an_intermediate_checkpoint_is_saved_and_evaluated(finished):
    epochs = json.loads((finished.path / "results/evaluation/epochs/digits-ddpm.json").read_text())["epochs"]
    assert set(epochs) == {"2"}
    numbers = json.loads((finished.path / "results/numbers.json").read_text())
    assert (
        numbers["digits-ddpm.epochs.2.sima.auc"]["value"]
        == epochs["2"]["attacks"]["sima"]["selected"]["auc"]["value"]
    )


def test_tables_say_how_autoencoders_compare_and_how_good_samples_are(finished):
    tables = finished.path / "results/tables"
    assert "| adversarial | β = 0.01 | digits-ldm | " in (tables / "run/autoencoders.md").read_text()
    assert "| digits-ldm | " in (tables / "run/quality.md").read_text()
    assert {path.name for path in tables.iterdir() if path.is_dir()} == {"run", *TARGETS}


def test_a_clone_runs_its_own_code_wherever_the_package_was_installed_from(results):
    """As with `dvc exp run --temp` or a git worktree, which share an environment with the original."""
    results.append("src/simaudit/report/tables/forms.py", "\nlen(__name__)\n")
    environment = {key: value for key, value in results.environment().items() if key != "PYTHONPATH"}
    command = ["snakemake", "--cores", "1", "results/tables"]
    done = subprocess.run(command, cwd=results.path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "tables" in done.stderr + done.stdout
    record = json.loads((results.path / "results/records/tables.json").read_text())
    stamp = json.loads((results.path / "results/params/tables.json").read_text())
    assert record["code"] == stamp["code"]
    assert results.run("simaudit", "verify", "results/tables/run/verdicts.csv").returncode == 0
    assert results.due() == set()


def test_a_newer_file_with_the_same_content_reruns_nothing(results):
    for path in (results.path / "data").rglob("*.*"):
        os.utime(path)
    for path in (results.path / "results/targets").rglob("*.*"):
        os.utime(path)
    assert results.due() == set()


def test_a_wrong_parameter_is_one_line_before_any_job_starts(fresh):
    fresh.change("targets.digits-ddpm.training.batch_size", 0)
    done = fresh.run("snakemake", "--cores", "all")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "profile" not in line]
    assert lines == ["params.yaml: targets.digits-ddpm.training.batch_size: must be greater than 0 (got 0)"]
    assert not (fresh.path / "data/prepared").exists()


def test_the_smoke_experiment_asks_for_the_same_as_its_values_in_params_yaml(fresh, finished):
    fresh.run("git", "checkout", "-q", "params.yaml")
    configs = ("--config", "params.yaml", "--config", "experiments/smoke.yaml")
    done = fresh.run("simaudit", "stamps", *configs)
    assert done.returncode == 0, done.stderr
    asked, known = fresh.path / "results/params", finished.path / "results/params"
    stamps = sorted(path.relative_to(asked) for path in asked.rglob("*.json"))
    assert stamps == sorted(path.relative_to(known) for path in known.rglob("*.json"))
    assert all((asked / stamp).read_text() == (known / stamp).read_text() for stamp in stamps)


def test_killed_while_training_it_resumes_to_the_same_weights(results, tmp_path):
    results.change("targets.digits-ddpm.training.epochs", 60)
    shutil.rmtree(results.path / "results/targets/digits-ddpm")
    whole = results.copy(tmp_path / "whole")
    weights = "results/targets/digits-ddpm/unet/diffusion_pytorch_model.safetensors"

    process = results.start("snakemake", "--cores", "all", weights)
    kill_when(results.path / "results/checkpoints", "digits-ddpm/denoiser.pt", process)
    assert not (results.path / weights).exists()
    results.snakemake(weights)  # the killed one's lock is no obstacle
    assert "resuming at step" in (results.path / "results/logs/train/digits-ddpm.log").read_text()

    whole.snakemake(weights)
    assert digest(results.path / weights) == digest(whole.path / weights)
    assert not (results.path / "results/checkpoints/digits-ddpm").exists()


def test_killed_while_scoring_it_accepts_no_partial_file_and_finishes(results):
    file = results.path / "results/scores/digits-ddpm/sima.parquet"
    expected = Scores.read(file)
    results.change("scoring.batch_size", 2)  # so slow that it can be killed
    file.unlink()
    process = results.start("snakemake", "--cores", "all", "results/scores/digits-ddpm/sima.parquet")
    kill_when(file.parent, ".sima.parquet.*.partial", process)
    assert not file.exists()
    results.snakemake("results/scores/digits-ddpm/sima.parquet")
    np.testing.assert_allclose(Scores.read(file).statistic, expected.statistic, rtol=1e-4)
    assert {entry.name for entry in file.parent.iterdir()} == {Path(path).name for path in scores()} | {
        "epochs"
    }


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
    results.add_the_attack_of_the_docs()
    results.change("audits.digits-ddpm.attacks", [*TARGETS["digits-ddpm"], "my_attack"])
    file = "results/scores/digits-ddpm/my_attack.parquet"
    assert results.due() == after_training("digits-ddpm")
    results.snakemake()
    assert results.done_by("score/digits-ddpm") == [
        "score/digits-ddpm/my_attack",
        "own_statistics/digits-ddpm",
    ]
    assert Scores.read(results.path / file).statistic.shape == (1, 1797)
    summary = json.loads((results.path / "results/evaluation/digits-ddpm.json").read_text())
    assert summary["attacks"]["my_attack"]["selected"]["queries"] == 1
    assert "| my_attack |" in (results.path / "results/tables/digits-ddpm/attacks.md").read_text()
    assert "digits-ddpm.my_attack.auc" in (results.path / "results/numbers.json").read_text()
    roc = (results.path / "results/figures/digits-ddpm/roc_loglog.pdf").read_bytes()
    assert results.due() == set()
    results.change("audits.digits-ddpm.attacks", TARGETS["digits-ddpm"])
    results.snakemake("figures_digits-ddpm")
    assert (results.path / "results/figures/digits-ddpm/roc_loglog.pdf").read_bytes() != roc


def test_a_score_file_that_lost_its_end_is_named(results):
    file = results.path / "results/scores/digits-ddpm/sima.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    done = results.run("snakemake", "--cores", "all")
    assert done.returncode != 0
    assert "results/scores/digits-ddpm/sima.parquet: not what score/digits-ddpm/sima made" in done.stderr
    assert "Traceback" not in done.stderr
