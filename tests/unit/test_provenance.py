"""Where a number comes from, and what is found when it is not true: every tampering has its line."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from auditing import new_audit
from click.testing import CliRunner
from safetensors.numpy import save_file

from simaudit.cli import simaudit
from simaudit.evaluation.numbers import ledger
from simaudit.provenance.recording import write_record
from simaudit.provenance.records import Record, makers, read_records
from simaudit.provenance.rerun import alike, same
from simaudit.provenance.trace import ancestors, trace_file, trace_number
from simaudit.storage.hashes import hashes, sha256_file
from simaudit.storage.json import read_json, write_json
from simaudit.vocabulary.errors import SimauditError

IMAGES, SPLIT = Path("data/prepared/d/images.npy"), Path("data/splits/s.parquet")
WEIGHTS = Path("results/targets/t/unet/weights.safetensors")
SCORES = Path("results/scores/t")
SUMMARY, NUMBERS = Path("results/evaluation/t.json"), Path("results/numbers.json")
TABLE = Path("results/tables/t/attacks.csv")


def job(name, inputs, outputs, params=None):
    """A job that was asked by its stamp, read and made these files, and is recorded."""
    stamp = Path(f"results/params/{name}.json")
    write_json(stamp, {"job": name, "params": params or {}, "code": {"simaudit.diffusion.norms": "1" * 64}})
    record = Path(f"results/records/{name}.json")
    write_record(
        record, ["simaudit", name.split("/")[0], "--output", str(outputs[0])], [stamp, *inputs], outputs
    )


def write_table(numbers):
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["attack", "auc", "auc_low", "auc_high", "auc_mark", "auc_id"])
        for attack in ("loss", "sima"):
            number = numbers[name := f"t.{attack}.auc"]
            table.writerow([attack, number["value"], number["low"], number["high"], "", name])


def sum_up():
    """The ledger and a table of it, as if made anew from what the files now say."""
    files = [SUMMARY, Path("results/evaluation/blind/s.json")]
    write_json(NUMBERS, ledger(files))
    job("numbers", files, [NUMBERS])
    write_table(read_json(NUMBERS))
    job("tables", [NUMBERS], [TABLE])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of one target with two attacks, every job of it recorded."""
    folder = tmp_path_factory.mktemp("made")
    before = Path.cwd()
    os.chdir(folder)
    try:
        IMAGES.parent.mkdir(parents=True)
        np.save(IMAGES, np.arange(40.0))
        SPLIT.parent.mkdir(parents=True)
        SPLIT.write_bytes(b"split")
        WEIGHTS.parent.mkdir(parents=True)
        save_file({"w": np.arange(9.0)}, WEIGHTS)
        audit = new_audit(Path("results"))
        audit.blind()
        audit.evaluate("t", {"loss": 1, "sima": 2})
        for leftover in ("t.stamp.json", "metrics", "evaluation/quality"):
            path = Path("results") / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        blind, nearest = Path("results/evaluation/blind"), Path("results/evaluation/nearest/s.parquet")
        job("prepare/d", [], [IMAGES], {"source": "d"})
        job("split/s", [IMAGES], [SPLIT], {"members": 120})
        job("train/t", [IMAGES, SPLIT], [WEIGHTS.parents[1]], {"epochs": 3})
        for attack in ("loss", "sima"):
            job(f"score/t/{attack}", [IMAGES, SPLIT, WEIGHTS], [SCORES / f"{attack}.parquet"])
        job("blind/s", [IMAGES, SPLIT], [blind / "s.parquet", blind / "s.json"])
        job("nearest/s", [IMAGES, SPLIT], [nearest])
        read = [*sorted(SCORES.glob("*.parquet")), blind / "s.parquet", nearest]
        others = ("differences/t.json", "epochs/t.json", "permutation/t.json", "profiles/t.parquet")
        evaluation = [
            SUMMARY,
            *(SUMMARY.parent / name for name in (*others, "selected/t.parquet", "t.parquet")),
        ]
        job("evaluate/t", read, evaluation, {"bootstrap": 100})
        sum_up()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """The same in a folder of its own, which is the current one."""
    folder = Path(shutil.copytree(made, tmp_path / "run"))
    monkeypatch.chdir(folder)
    return folder


def call(*arguments):
    return CliRunner().invoke(simaudit, arguments)


def disagreements(*arguments):
    """The lines of `simaudit verify`, whose exit code must say whether there are any."""
    done = call("verify", *(arguments or ("--all",)))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == (1 if done.stdout else 0)
    return done.stdout.splitlines()


def test_a_whole_run_agrees_with_itself(run):
    assert disagreements() == []
    assert disagreements("t.sima.auc") == []
    assert disagreements(str(WEIGHTS)) == []


