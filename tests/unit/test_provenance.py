"""Where a number comes from, and what is found when it is not true: every tampering has its line."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from recording import (
    IMAGES,
    JOBS,
    NUMBERS,
    PREPARE,
    SCORES,
    SPLIT,
    SUMMARY,
    TABLE,
    TRAIN,
    WEIGHTS,
    call,
    disagreements,
    make,
    record,
    refusal,
    sum_up,
)
from safetensors.numpy import save_file
from sources import Sources, forget

from simaudit import __version__
from simaudit.provenance import checks, code, environment, stamps, verify
from simaudit.provenance.records import Record, makers, read_records, write_record
from simaudit.provenance.stamps import Stamp
from simaudit.provenance.trace import ancestors, trace_file, trace_number
from simaudit.storage.hashes import hashes, sha256_file
from simaudit.storage.json import read_json, write_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """See `make`."""
    return make(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def run(recorded, tmp_path, monkeypatch):
    """The same in a folder of its own, which is the current one."""
    folder = Path(shutil.copytree(recorded, tmp_path / "run"))
    monkeypatch.chdir(folder)
    return folder


def test_a_whole_run_agrees_with_itself(run):
    assert disagreements() == []
    assert disagreements("t.sima.auc") == []
    assert disagreements(str(WEIGHTS)) == []


def test_when_the_numbers_were_taken_is_measured_so_records_of_two_runs_are_equal_without_it(run):
    record = Record.read(paths.record("numbers"))
    assert record.outputs["results/occasion.json"] is None
    assert record.outputs["results/numbers.json"]
    assert read_json(paths.OCCASION)["simaudit"] == __version__


@pytest.mark.parametrize("path", [IMAGES, SPLIT, WEIGHTS, SCORES["sima"], SUMMARY], ids=str)
def test_a_changed_byte_in_any_ancestor_is_found(run, path):
    expected = sha256_file(path)
    content = path.read_bytes()
    harmless = {
        SUMMARY: (b'"selection"', b'"Selection"'),
        SCORES["sima"]: (b"parquet-cpp", b"parquet-cqq"),
    }
    old, new = harmless.get(path, (content[-1:], bytes([content[-1] ^ 1])))
    assert old in content  # such that the file can still be read: nothing but its hash tells
    path.write_bytes(content.replace(old, new))
    lines = [line for line in call("verify", str(path)).stdout.splitlines() if line.startswith("file: ")]
    assert any(
        line.startswith(f"file: {path} (of ")
        and line.endswith(f": expected sha256 {expected}, found sha256 {sha256_file(path)}")
        for line in lines
    )
    assert call("verify", "t.sima.auc").exit_code == 1


def test_a_swapped_checkpoint_is_found_by_everything_that_stands_on_it(run):
    save_file({"w": np.arange(9.0) + 1}, WEIGHTS)
    for what in ("t.sima.auc", str(SCORES["sima"]), "--all"):
        assert any(line.startswith(f"file: {WEIGHTS} (of train/t)") for line in disagreements(what))


def test_a_byte_that_was_changed_behind_the_clocks_back_is_found_too(run):
    state = IMAGES.stat()
    hashes([IMAGES])
    with IMAGES.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x07")
    os.utime(IMAGES, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (IMAGES.stat().st_size, IMAGES.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert any(line.startswith(f"file: {IMAGES} (of prepare/d)") for line in disagreements())


@pytest.mark.parametrize("path", [SCORES["loss"], SUMMARY, paths.stamp("train/t")], ids=str)
def test_a_missing_file_is_found(run, path):
    path.unlink()
    assert any(
        line.startswith(f"file: {path} (of ") and line.endswith("found nothing")
        for line in disagreements("t.loss.auc")
    )


def test_a_missing_record_is_found(run):
    paths.record("score/t/sima").unlink()
    line = f"record: {SCORES['sima']}: expected a record of the job that made it, found none"
    assert disagreements() == [line]


def test_a_number_that_was_edited_in_the_ledger_is_found(run):
    numbers = read_json(NUMBERS)
    true, numbers["t.sima.auc"]["value"] = numbers["t.sima.auc"]["value"], 0.99
    write_json(NUMBERS, numbers)
    lines = disagreements()
    assert f"number: t.sima.auc in {NUMBERS}: expected {true} of {SUMMARY}, found 0.99" in lines
    assert any(line.startswith(f"file: {NUMBERS}") for line in lines)


@pytest.mark.parametrize("cell", ["0.99", "n/a", ""])
def test_a_number_that_was_edited_in_a_table_is_found(run, cell):
    value = read_json(NUMBERS)["t.sima.auc"]["value"]
    TABLE.write_text(TABLE.read_text().replace(str(value), cell))
    line = f"table: {TABLE}:3, t.sima.auc: expected value {value}, found {cell or 'nothing'}"
    assert line in disagreements()


@pytest.mark.parametrize("of", ["selected", "without_near_duplicates"])
def test_a_metric_that_was_made_up_is_found_however_consistent_the_files_are(run, of):
    """Summary, ledger, table and all records are written anew around it: only the scores know better."""
    summary = read_json(SUMMARY)
    auc = summary["attacks"]["sima"][of]["auc"]
    true = auc["value"]
    auc["value"] = auc["high"] = 0.999
    write_json(SUMMARY, summary)
    evaluation = Record.read(paths.record("evaluate/t"))
    edited = replace(evaluation, outputs={**evaluation.outputs, str(SUMMARY): sha256_file(SUMMARY)})
    edited.write(paths.record("evaluate/t"))
    sum_up()
    (line,) = disagreements()
    assert line.startswith(f"metric: t.sima.{of}.auc from {SCORES['sima']}: expected 0.9")
    assert line.endswith("by scikit-learn, found 0.999")
    assert float(line.split("expected ")[1].split()[0]) == pytest.approx(true, abs=1e-12)


def test_a_stamp_that_asks_for_something_else_by_now_is_found(run):
    stamps.write([replace(TRAIN, params={"epochs": 4}) if job is TRAIN else job for job in JOBS])
    lines = disagreements("t.sima.auc")
    assert 'parameters: train/t: expected {"epochs": 4}, found {"epochs": 3}' in lines
    assert any(line.startswith(f"file: {paths.stamp('train/t')} (of train/t)") for line in lines)
    assert not any(line.startswith("code: ") for line in lines)


@pytest.fixture
def sources(run, monkeypatch):
    """A copy of the package's sources that can be changed; the records are of the code as it was."""
    sources = Sources.copied(run / "src/simaudit")
    monkeypatch.setattr(code, "ROOT", sources.path)
    forget()
    yield sources
    forget()


