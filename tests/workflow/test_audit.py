"""`simaudit audit` as the owner of a model runs it: killed once and gone on with, its files, its exit codes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from repositories import ROOT

from owning import rows, save_list, save_model, save_pictures, state

pytestmark = pytest.mark.workflow

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
ENVIRONMENT = {**os.environ, "PATH": PATH, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
KNOWN = ("--model", "net", "--images", "my pictures", "--members", "members.csv", "--attacks", "sima")


def command(*options):
    return [sys.executable, "-m", "simaudit", "audit", *KNOWN, *options]


def audit(home, *options):
    return subprocess.run(command(*options), cwd=home, env=ENVIRONMENT, capture_output=True, text=True)


def kill_when(path, home):
    """Start the audit, and kill all its processes when a file is there."""
    started = subprocess.Popen(
        command(),
        cwd=home,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not path.exists():
        assert started.poll() is None
        time.sleep(0.1)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of an owner after an audit that was killed once, what it printed, and what was there before."""
    home = tmp_path_factory.mktemp("ö wner")
    save_model(home / "net")
    save_pictures(home / "my pictures")
    save_list(home / "members.csv")
    before = state(home)
    kill_when(home / "audit-net/results/records/split/images.json", home)
    prepared = (home / "audit-net/data/prepared/images/images.npy").stat().st_mtime_ns
    done = audit(home, "--fail-above", "auc=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "audit-net/data/prepared/images/images.npy").stat().st_mtime_ns == prepared
    return home, done, before


def test_the_verdict_comes_first_and_the_given_files_are_as_they_were(finished):
    home, done, before = finished
    after = [line for line in done.stdout[done.stdout.index("Output") :].splitlines()[1:] if line]
    assert after[0].startswith("net · measured on ")
    assert after[1].startswith("net ")
    assert after[2].startswith(
        "Shown one member and one other image, SimA (1 model call) picks the member in "
    )
    assert "net: members as stated by the owner of the model, not verified." in after
    assert any(line.startswith("Passed: auc is") for line in after)
    assert {name: kept for name, kept in state(home).items() if name.parts[0] != "audit-net"} == before


def test_scores_are_by_file_and_a_higher_one_is_more_like_a_member(finished):
    home, _, _ = finished
    scores = pd.read_csv(home / "audit-net/scores.csv").set_index("file")
    assert [f"{file},{row.role},{row.fold}" for file, row in scores.iterrows()] == rows()
    raw = pd.read_parquet(home / "audit-net/results/evaluation/selected/net.parquet")
    assert scores.membership_sima.to_numpy() == pytest.approx(-raw.sima.to_numpy())  # SimA is low for members
    assert list(scores) == ["sample_id", "role", "fold", "membership_sima"]


def test_in_its_folder_snakemake_has_nothing_to_do_and_provenance_holds(finished):
    home, _, _ = finished
    for words in (
        ["snakemake", "-n"],
        ["simaudit", "verify", "--all"],
        ["simaudit", "trace", "net.sima.auc"],
    ):
        done = subprocess.run(words, cwd=home / "audit-net", env=ENVIRONMENT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        if words[0] == "snakemake":
            assert "Nothing to be done" in done.stdout + done.stderr


def test_a_metric_above_its_limit_is_exit_code_3_and_nothing_is_done_twice(finished):
    home, _, _ = finished
    before = state(home / "audit-net/results")
    done = audit(home, "--fail-above", "auc=0.01")
    assert done.returncode == 3
    assert "FAILED: auc is" in done.stdout
    assert "Nothing to be done" in done.stdout + done.stderr
    assert state(home / "audit-net/results") == before


def test_a_refusal_is_exit_code_2(finished):
    home, _, _ = finished
    shutil.copy(home / "members.csv", home / "other.csv")
    done = audit(home, "--members", "other.csv")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(
        f"--output {home / 'audit-net'}: holds an audit of --members {home / 'members.csv'}"
    )


def test_a_job_that_is_refused_is_exit_code_2_with_its_log(finished, tmp_path):
    home, _, _ = finished
    copy = Path(shutil.copytree(home / "audit-net", tmp_path / "copy"))
    images = copy / "data/prepared/images/images.npy"
    images.write_bytes(images.read_bytes()[:-1] + b"?")
    done = audit(home, "--output", str(copy))
    assert done.returncode == 2
    assert "images.npy: not what prepare/images made; make it again with: snakemake" in done.stderr
    assert "its log: results/logs/" in done.stderr