@pytest.mark.parametrize("path", [IMAGES, SPLIT, WEIGHTS, SCORES / "sima.parquet", SUMMARY], ids=str)
def test_a_changed_byte_in_any_ancestor_is_found(run, path):
    expected = sha256_file(path)
    content = path.read_bytes()
    harmless = {
        SUMMARY: (b'"selection"', b'"Selection"'),
        SCORES / "sima.parquet": (b"parquet-cpp", b"parquet-cqq"),
    }
    old, new = harmless.get(path, (content[-1:], bytes([content[-1] ^ 1])))
    assert old in content  # such that the file can still be read: nothing but its hash tells
    path.write_bytes(content.replace(old, new))
    lines = [line for line in call("verify", str(path)).stdout.splitlines() if line.startswith("file: ")]
    found = sha256_file(path)
    assert any(
        line.startswith(f"file: {path} (of ")
        and line.endswith(f": expected sha256 {expected}, found sha256 {found}")
        for line in lines
    )
    assert call("verify", "t.sima.auc").exit_code == 1


def test_a_swapped_checkpoint_is_found_by_everything_that_stands_on_it(run):
    save_file({"w": np.arange(9.0) + 1}, WEIGHTS)
    for what in ("t.sima.auc", str(SCORES / "sima.parquet"), "--all"):
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


def test_a_missing_file_is_found(run):
    (SCORES / "loss.parquet").unlink()
    lines = disagreements()
    assert any(
        line.startswith(f"file: {SCORES}/loss.parquet") and line.endswith("found nothing") for line in lines
    )


def test_a_missing_record_is_found(run):
    Path("results/records/score/t/sima.json").unlink()
    line = f"record: {SCORES}/sima.parquet: expected a record of the job that made it, found none"
    assert disagreements() == [line]


def test_a_number_that_was_edited_in_the_ledger_is_found(run):
    numbers = read_json(NUMBERS)
    true, numbers["t.sima.auc"]["value"] = numbers["t.sima.auc"]["value"], 0.99
    write_json(NUMBERS, numbers)
    lines = disagreements()
    assert f"number: t.sima.auc in {NUMBERS}: expected {true} of {SUMMARY}, found 0.99" in lines
    assert any(line.startswith(f"file: {NUMBERS}") for line in lines)


def test_a_number_that_was_edited_in_a_table_is_found(run):
    value = read_json(NUMBERS)["t.sima.auc"]["value"]
    TABLE.write_text(TABLE.read_text().replace(str(value), "0.99"))
    assert f"table: {TABLE}:3, t.sima.auc: expected value {value}, found 0.99" in disagreements()


def test_a_metric_that_was_made_up_is_found_however_consistent_the_files_are(run):
    """Summary, ledger, table and all records are written anew around it: only the scores know better."""
    summary = read_json(SUMMARY)
    true = summary["attacks"]["sima"]["selected"]["auc"]["value"]
    summary["attacks"]["sima"]["selected"]["auc"]["value"] = summary["attacks"]["sima"]["selected"]["auc"][
        "high"
    ] = 0.999
    write_json(SUMMARY, summary)
    record = read_json(Path("results/records/evaluate/t.json"))
    record["outputs"][str(SUMMARY)] = sha256_file(SUMMARY)
    write_json(Path("results/records/evaluate/t.json"), record)
    sum_up()
    (line,) = disagreements()
    assert line.startswith(f"metric: t.sima.selected.auc from {SCORES}/sima.parquet: expected 0.9")
    assert line.endswith("by scikit-learn, found 0.999")
    assert float(line.split("expected ")[1].split()[0]) == pytest.approx(true, abs=1e-12)


def test_a_stamp_that_asks_for_something_else_by_now_is_found(run):
    stamp = Path("results/params/train/t.json")
    write_json(
        stamp, {"job": "train/t", "params": {"epochs": 4}, "code": {"simaudit.diffusion.norms": "2" * 64}}
    )
    lines = disagreements("t.sima.auc")
    assert 'parameters: train/t: expected {"epochs": 4}, found {"epochs": 3}' in lines
    assert (
        "code: train/t: expected the code that is here now, found another simaudit.diffusion.norms" in lines
    )


def test_a_job_that_is_no_longer_asked_for_is_passed_over(run):
    """Its attack was dropped from params.yaml, and with it the stamp; its scores still lie there."""
    Path("results/params/score/t/loss.json").unlink()
    assert disagreements() == []
    assert "1 recorded jobs are no longer asked for" in call("verify", "--all").stderr
    shutil.rmtree("results/params")
    assert "results/params: no stamp of any recorded job" in str(call("verify", "--all").exception)