def test_a_line_of_code_that_changed_since_is_found_though_no_stamp_was_written(sources):
    assert disagreements() == []
    sources.append("data/split", "\nUNREAD = (MEMBER, HELDOUT)\n")  # nothing reads it
    assert disagreements() == []
    sources.append("data/split", "\ndef make_split(*arguments):\n    return None\n")
    line = "code: split/s: expected the code that is here now, found another simaudit.data.split"
    assert disagreements() == [line]
    assert disagreements("t.sima.auc") == [line]
    assert disagreements(str(IMAGES)) == []  # made before anything was split


def test_a_job_whose_function_is_no_longer_here_is_found(sources):
    (sources.path / "targets/jobs.py").unlink()
    forget()
    line = "code: train/t: expected the code that is here now, found another simaudit.targets.jobs"
    assert disagreements() == [line]


def test_versions_other_than_those_here_are_named_once_each_with_their_jobs(run):
    here = environment.installed(["numpy", "scipy"])
    for job, versions in {
        "prepare/d": {"numpy": "0.1"},
        "split/s": {"numpy": "0.1", "scipy": "0.2"},
        "train/t": {"numpy": "0.1.1"},
        "blind/s": {"numpy": "0.1"},
        "evaluate/t": {"numpy": "0.1", "no-such-package": "1"},
    }.items():
        known = Record.read(paths.record(job))
        known.environment["versions"] |= versions
        known.write(paths.record(job))
    assert disagreements() == [
        "environment: no-such-package of evaluate/t: expected not installed, found 1",
        f"environment: numpy of blind/s, evaluate/t, prepare/d and 1 more: expected {here['numpy']}, found 0.1",
        f"environment: numpy of train/t: expected {here['numpy']}, found 0.1.1",
        f"environment: scipy of split/s: expected {here['scipy']}, found 0.2",
    ]
    assert disagreements(str(IMAGES)) == [
        f"environment: numpy of prepare/d: expected {here['numpy']}, found 0.1"
    ]


