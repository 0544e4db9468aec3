"""Damaged files: `simaudit verify` names each and goes on, and no job takes one for what another job has made."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recording import (
    IMAGES,
    JOBS,
    NUMBERS,
    SCORES,
    SUMMARY,
    TABLE,
    TRAIN,
    WEIGHTS,
    call,
    disagreements,
    make,
    record,
)

from simaudit.provenance import checks, inputs, stamps
from simaudit.provenance.asked import command_again, remember
from simaudit.provenance.inputs import require_as_made
from simaudit.provenance.records import Record, read_records
from simaudit.storage.parquet import read_table
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

EVALUATE = next(job for job in JOBS if job.phase == "evaluate")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A run that the tests leave as they find it."""
    return make(tmp_path_factory.mktemp("damage"))


@pytest.fixture(autouse=True)
def run(here, monkeypatch):
    """The run as the current folder; afterwards every file of it is again what it was."""
    monkeypatch.chdir(here)
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    yield here
    for path in here.rglob("*"):
        if path.is_file() and path not in before:
            path.unlink()
    for path, content in before.items():
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def results():
    """Every file of the run, what decides no result apart."""
    files = sorted(path for folder in (paths.DATA, paths.RESULTS) for path in folder.rglob("*"))
    return [path for path in files if path.is_file() and path != paths.SPEED]


def test_one_flipped_bit_in_any_file_is_named():
    draw, files = random.Random(5), results()
    for _ in range(24):
        file = draw.choice(files)
        content = file.read_bytes()
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        file.write_bytes(bytes(byte ^ (1 << bit) if at == place else byte for at, byte in enumerate(content)))
        assert any(str(file) in line for line in disagreements()), (file, place, bit)
        file.write_bytes(content)
    assert disagreements() == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]"], ids=repr)
@pytest.mark.parametrize("file", [SUMMARY, NUMBERS, TABLE, SCORES["sima"], IMAGES], ids=str)
def test_a_replaced_file_is_named_and_everything_else_is_checked_too(file, content):
    file.write_bytes(content)
    named = disagreements()
    assert any(line.startswith(f"file: {file} (of ") for line in named)
    assert not any(line.startswith("check: checked the files") for line in named)
    assert "no dvc.lock: not checked" in call("verify", "--all").stderr


@pytest.mark.parametrize("field", ["environment", "speed", "command", "params", "code", "outputs"])
def test_an_edited_field_of_a_record_is_named(field):
    path = paths.record("blind/s")
    content = json.loads(path.read_text())
    content[field] = {**content[field], "x": "1"} if field != "command" else [*content[field], "--x"]
    path.write_text(json.dumps(content))
    line = next(line for line in disagreements() if line.startswith("record: "))
    assert line.startswith(f"record: {path}: expected what can be read, found not a record (it was changed")


def test_a_record_that_says_what_no_job_does_is_named():
    known = Record.read(paths.record("blind/s"))
    outputs = {**known.outputs, "results/mine": "0" * 64}
    replace(known, command=["simaudit", "run", "x"], outputs=outputs).write(paths.record("blind/s"))
    lines = disagreements()
    assert "command: blind/s: expected simaudit run blind/s, found simaudit run x" in lines
    assert "record: results/mine (of blind/s): expected no such file, found that it made it" in lines


def asked_now(jobs):
    """The lines of everything that is checked, where the parameters that are here ask for these jobs."""
    remember([Path("params.yaml"), Path("experiments/mine.yaml")])
    steps = checks.everything(read_records(), lambda files, given: jobs)
    said = {title: list(map(str, lines)) for title, lines in checks.to_the_end(steps)}
    assert "compared with what is asked for now by params.yaml and experiments/mine.yaml" in said
    return [line for lines in said.values() for line in lines]