def test_a_number_leads_back_to_the_data_and_past_the_attack_that_it_is_not_of(run):
    step = trace_number("t.sima.auc", read_json(NUMBERS), read_records())
    jobs = {record.job for record in step.jobs()}
    assert jobs == {
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
    said = " ".join(call("trace", "t.sima.auc").stdout.split())
    value = read_json(NUMBERS)["t.sima.auc"]["value"]
    for words in (
        f"t.sima.auc = {value:.3f} [",
        f"printed in {TABLE}",
        "at /attacks/sima/selected/auc/value",
        'with {"epochs": 3}',
        f"made {SCORES}/sima.parquet",
        "prepare/d, see above",
    ):
        assert words.replace(" ", "") in said.replace(" ", "").replace("│", ""), words
    found = json.loads(call("trace", "t.sima.auc", "--json").stdout)
    assert found["printed_in"] == [str(TABLE)]
    assert found["chain"]["job"] == "evaluate/t"
    assert found["chain"]["command"][:2] == ["simaudit", "evaluate"]
    whole = json.loads(call("trace", str(SUMMARY), "--json").stdout)
    assert {step["job"] for step in whole["chain"]["before"]} >= {"score/t/loss", "score/t/sima"}


def test_an_input_that_no_job_made_is_said_to_be_given(run):
    Path("results/records/prepare/d.json").unlink()
    step = trace_file(str(SPLIT), read_records())
    assert step.given == {str(IMAGES): sha256_file(IMAGES)}


def test_what_cannot_be_traced_or_verified_is_one_line(run):
    assert "no number or file t.sma.auc; alike: " in str(call("trace", "t.sma.auc").exception)
    assert "README: no record" in str(call("trace", "README").exception) or "no number or file README" in str(
        call("trace", "README").exception
    )
    assert "give one of ID, FILE, --all" in str(call("verify").exception)
    assert "--rerun trane:t: no record of such a job; phases: blind, evaluate" in str(
        call("verify", "--rerun", "trane:t").exception
    )
    Path("results/records/train/t.json").write_text("{}")
    assert "train/t.json: not a record; delete it" in str(call("verify", "--all").exception)
    shutil.rmtree("results/records")
    assert "results/records: no record; make them with" in str(call("verify", "--all").exception)


def test_the_same_job_has_the_same_record_and_a_folder_stands_for_its_files(run):
    path = Path("results/records/train/t.json")
    before = path.read_bytes()
    job("train/t", [IMAGES, SPLIT], [WEIGHTS.parents[1], path], {"epochs": 3})
    assert path.read_bytes() == before
    record = Record.read(path)
    assert dict(record.outputs) == {str(WEIGHTS): sha256_file(WEIGHTS)}
    assert record.stamp == "results/params/train/t.json"
    assert not any(word in before.decode() for word in ("time", "host", "commit"))


def test_a_file_is_hashed_once_until_it_changes(run, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        "simaudit.storage.hashes.sha256_file", lambda path: hashed.append(path) or sha256_file(path)
    )
    cache = run / "cache.sqlite"
    first = hashes([IMAGES, SCORES], cache)
    assert len(hashed) == 3
    assert hashes([IMAGES, SCORES], cache) == first
    assert len(hashed) == 3
    os.utime(IMAGES, ns=(1, 1))
    assert hashes([IMAGES], cache) == {str(IMAGES): first[str(IMAGES)]}
    assert len(hashed) == 4
    np.save(IMAGES, np.arange(41.0))
    assert hashes([IMAGES], cache)[str(IMAGES)] == sha256_file(IMAGES) != first[str(IMAGES)]
    with pytest.raises(FileNotFoundError):
        hashes([Path("nowhere")], cache)


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
    (tmp_path / "a.png").write_bytes(b"1")
    (tmp_path / "b.png").write_bytes(b"2")
    assert not same(tmp_path / "a.png", tmp_path / "b.png")


def test_a_job_of_the_command_line_leaves_its_record_and_its_run_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stamp = Path("results/params/prepare/digits.json")
    write_json(stamp, {"job": "prepare/digits", "params": {"source": "digits"}, "code": {}})
    outputs = [Path("i.npy"), Path("l.npy")]
    record = Path("results/records/prepare/digits.json")
    arguments = ["prepare", "--params", str(stamp), "--images", "i.npy", "--labels", "l.npy"]
    monkeypatch.setattr("sys.argv", ["simaudit", "--log", "x", *arguments])
    done = call(
        *("--log", "job.log", "--record", str(record), "--inputs", str(stamp)),
        *("--outputs", f"i.npy l.npy {record}", *arguments),
    )
    assert done.exit_code == 0, done.output
    found = Record.read(record)
    assert found.command == ["simaudit", *arguments]
    assert dict(found.outputs) == {str(path): sha256_file(path) for path in outputs}
    log = read_json(Path("job.run.json"))
    assert log["seconds"] >= 0
    assert set(log) >= {"started", "host", "commit", "dirty", "peak_memory_kb"}


def test_a_job_that_failed_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = Path("results/records/prepare/digits.json")
    done = call(
        "--record",
        str(record),
        "--inputs",
        "gone.json",
        "prepare",
        "--params",
        "gone.json",
        *("--images", "i.npy", "--labels", "l.npy"),
    )
    assert isinstance(done.exception, SimauditError)
    assert not record.exists()
