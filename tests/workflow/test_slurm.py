"""What profiles/slurm promises, on a real Slurm of one node that is started for these tests and stopped after them."""

import os
import re
import signal
import time

import pytest
import yaml
from one_node_slurm import OneNodeSlurm, missing

pytestmark = pytest.mark.workflow

CHECKPOINT = "results/checkpoints/digits-ddpm/denoiser.pt"
SITE = {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 1}
"""What docs/cluster.md tells a site without accounting to set, in a profile of its own; and no time to lose."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if lacking := missing():
        reason = f"no {', '.join(lacking)} here; on Debian: apt-get install slurm-wlm munge"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with OneNodeSlurm(tmp_path_factory.mktemp("slurm")) as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        yield cluster


@pytest.fixture(scope="module")
def clone(slurm, module_clone):
    """The smoke parameters for one DDPM, which trains long enough to be interrupted.

    Slurm and the executor take ten seconds and more for each job in a chain, too long for fifty of them in a test.
    """
    file = module_clone.path / "params.yaml"
    values = yaml.safe_load(file.read_text())
    target = values["targets"]["digits-ddpm"]
    target["training"] |= {"intermediate_epochs": [], "epochs": 200, "checkpoint_every": 100}
    values["targets"] = {"digits-ddpm": target}
    values["audits"] = {
        "digits-ddpm": {"target": "digits-ddpm", "attacks": ["sima"], "figures": ["roc_loglog"]}
    }
    values["figures"] = {"roc_loglog": values["figures"]["roc_loglog"]}
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    module_clone.run("simaudit", "stamps")  # names of stages for DVC
    (module_clone.path / "site.yaml").write_text(yaml.safe_dump(SITE))
    return module_clone


def on_slurm(*arguments):
    return ("snakemake", "--profile", "profiles/slurm", "--profile", "site.yaml", *arguments)


def written(repository):
    """When each file that the workflow has made was written, stamps and logs apart."""
    made = [*repository.path.glob("data/**/*.*"), *repository.path.glob("results/[!pl]*/**/*.*")]
    return {path: path.stat().st_mtime_ns for path in made if path.is_file()}


@pytest.fixture(scope="module")
def finished_after_a_kill(slurm, clone):
    """A run whose controller is killed while a target trains, and that is started again."""
    controller = clone.start(*on_slurm())
    deadline = time.monotonic() + 180
    while not (clone.path / CHECKPOINT).exists():
        assert controller.poll() is None, "ended before there was a checkpoint"
        assert time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.05)
    os.killpg(controller.pid, signal.SIGKILL)
    controller.wait()

    refused = clone.run(*on_slurm())
    left = slurm("squeue", "--noheader", "--format=%A").split()
    slurm("scancel", *left)
    while slurm("squeue", "--noheader"):
        time.sleep(0.2)
    before = written(clone)
    done = clone.run(*on_slurm())
    assert done.returncode == 0, done.stdout + done.stderr
    return refused, left, before, done


def test_nothing_starts_beside_the_jobs_of_a_killed_controller(finished_after_a_kill):
    refused, left, _, _ = finished_after_a_kill
    assert refused.returncode == 2
    assert re.search(rf"still in this folder: .*\b{left[-1]}\b.*; wait .* scancel ", refused.stderr)


def test_a_killed_controller_resumes_to_the_end_and_does_nothing_twice(clone, finished_after_a_kill):
    _, _, before, done = finished_after_a_kill
    assert "resuming at step" in (clone.path / "results/logs/train/digits-ddpm.log").read_text()
    after = written(clone)
    kept = {path for path in before if "checkpoints" not in path.parts}
    assert {path.name for path in kept} >= {"images.npy", "digits-300.parquet"}
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}
    assert (clone.path / "results/report/index.html").exists()
    assert (clone.path / "results/figures/digits-ddpm/roc_loglog.pdf").exists()
    ran = set(re.findall(r"^\[.*?\] (\w+)", done.stderr, flags=re.MULTILINE))
    assert {"train", "score", "evaluation", "figures", "report"} <= ran
    assert (done.stdout + done.stderr).count("has been submitted with SLURM jobid") >= len(ran)
    assert clone.due() == set()


def test_a_failing_job_is_a_failure_with_its_own_words(clone, finished_after_a_kill):
    file = clone.path / "results/scores/digits-ddpm/sima.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    done = clone.run(*on_slurm("results/evaluation/digits-ddpm.json"))
    file.write_bytes(whole)
    assert done.returncode != 0
    shown = done.stdout + done.stderr
    assert "FAILED evaluation digits-ddpm" in shown
    assert "log: results/logs/evaluation/digits-ddpm.log\n" in shown
    assert "results/scores/digits-ddpm/sima.parquet: not what score/digits-ddpm/sima made" in shown


def test_a_dvc_stage_is_a_slurm_job_too(slurm, clone, finished_after_a_kill):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAKEMAKE_PROFILE", "[profiles/slurm, site.yaml]")
        done = clone.run("dvc", "repro", "prepare@digits")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has been submitted with SLURM jobid" in done.stdout + done.stderr
    ended = slurm("squeue", "--states=all", "--noheader", "--format=%T %k").splitlines()
    assert ended.count("COMPLETED rule_prepare_wildcards_digits") == 2  # before, and under DVC


def test_a_job_whose_device_is_cuda_asks_for_a_gpu(fresh):
    fresh.change("scoring.device", "cuda")
    shown = fresh.snakemake("-n", "-p", "results/scores/digits-ddpm/sima.parquet").stdout
    asked = dict(
        re.findall(r"^rule ([\w-]+):.*?^    resources: (.*?)$", shown, flags=re.MULTILINE | re.DOTALL)
    )
    assert "gpu=1" in asked["score_digits-ddpm"]
    assert "gpu=0" in asked["train_ddpm"]
    assert "gpu" not in asked["split"]