def test_what_the_parameters_ask_for_now_is_compared_though_no_stamp_was_written():
    assert asked_now(JOBS) == []
    other = [replace(TRAIN, params={"epochs": 4}) if job is TRAIN else job for job in JOBS]
    assert asked_now(other) == ['parameters: train/t: expected {"epochs": 4}, found {"epochs": 3}']
    more = replace(TRAIN, name="train/u", writes={"target": paths.target("u")})
    assert asked_now([*JOBS, more]) == [
        "record: results/records/train/u.json: expected what train/u did, found nothing"
    ]
    wider = [replace(job, reads={**job.reads, "x": NUMBERS}) if job is TRAIN else job for job in JOBS]
    assert f"record: {NUMBERS} (of train/t): expected that it read it, found no such file" in asked_now(wider)


def test_parameters_that_cannot_be_read_are_a_disagreement_and_the_rest_is_checked():
    def refuse(files, given):
        raise SimauditError("params.yaml: attacks.mine: no such attack\nparams.yaml: seeds: too many")

    steps = checks.everything(read_records(), refuse)
    remember([Path("params.yaml")])
    lines = [str(line) for _, found in checks.to_the_end(steps) for line in found]
    assert lines == [
        "parameters: params.yaml: expected what can be read, found attacks.mine: no such attack",
        "parameters: params.yaml: expected what can be read, found seeds: too many",
    ]


def test_the_command_that_makes_a_file_again_is_that_of_the_run():
    again = "--forcerun results/records/train/t.json"
    assert command_again(["train/t"]) == f"snakemake --cores all {again}"
    remember([Path("../params.yaml"), Path("../experiments/mine.yaml")], {"scoring": {"seed": 1}})
    assert command_again(["train/t"]) == (
        "snakemake --cores all --snakefile ../Snakefile --configfile ../experiments/mine.yaml "
        f"""--config 'scoring={{"seed": 1}}' {again}"""
    )


@pytest.mark.parametrize("anew", [inputs.HASHED_ANEW, 0])
def test_a_job_does_not_read_what_another_job_has_not_made(anew, monkeypatch):
    monkeypatch.setattr(inputs, "HASHED_ANEW", anew)
    require_as_made([EVALUATE])
    file = SCORES["sima"]
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"2")
    with pytest.raises(
        SimauditError, match=r"sima\.parquet: not what score/t/sima made; make it again with: "
    ):
        require_as_made([EVALUATE])
    file.unlink()
    with pytest.raises(
        SimauditError, match=r"sima\.parquet: missing, and score/t/sima made it; .*--forcerun "
    ):
        require_as_made([EVALUATE])
    require_as_made([TRAIN])  # which reads no scores
    paths.record("score/t/sima").unlink()
    require_as_made([EVALUATE])  # says itself what it lacks


def test_a_job_that_reads_a_folder_is_told_which_file_of_it_is_another():
    WEIGHTS.write_bytes(b"other")
    score = next(job for job in JOBS if job.name == "score/t/loss")
    with pytest.raises(SimauditError, match=f"{WEIGHTS}: not what train/t made"):
        require_as_made([score])


def test_what_is_measured_is_named_in_a_record_and_does_not_change_it():
    cost = paths.cost("t", "mine")
    job = replace(TRAIN, name="score/t/mine", reads={}, writes={"cost": cost})
    stamps.write([*JOBS, job])
    cost.parent.mkdir(parents=True)
    contents = []
    for seconds in "12":
        cost.write_text(seconds)
        record(job)
        contents.append(paths.record(job.name).read_bytes())
    assert contents[0] == contents[1]
    assert dict(Record.read(paths.record(job.name)).outputs) == {str(cost): None}
    assert disagreements() == []
    cost.unlink()
    assert disagreements() == [f"file: {cost} (of score/t/mine): expected a file, found nothing"]


def test_a_bit_that_flips_inside_a_table_is_noticed_where_it_is_read():
    file = paths.nearest("s")
    content = bytearray(file.read_bytes())
    value = read_table(file)["distance"].to_numpy().astype(np.float64)[7]
    place = content.find(np.float64(value).tobytes())
    if place < 0:
        place = content.find(np.float32(value).tobytes())
    assert place > 0
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(SimauditError, match="not a whole table"):
        read_table(file)