def test_another_lock_of_the_environment_is_named(run, monkeypatch):
    monkeypatch.setattr(environment, "LOCK", run / "requirements.lock")
    assert disagreements() == []  # there is none here
    environment.LOCK.write_text("numpy==0.1\n")
    (line,) = disagreements()
    assert line.startswith("environment: requirements.lock of blind/s, evaluate/t, nearest/s and 7 more: ")
    assert f"expected sha256 {sha256_file(environment.LOCK)[:12]}" in line


def test_no_check_is_claimed_that_was_not_made(run):
    said = call("verify", "--all").stderr.splitlines()
    assert "no dvc.lock: not checked" in said
    assert "checked dvc.lock" not in said
    metrics = "checked the metrics of t by scikit-learn"
    assert metrics in call("verify", "t.sima.auc").stderr.splitlines()
    assert metrics not in call("verify", str(WEIGHTS)).stderr.splitlines()


def test_a_dvc_lock_that_dvc_has_no_answer_about_is_a_disagreement(run):
    Path("dvc.lock").write_text("schema: '2.0'\n")  # in a folder that is no repository of DVC
    (line,) = disagreements()
    assert line.startswith("dvc.lock: dvc status: expected an answer, found ")
    assert "checked dvc.lock" in call("verify", "--all").stderr.splitlines()


def test_whatever_dvc_finds_changed_is_a_disagreement(monkeypatch):
    said = json.dumps(
        {"numbers": [{"changed outs": {"results/numbers.json": "modified"}}, "changed command"]}
    )
    monkeypatch.setattr(verify.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stdout=said))
    file, command = map(str, verify.dvc())
    assert file.startswith("dvc.lock: results/numbers.json (changed outs of numbers): ")
    assert command == "dvc.lock: stage numbers: expected as locked, found changed command"


def test_a_stamp_that_changes_while_its_job_runs_is_not_recorded_as_what_ran(run):
    job = stamps.read_job(TRAIN.name)
    stamps.write([replace(TRAIN, params={"epochs": 4}) if job is TRAIN else job for job in JOBS])
    before = paths.record(TRAIN.name).read_bytes()
    with pytest.raises(
        SimauditError, match=r"train/t.json: changed while train/t ran by it; run the job again"
    ):
        write_record(job, [], {})
    assert paths.record(TRAIN.name).read_bytes() == before


def test_a_given_file_that_is_another_now_is_named_with_its_job(run):
    Path("mine").mkdir()
    Path("mine/weights").write_bytes(b"1")
    stamps.write([replace(TRAIN, given=(Path("mine"),)) if job is TRAIN else job for job in JOBS])
    record(TRAIN)
    assert not [line for line in disagreements() if line.startswith("given")]
    Path("mine/weights").write_bytes(b"2")
    (line,) = (line for line in disagreements() if line.startswith("given"))
    assert line.startswith("given: mine/weights (of train/t): expected as in the stamp")


GIVEN = [replace(job, given=(Path("mine"),)) if job is PREPARE else job for job in JOBS]


@pytest.fixture
def raw(run):
    """The run, whose dataset was prepared from a folder that no job made."""
    Path("mine").mkdir()
    for name in "abcdefg":
        Path(f"mine/{name}.png").write_bytes(name.encode())
    stamps.write(GIVEN)
    for job in GIVEN:
        record(job)


def test_raw_files_that_are_no_longer_here_count_as_what_they_were_and_verify_says_so(raw):
    before = paths.stamp(PREPARE.name).read_bytes()
    shutil.rmtree("mine")
    stamps.write(GIVEN)
    assert paths.stamp(PREPARE.name).read_bytes() == before
    assert not [line for line in disagreements() if line.startswith("given")]
    titles = [title for title, _ in checks.everything(read_records(), lambda files, given: GIVEN)]
    assert "checked parameters and code; not here, so not compared: mine" in titles


def test_what_a_system_hides_in_a_raw_folder_is_no_raw_file(raw):
    before = paths.stamp(PREPARE.name).read_bytes()
    Path("mine/.DS_Store").write_bytes(b"left behind")
    stamps.write(GIVEN)
    assert paths.stamp(PREPARE.name).read_bytes() == before


def test_an_old_number_is_not_traced_to_raw_files_that_came_after_it(raw):
    Path("mine/a.png").write_bytes(b"another")
    stamps.write(GIVEN)
    assert trace_file(str(IMAGES), read_records()).given == {}


