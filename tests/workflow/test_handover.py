"""From author to reviewer: what one made with Snakemake, DVC carries to another, who checks it and works on."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from repositories import GIT, Repository

pytestmark = pytest.mark.workflow

OPTIMAL = "targets.digits-optimal.schedule"
ITS_CHAIN = {f"{stage}@digits-optimal" for stage in ("train", "score", "evaluate")}


def ok(repository, *command):
    done = repository.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def stages_of(done):
    return set(re.findall(r"Running stage '([^']+)'", done.stdout))


@pytest.fixture(scope="module")
def author(finished, tmp_path_factory):
    """A direct Snakemake run that DVC adopted, committed and pushed to a shared folder."""
    folder = tmp_path_factory.mktemp("author")
    repository = finished.copy(folder / "repository")
    ok(repository, "dvc", "remote", "add", "--default", "shared", str(folder / "remote"))
    ok(repository, "simaudit", "adopt")
    ok(repository, "dvc", "push")
    for command in (["add", "-A"], ["commit", "-qm", "results"]):
        subprocess.run([*GIT, *command], cwd=repository.path, check=True)
    return repository


@pytest.fixture(scope="module")
def pulled(author, tmp_path_factory):
    """A reviewer's clone. Shared: copy it before changing anything."""
    path = tmp_path_factory.mktemp("reviewer") / "clone"
    subprocess.run(["git", "clone", "-q", str(author.path), str(path)], check=True)
    repository = Repository(path)
    ok(repository, "dvc", "pull")
    ok(repository, "simaudit", "restore")
    return repository


@pytest.fixture
def clone(pulled, tmp_path):
    return pulled.copy(tmp_path / "clone")


def test_what_snakemake_made_is_adopted_and_neither_engine_has_anything_to_do(author):
    assert "up to date" in ok(author, "dvc", "status").stdout
    assert author.due() == set()


def test_a_clone_that_pulled_and_restored_has_nothing_to_do(pulled):
    assert pulled.due() == set()
    assert "up to date" in ok(pulled, "dvc", "status").stdout
    assert stages_of(ok(pulled, "dvc", "repro")) == set()


def test_a_reviewer_traces_and_verifies_a_number_of_the_pulled_run(pulled):
    found = json.loads(ok(pulled, "simaudit", "trace", "digits-ddpm.sima.auc", "--json").stdout)
    assert "results/tables/digits-ddpm/attacks.csv" in found["printed_in"]
    assert found["chain"]["job"] == "evaluate/digits-ddpm"
    assert {step["job"] for step in found["chain"]["before"]} >= {
        "score/digits-ddpm/sima",
        "blind/digits-300",
    }
    ok(pulled, "simaudit", "verify", "digits-ddpm.sima.auc")
    assert ok(pulled, "simaudit", "verify", "--all").stdout == ""


def test_a_stage_that_is_run_again_in_a_clean_clone_makes_the_same(pulled):
    done = ok(pulled, "simaudit", "verify", "--rerun", "score:digits-optimal")
    assert "score/digits-optimal/sima, run again" in done.stderr


def test_code_that_makes_something_else_is_found_by_running_again(clone):
    module = clone.path / "src/simaudit/attacks/threshold/sima.py"
    module.write_text(
        module.read_text().replace("target.predict_noise(point, t)", "2 * target.predict_noise(point, t)")
    )
    subprocess.run([*GIT, "commit", "-qam", "another statistic"], cwd=clone.path, check=True)
    done = clone.run("simaudit", "verify", "--rerun", "score:digits-optimal/sima")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "rerun: results/scores/digits-optimal/sima.parquet (of score/digits-optimal/sima): "
    )


def test_a_changed_byte_is_found_and_dvc_says_so_too(clone):
    file = clone.path / "results/evaluation/digits-ddpm.json"
    content = file.read_text()
    file.unlink()  # it may be a link into the cache
    file.write_text(content.replace('"selection"', '"Selection"'))
    done = clone.run("simaudit", "verify", "--all")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any(
        line.startswith("file: results/evaluation/digits-ddpm.json (of evaluate/digits-ddpm)")
        for line in lines
    )
    assert any(line.startswith("dvc.lock: results/evaluation/digits-ddpm.json") for line in lines)
    restored = clone.run("simaudit", "restore")
    assert restored.returncode == 2
    assert "stages differ from dvc.lock" in restored.stderr


