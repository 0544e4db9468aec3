"""Jobs run again in a clean clone: which ones, from what, and what is said of what they make."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from storing import store

from simaudit.cli import simaudit
from simaudit.data.split import make_split, write_split
from simaudit.plan.load import load
from simaudit.provenance import checks, stamps
from simaudit.provenance.records import read_records, write_record
from simaudit.provenance.rerun import alike, same
from simaudit.storage.json import read_json, write_json
from simaudit.targets.families.ddpm import DDPM
from simaudit.targets.jobs import train_job
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

ROOT = Path(__file__).parents[2]
SIMAUDIT = str(Path(sys.executable).with_name("simaudit"))
SCORES = {
    f"{target}/{attack}": paths.scores(target, attack) for target in "tu" for attack in ("loss", "sima")
}
IMAGES, COST, GIVEN = paths.images("d"), paths.cost("t", "sima"), Path("mine/weights")
JOBS = [
    Job("prepare/d", "simaudit.data.jobs:prepare", {}, {}, {"images": IMAGES}),
    *(
        Job(
            f"score/{name}",
            "simaudit.scoring.jobs:score",
            {},
            {"images": IMAGES},
            {"scores": file, "cost": COST} if name == "t/sima" else {"scores": file},
            given=(GIVEN,) if name == "t/sima" else (),
            speed={"device": "auto", "threads": 2},
        )
        for name, file in SCORES.items()
    ),
    Job("compare", "simaudit.evaluation.jobs:compare", {}, {}, {"ranks": paths.comparison("ranks")}),
]
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np

assert sys.argv[1:] == ["run", "score/t/sima"]
assert json.loads(Path("results/params/score/t/sima.json").read_text())["job"] == "score/t/sima"
assert Path("mine/weights").read_bytes() == b"mine"
scores = Path("results/scores/t/sima.parquet")
for file in (scores, Path("results/cost/t/sima.json")):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"made again")
"""
"""What stands in the place of simaudit in the clone. It makes what was made, but at another cost."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The current folder, a git repository: jobs that are recorded, and the files that they made."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.chdir(folder)
    GIVEN.parent.mkdir()
    GIVEN.write_bytes(b"mine")
    stamps.write(JOBS)
    for job in JOBS:
        for path in job.outputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"made" if path == COST else b"made again")
        used = {"device": "cuda:7"} if job.speed else {}
        write_record(stamps.read_job(job.name), ["simaudit", "run", job.name], used)
    git("init", "-q")
    return folder


def git(*arguments):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True)


def program(text):
    """Commit this as the simaudit that a clone runs."""
    folder = Path("src/simaudit")
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(text)
    git("add", "src")
    git("commit", "-qm", "x")


def rerun(name="score:t/sima"):
    return CliRunner().invoke(simaudit, ["verify", "--rerun", name])


def test_what_is_made_again_agrees_its_cost_apart(run):
    program(PROGRAM)
    done = rerun()
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "jobs to run again: 1",
        "score/t/sima, run again",
        "everything agrees",
    ]
    assert [path.name for path in run.iterdir() if "clone" in path.name] == []


def test_what_is_made_otherwise_is_named(run):
    program(PROGRAM.replace("made again", "made otherwise"))
    done = rerun()
    assert done.exit_code == 1
    file = SCORES["t/sima"]
    line = f"rerun: {file} (of score/t/sima): expected what the first run made, found something else"
    assert done.stdout.splitlines() == [line]


def test_a_clone_has_the_recorded_inputs_and_speed_knobs_and_takes_the_device_that_is_here(run):
    program(
        PROGRAM
        + f'assert Path("{IMAGES}").read_bytes() == b"made again"\n'
        + 'speed = {"score/t/sima": {"device": "auto", "threads": 2}}\n'
        + f'assert json.loads(Path("{paths.SPEED}").read_text()) == speed\n'
        + f'assert not Path("{SCORES["t/loss"]}").exists()\n'
    )
    assert read_json(paths.record("score/t/sima"))["speed"]["device"] == "cuda:7"
    assert rerun().exit_code == 0


def test_a_job_that_fails_when_it_is_run_again_is_one_line(run):
    program('print("one")\nraise SystemExit("no luck")\n')
    assert "score/t/sima: failed when run again, with exit code 1: no luck" in str(rerun().exception)
    IMAGES.unlink()
    assert f"{IMAGES}: missing; score/t/sima read it and cannot be run again" in str(rerun().exception)


def test_one_job_those_of_a_target_and_all_of_a_phase_can_be_run_again(run):
    def jobs(name):
        _, *titles = (title for title, _ in checks.again(name, read_records()))
        return [title.removesuffix(", run again") for title in titles]

    assert jobs("score:t/sima") == ["score/t/sima"]
    assert jobs("score:u") == ["score/u/loss", "score/u/sima"]
    assert jobs("score:all") == [f"score/{name}" for name in sorted(SCORES)]
    assert jobs("compare") == ["compare"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("score", "--rerun score: say which, as score:NAME, or score:all for every one of them"),
        ("score:", "--rerun score:: say which, as score:NAME, or score:all for every one of them"),
        ("score:v", f"--rerun score:v: no record of such a job; known of score: {', '.join(SCORES)}"),
        ("score:t/si", f"--rerun score:t/si: no record of such a job; known of score: {', '.join(SCORES)}"),
        ("scor:t", "--rerun scor:t: no record of such a job; phases: compare, prepare, score"),
        ("scor:all", "--rerun scor:all: no record of such a job; phases: compare, prepare, score"),
    ],
)
def test_a_phase_without_a_name_or_with_a_wrong_one_is_refused(run, name, line):
    done = rerun(name)
    assert isinstance(done.exception, SimauditError)
    assert str(done.exception) == line


def test_how_many_jobs_and_how_long_they_took_is_said_before_any_of_them_runs(run):
    def first(name):
        title, disagreements = next(checks.again(name, read_records()))
        assert list(disagreements) == []
        return title

    assert first("score:all") == "jobs to run again: 4"
    write_json(Path("results/logs/score/t/sima.run.json"), {"seconds": 90})
    assert first("score:t/sima") == "jobs to run again: 1; together they took 2 min the last time"
    write_json(Path("results/logs/score/t/loss.run.json"), {"seconds": 60})
    assert first("score:t") == "jobs to run again: 2; together they took 2 min the last time"
    assert first("score:all") == "jobs to run again: 4; those whose time is known took 2 min the last time"


def test_a_training_has_the_threads_that_are_asked_for_and_is_repeated_from_its_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store("d", np.zeros((60, 1, 8, 8), np.float32))
    write_split(paths.split("digits-300"), make_split([f"{i:064x}" for i in range(60)], 20, 0.5, 0))
    job = train_job("t", load([ROOT / "params.yaml"]).targets["digits-untrained"], "d", "verified")
    assert (job.speed["threads"], job.speed["device"]) == (1, "auto")  # where rules look for them
    stamps.write([job])
    job = stamps.read_job(job.name)
    write_record(job, [], job.do())
    record, weights = read_records()["train/t"], paths.target("t") / DDPM.files[-1]
    before = weights.read_bytes()
    assert record.speed["device"] in ("cpu", "cuda", "mps")
    replace(job, speed=record.speed).do()
    assert weights.read_bytes() == before


def test_stopped_it_leaves_neither_its_clone_nor_the_job(run, tmp_path):
    temporary, started = tmp_path / "temporary", tmp_path / "started"
    temporary.mkdir()
    program(
        "import os, time\nfrom pathlib import Path\n"
        f"Path('{started}.new').write_text(str(os.getpid()))\nPath('{started}.new').rename('{started}')\n"
        "time.sleep(600)\n"
    )
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen([SIMAUDIT, "verify", "--rerun", "score:t/sima"], env=environment)
    try:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.05)
        assert [path.name.startswith("simaudit-rerun-") for path in temporary.iterdir()] == [True]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_two_runs_are_the_same_within_tolerance_and_no_further(tmp_path):
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    write_json(a, {"x": [1.0, {"y": 0.5}], "words": "one"})
    write_json(b, {"x": [1.0 + 1e-6, {"y": 0.5}], "words": "one"})
    assert same(a, b)
    write_json(b, {"x": [1.01, {"y": 0.5}], "words": "one"})
    assert not same(a, b)
    write_json(b, {"x": [1.0, {"y": 0.5}], "words": "two"})
    assert not same(a, b)
    assert not same(a, tmp_path / "missing.json")
    assert not alike(np.arange(3.0), np.arange(4.0))
    assert alike(np.array(["a"], dtype=object), np.array(["a"], dtype=object))
    (tmp_path / "a.npy").write_bytes(b"1")
    (tmp_path / "b.npy").write_bytes(b"2")
    assert not same(tmp_path / "a.npy", tmp_path / "b.npy")  # damaged
    (tmp_path / "a.png").write_bytes(b"1")
    (tmp_path / "b.png").write_bytes(b"2")
    assert not same(tmp_path / "a.png", tmp_path / "b.png")
