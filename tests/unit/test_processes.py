"""Jobs that share a process: which of them are due, what is left of each, and which of them failed."""

from dataclasses import replace
from pathlib import Path

import pytest
from recording import call, refusal

from simaudit.plan.order import urgency
from simaudit.provenance import code, records, runlog, stamps
from simaudit.provenance.doing import is_done
from simaudit.provenance.environment import environment
from simaudit.report.terminal.failure import Failure
from simaudit.storage.json import read_json, write_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, by_process

CALLS: list[str] = []
NEEDS_MEMORY = {"hungry": "the knob of it"}


def copy(job):
    """Copy the one file that a job reads."""
    CALLS.append(job.name)
    job.output("copy").parent.mkdir(parents=True, exist_ok=True)
    job.output("copy").write_text(job.input("file").read_text() + job.params["end"])


def hungry(job):
    raise MemoryError


def several(jobs):
    CALLS.append("together")
    for job in jobs:
        copy(job)
        yield job, {}


AT_ONCE = {"several_one": several}
several_one = copy


def job(name, file, function="copy", process="score/t"):
    """A job of a process that copies a file to results/<name>.txt."""
    output = Path(f"results/{name}.txt")
    return Job(
        name, f"{__name__}:{function}", {"end": "."}, {"file": file}, {"copy": output}, process=process
    )


FIRST = job("score/t/first", Path("data.txt"))
SECOND = job("score/t/second", Path("data.txt"))
DERIVED = job("score/t/derived", Path("results/score/t/first.txt"))
JOBS = [FIRST, SECOND, DERIVED]


@pytest.fixture(autouse=True)
def given(here, monkeypatch):
    monkeypatch.setattr(code, "digest", lambda places: {})  # tests are no code of the package
    Path("data.txt").write_text("data")
    CALLS.clear()


def run(process="score/t"):
    """The jobs that a process does."""
    CALLS.clear()
    done = call("run", process)
    assert done.exception is None, done.output
    return [*CALLS]


def test_a_process_does_what_is_due_and_leaves_the_rest():
    stamps.write(JOBS)
    assert run() == [job.name for job in JOBS]
    assert run() == []
    SECOND.output("copy").write_text("edited")
    assert run() == [SECOND.name]
    stamps.write([replace(FIRST, params={"end": "!"}), SECOND, DERIVED])
    assert run() == [FIRST.name, DERIVED.name]  # which read another file now
    assert DERIVED.output("copy").read_text() == "data!."
    paths.record(FIRST.name).unlink()
    assert run() == [FIRST.name]  # to the same file
    Path("data.txt").write_text("others")
    assert run() == [job.name for job in JOBS]


def test_a_job_can_be_asked_for_by_its_own_name_and_is_done_whatever_it_is():
    stamps.write(JOBS)
    run()
    assert run(SECOND.name) == [SECOND.name]
    assert run() == []


def test_jobs_that_a_function_does_at_once_are_handed_to_it_together_without_those_that_are_done():
    jobs = [replace(job, run=f"{__name__}:several_one") for job in (FIRST, SECOND)]
    stamps.write([*jobs, DERIVED])
    assert run() == ["together", FIRST.name, SECOND.name, DERIVED.name]
    SECOND.output("copy").unlink()
    assert run() == ["together", SECOND.name]


def test_each_job_has_its_record_and_run_log_and_the_process_one_of_its_own():
    stamps.write(JOBS)
    run()
    for job in JOBS:
        assert read_json(paths.record(job.name))["command"] == ["simaudit", "run", job.name]
        assert runlog.seconds_of(job.name) <= runlog.seconds_of("score/t")
    assert not paths.log(FIRST.name).exists()
    assert paths.log("score/t").read_text().splitlines()[:2] == [
        "score/t/first: starts",
        "score/t/first: is done",
    ]


def test_a_failure_is_that_of_the_job_at_work_and_what_was_done_before_stays():
    stamps.write([FIRST, replace(SECOND, run=f"{__name__}:hungry"), DERIVED])
    line = refusal("run", "score/t")
    assert line.startswith("score/t/second: not enough memory; lower the knob of it, or run fewer jobs")
    assert is_done(FIRST)
    assert not is_done(SECOND)
    log = paths.log("score/t")
    assert Failure(log).name == "score t/second"
    killed = Failure(log, "Command 'x' died with <Signals.SIGKILL: 9>.").line
    assert killed.startswith("FAILED score t/second: was killed (signal 9), ")
    assert "lower the knob of it" in killed
    log.write_text("")
    assert Failure(log).name == "score t"


def test_a_run_that_asks_for_less_is_tidied_in_shared_folders_alone():
    other = replace(SECOND, name="train/old", writes={"copy": Path("results/targets/old.txt")}, process="")
    shared = replace(SECOND, name="score/t/same")  # which wrote the same file as one that is asked for
    stamps.write([*JOBS, other, shared])
    run()
    run("train/old")
    run("score/t/same")
    records.tidy([FIRST.name, SECOND.name])
    assert not DERIVED.output("copy").exists()
    assert not paths.record(DERIVED.name).exists()
    assert not paths.record("score/t/same").exists()
    assert FIRST.output("copy").exists()
    assert SECOND.output("copy").exists()
    assert other.output("copy").exists()
    assert paths.record("train/old").exists()


def test_a_process_starts_first_where_most_work_waits_for_it():
    train = replace(job("train/t", Path("data.txt"), process=""), params={"training": {"epochs": 50}})
    after = job("evaluate/t", train.output("copy"), process="evaluation/t")
    quick, unknown = (job(name, Path("data.txt"), process="") for name in ("theory", "blind/s"))
    write_json(runlog.beside(paths.log("evaluation/t")), {"seconds": 40.4})
    write_json(runlog.beside(paths.log("theory")), {"seconds": 3})
    runlog.beside(paths.log("blind/s")).parent.mkdir()
    runlog.beside(paths.log("blind/s")).write_text("{")
    known = urgency(by_process([train, after, quick, unknown]))
    assert known == {"train/t": 51 + 40, "evaluation/t": 40, "theory": 3, "blind/s": 1}


def test_the_versions_in_a_record_are_those_that_its_own_code_imports():
    import scipy  # noqa: F401 - as if another job of the process had needed it

    assert set(environment(["simaudit.storage.array"])["versions"]) == {"numpy"}
    assert {"scikit-learn", "scipy"} <= set(environment(["simaudit.samples.features"])["versions"])