def test_a_job_refuses_given_files_that_changed_since_its_stamp_was_written(raw):
    Path("mine/a.png").write_bytes(b"another")
    done = call("run", PREPARE.name)
    assert str(done.exception) == "mine/a.png: changed since this run began; run the same again"


def test_a_number_is_traced_to_the_raw_files_a_few_of_which_are_shown(raw):
    shown = call("trace", str(SUMMARY)).stdout
    assert f"given mine/a.png  sha256 {sha256_file(Path('mine/a.png'))[:12]}" in shown
    assert f"given 2 more files, whose hashes {paths.stamp(PREPARE.name)} holds" in shown
    step = trace_file(str(IMAGES), read_records()).json()
    assert step["given"] == {f"mine/{name}.png": sha256_file(Path(f"mine/{name}.png")) for name in "abcdefg"}


def test_what_a_job_has_not_finished_needs_no_record(run):
    partial = paths.RESULTS / "targets/.t.7.partial/unet/config.json"
    partial.parent.mkdir(parents=True)
    partial.write_text("{}")
    assert disagreements() == []


def test_a_job_that_is_no_longer_asked_for_is_passed_over(run):
    """Its attack was dropped from params.yaml, and with it the stamp; its scores still lie there."""
    paths.stamp("score/t/loss").unlink()
    assert disagreements() == []
    assert "1 recorded jobs are no longer asked for" in call("verify", "--all").stderr
    shutil.rmtree(paths.STAMPS)
    assert "results/records: no recorded job is asked for" in refusal("verify", "--all")


def test_a_number_leads_back_to_the_data_and_past_the_attack_that_it_is_not_of(run):
    step = trace_number("t.sima.auc", read_json(NUMBERS), read_records())
    assert {record.job for record in step.jobs()} == {
        *("evaluate/t", "score/t/sima", "train/t", "blind/s", "nearest/s", "split/s", "prepare/d"),
    }
    assert step.files == {str(SUMMARY): sha256_file(SUMMARY)}
    score = next(before for before in step.before if before.record.job == "score/t/sima")
    train = next(before for before in score.before if before.record.job == "train/t")
    assert train.record.params == {"epochs": 3}
    assert train.files == {str(WEIGHTS): sha256_file(WEIGHTS)}


def test_the_page_gets_the_same_jobs_in_the_same_order(run):
    records = read_records()
    for path in (str(SUMMARY), str(NUMBERS), str(WEIGHTS)):
        whole = dict.fromkeys(record.job for record in trace_file(path, records).jobs())
        assert ancestors(path, makers(records)) == list(whole)
    assert ancestors("nowhere", makers(records)) == []


def test_a_trace_is_a_tree_with_commands_hashes_and_tables(run):
    drawn = call("trace", "t.sima.auc").stdout.splitlines()
    lines = [line.lstrip("│├└─ ") for line in drawn]
    number, params = read_json(NUMBERS)["t.sima.auc"], read_records()["evaluate/t"].params
    assert number["unit"] == "1"
    assert lines[0].startswith(f"t.sima.auc = {number['value']:.3f} [")
    assert lines[0].endswith("]")  # and no unit, since it has none
    assert lines[1:7] == [
        f"printed in {TABLE}",
        "stated: members as stated by the owner of the model, not verified",
        f"stands in {SUMMARY}, at /attacks/sima/selected/auc/value",
        "evaluate/t",
        f"made {SUMMARY}  sha256 {sha256_file(SUMMARY)[:12]}…",
        "$ simaudit run evaluate/t",
    ]
    assert f"with {json.dumps(params)}" in lines
    assert max(map(len, drawn)) > 80  # wider than a terminal: no line is broken, and no name
    assert f"made {SCORES['sima']}  sha256 {sha256_file(SCORES['sima'])[:12]}…" in lines
    assert 'with {"epochs": 3}' in lines
    assert "prepare/d, see above" in lines


def test_a_count_is_traced_as_a_whole_number_without_limits(run):
    number = read_json(NUMBERS)["t.members"]
    assert number["low"] == number["value"]
    assert call("trace", "t.members").stdout.splitlines()[0] == f"t.members = {number['value']} samples"