def test_what_is_not_finished_is_not_adopted(clone):
    (clone.path / "results/figures/digits-ddpm/samples.pdf").unlink()
    done = clone.run("simaudit", "adopt")
    assert done.returncode == 2
    assert "before it can be adopted, " in done.stderr
    assert "jobs are left (figures_digits-ddpm" in done.stderr


@pytest.mark.parametrize("link", ["copy", "hardlink", "symlink"])
def test_one_targets_parameter_reruns_its_chain_alone_whatever_links_the_cache(clone, link):
    ok(clone, "dvc", "config", "--local", "cache.type", link)
    ok(clone, "dvc", "checkout", "--relink")
    other = clone.path / "results/scores/digits-ddpm/sima.parquet"
    before, mine = (
        other.read_bytes(),
        (clone.path / "results/scores/digits-optimal/sima.parquet").read_bytes(),
    )
    clone.change(f"{OPTIMAL}.beta_end", 0.03)
    done = ok(clone, "dvc", "repro", "evaluate@digits-optimal")
    assert stages_of(done) == {"params"} | ITS_CHAIN
    assert (clone.path / "results/scores/digits-optimal/sima.parquet").read_bytes() != mine
    assert other.read_bytes() == before
    assert not {name for name in clone.due() if "digits-ddpm" in name or "digits-ldm" in name}
    ok(clone, "dvc", "checkout", "--force", "results/scores/digits-ddpm")
    assert other.read_bytes() == before  # the cache was not written through a link


def test_an_experiment_in_a_folder_of_its_own_is_shown_beside_the_run(clone):
    norms = "attacks.sima.norms"
    ok(clone, *("dvc", "exp", "run", "--temp", "--name", "other", "-S", f"{norms}=[2]", "verdict"))
    assert clone.due() == set()
    diff = json.loads(ok(clone, "dvc", "exp", "diff", "HEAD", "other", "--json").stdout)
    assert diff["params"]["params.yaml"][norms]["new"] == "[2]"
    auc = diff["metrics"]["results/summary.json"]["auc"]
    assert auc["old"] != auc["new"]
    whole, short = (
        ok(clone, "dvc", "exp", "show", *options, "--csv").stdout.splitlines()[0].split(",")
        for options in ((), ("--only-changed", "--drop", "results/"))
    )
    first = [name for name in whole if name not in ("Experiment", "rev", "typ", "Created", "parent")]
    assert set(first[:11]) == json.loads((clone.path / "results/summary.json").read_text()).keys()
    assert {"auc", norms} <= set(short)
    assert len(short) < 20


@pytest.fixture
def s3(monkeypatch):
    """A server on loopback that speaks S3, with one bucket; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for key, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(key, value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                boto3.client("s3", endpoint_url=address).create_bucket(Bucket="audit")
                break
            except EndpointConnectionError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield address
    finally:
        server.kill()
        server.wait()


def test_a_remote_that_speaks_s3_gives_back_what_was_pushed(clone, s3):
    ok(clone, "dvc", "remote", "add", "cloud", "s3://audit/runs")
    ok(clone, "dvc", "remote", "modify", "cloud", "endpointurl", s3)
    ok(clone, "dvc", "push", "--remote", "cloud")
    for folder in ("data/prepared", "data/splits", "results", ".dvc/cache"):
        shutil.rmtree(clone.path / folder)
    ok(clone, "dvc", "pull", "--remote", "cloud")
    ok(clone, "simaudit", "restore")
    ok(clone, "simaudit", "verify", "--all")


def test_pictures_are_shown_by_a_page_that_fetches_nothing(pulled, tmp_path):
    template = str(tmp_path / "template.html")
    ok(pulled, sys.executable, "workflow/plots_page.py", template)
    ok(pulled, "dvc", "plots", "show", "--html-template", template, "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text()
    assert "results_figures_digits-ddpm_roc_loglog.png" in page
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=.?http", page)