def test_a_trace_goes_back_as_many_jobs_as_it_is_asked_to(run):
    def jobs(*options):
        words = call("trace", "t.sima.auc", *options).stdout.replace("│", " ").split()
        return {word.removesuffix(",") for word in words} & {job.name for job in JOBS}

    assert jobs("--depth", "1") == {"evaluate/t"}
    assert jobs("--depth", "2") == {"evaluate/t", "score/t/sima", "blind/s", "nearest/s"}
    assert jobs("--depth", "4") == jobs()
    said = call("trace", "t.sima.auc", "--depth", "1").stdout
    assert "jobs before it: 3; a larger --depth shows more" in said


def test_a_trace_in_json_has_everything(run):
    chain = json.loads(call("trace", "t.sima.auc", "--json").stdout)
    assert chain["printed_in"] == [str(TABLE)]
    assert chain["chain"]["job"] == "evaluate/t"
    assert chain["chain"]["command"] == ["simaudit", "run", "evaluate/t"]
    assert chain["chain"]["code"] == Stamp.read(paths.stamp("evaluate/t")).code
    assert "numpy" in chain["chain"]["environment"]["versions"]
    whole = json.loads(call("trace", str(SUMMARY), "--json").stdout)
    assert {step["job"] for step in whole["chain"]["before"]} >= {"score/t/loss", "score/t/sima"}


def test_an_input_that_no_job_made_is_said_to_be_given(run):
    paths.record("prepare/d").unlink()
    step = trace_file(str(SPLIT), read_records())
    assert step.given == {str(IMAGES): sha256_file(IMAGES)}


@pytest.mark.parametrize("subcommand", ["trace", "verify"])
def test_what_is_no_number_is_refused_naming_some_that_are_alike(run, subcommand):
    assert "no number or file t.sma.auc; alike: t.sima.auc, " in refusal(subcommand, "t.sma.auc")
    assert f", {SUMMARY}" in refusal(subcommand, f"results/{SUMMARY.name}")
    assert "no number or file t.sima.acu; alike: t.sima.auc, " in refusal(subcommand, "t.sima.acu")
    assert "no number or file nothing; alike: " in refusal(subcommand, "nothing")


def test_what_cannot_be_traced_or_verified_is_one_line(run):
    Path("README").touch()
    assert "README: no record of it" in refusal("trace", "README")
    assert "give one of ID, FILE, --all" in refusal("verify")
    shutil.rmtree(paths.RECORDS)
    assert "results/records: no record; make them with" in refusal("verify", "--all")


def test_the_same_job_has_the_same_record_and_a_folder_stands_for_its_files(run):
    path = paths.record("train/t")
    record(TRAIN)  # in this process, which has loaded what it has loaded
    before = path.read_bytes()
    record(TRAIN)
    assert path.read_bytes() == before
    content = Record.read(path)
    assert dict(content.outputs) == {str(WEIGHTS): sha256_file(WEIGHTS)}
    assert set(content.inputs) == {"results/params/train/t.json", str(IMAGES), str(SPLIT)}
    assert content.stamp == "results/params/train/t.json"
    assert set(content.environment) == {"versions", "lock"}
    assert not any(word in before.decode() for word in ("time", "host", "commit"))


def test_a_record_holds_the_speed_knobs_as_they_turned_out(run):
    job = replace(stamps.read_job(TRAIN.name), speed={"device": "auto", "threads": 3})
    write_record(job, [], {"device": "cpu"})
    assert Record.read(paths.record("train/t")).speed == {"device": "cpu", "threads": 3}


def test_a_file_is_hashed_once_until_it_changes(run, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        "simaudit.storage.hashes.sha256_file", lambda path: hashed.append(path) or sha256_file(path)
    )
    cache, folder = run / "cache.sqlite", SCORES["sima"].parent
    first = hashes([IMAGES, folder], cache)
    assert len(hashed) == 3
    assert hashes([IMAGES, folder], cache) == first
    assert len(hashed) == 3
    os.utime(IMAGES, ns=(1, 1))
    assert hashes([IMAGES], cache) == {str(IMAGES): first[str(IMAGES)]}
    assert len(hashed) == 4
    np.save(IMAGES, np.arange(41.0))
    assert hashes([IMAGES], cache)[str(IMAGES)] == sha256_file(IMAGES) != first[str(IMAGES)]
    with pytest.raises(FileNotFoundError):
        hashes([Path("nowhere")], cache)
