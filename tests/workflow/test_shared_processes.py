"""What one process does of the jobs that share it: those that are due, and no other."""

import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

SCORE, EVALUATION, FIGURES = (f"{process}/digits-ddpm" for process in ("score", "evaluation", "figures"))
OWN = "own_statistics/digits-ddpm"
"""What is asked about the model's own samples, which is all asked again when one attack changes."""
SIMA, PIA = (Path(f"results/scores/digits-ddpm/{attack}.parquet") for attack in ("sima", "pia"))
KEY = "audits.digits-ddpm.attacks"
SECONDS = 180


def made(repository):
    """What jobs have written, by path: which file it is, and its content. Snakemake touches what a process leaves."""
    files = [
        path
        for folder in ("records", "scores", "samples", "figures", "evaluation")
        for path in (repository.path / "results" / folder).rglob("*.*")
    ]
    return {
        path.relative_to(repository.path).as_posix(): (path.stat().st_ino, path.read_bytes())
        for path in files
    }


def changed(before, after):
    """The files that are other ones now, the records among them."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def rule(process):
    """The name of the Snakemake rule of a process."""
    return process.replace("/", "_", 1)


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def child_of(process, command):
    """The process that was started, at whatever distance, by another one, and runs a command."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
            is_child = os.getpgid(int(line.parent.name)) == process.pid
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_child and [b"run", command.encode()] == words[2:4]:
            return int(line.parent.name)
    raise AssertionError(f"no simaudit run {command}")


def test_an_attack_that_changed_or_is_new_is_scored_alone_and_one_that_is_gone_leaves_its_file(results):
    before = made(results)
    results.change("attacks.pia.timesteps", [60])
    results.change(KEY, ["loss", "pia", "secmi", "sima"])
    results.snakemake(rule(SCORE))
    assert results.done_by(SCORE) == [f"{SCORE}/pia", f"{SCORE}/secmi", OWN]
    files = {f"results/{folder}/digits-ddpm/{{}}" for folder in ("scores", "records/score")}
    names = {"pia.parquet", "pia.json", "secmi.parquet", "secmi.json"}
    own = {f"results/records/{OWN}.json", "results/samples/statistics/digits-ddpm.parquet"}
    assert changed(before, made(results)) <= {file.format(name) for file in files for name in names} | own
    assert results.due(rule(SCORE)) == set()

    before = made(results)
    results.change(KEY, ["loss", "pia", "sima"])
    results.snakemake(rule(SCORE))
    assert results.done_by(SCORE) == [OWN]
    assert changed(before, made(results)) == own
    assert results.due(rule(SCORE)) == set()


def test_a_figure_that_changed_is_drawn_alone(results):
    before = made(results)
    results.append("src/simaudit/figures/of_target/nearest_member.py", "\nlen(__name__)\n")
    results.snakemake(rule(FIGURES))
    assert results.done_by(FIGURES) == ["figure/digits-ddpm/nearest_member"]
    assert {Path(name).stem for name in changed(before, made(results))} == {"nearest_member"}
    assert results.due(rule(FIGURES)) == set()


def test_a_flipped_bit_is_noticed_and_that_file_alone_is_made_again(results):
    before = made(results)
    flip_a_bit(results.path / SIMA)
    results.snakemake("--forcerun", rule(SCORE), "--", rule(SCORE))
    assert results.done_by(SCORE) == [f"{SCORE}/sima"]
    assert {name: content for name, (_, content) in before.items()} == {
        name: content for name, (_, content) in made(results).items()
    }
    assert results.due() == {
        "numbers",
        "figures/run",
        "tables",
        "verdict",
        "report",
    }  # which tell the seconds that it took


def test_what_is_forced_by_its_file_is_done_whatever_it_is(results):
    results.snakemake("--forcerun", PIA.as_posix(), "--", rule(SCORE))
    assert results.done_by(SCORE) == [f"{SCORE}/pia"]
    results.snakemake("--forceall", "--allowed-rules", rule(FIGURES), "--", rule(FIGURES))
    assert len(results.done_by(FIGURES)) == 4


def test_a_process_that_is_killed_leaves_what_it_has_done_and_the_rest_is_due(results):
    """Although all its files are there, of before, and Snakemake notes that it ran by the parameters of now."""
    log = results.path / f"results/logs/{EVALUATION}.log"
    log.unlink()
    results.change("evaluation.bootstrap", 110)
    process = results.start("snakemake", "--cores", "1", rule(EVALUATION))
    deadline = time.monotonic() + SECONDS
    while not log.exists() or "quality/digits-ddpm: starts" not in log.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(child_of(process, EVALUATION), signal.SIGKILL)
    assert process.wait() == 1
    said = max((results.path / ".snakemake/log").glob("*.log")).read_text()
    why = "was killed (signal 9), most often because the memory was full; lower quality.samples, or run fewer"
    assert f"FAILED quality digits-ddpm: {why}" in said
    assert not list((results.path / ".snakemake").glob("backups/**/*.*"))
    record = results.path / "results/records/evaluate/digits-ddpm.json"
    state = record.stat().st_ino

    assert EVALUATION in results.due(rule(EVALUATION))
    results.snakemake(rule(EVALUATION))
    assert results.done_by(EVALUATION) == [
        "quality/digits-ddpm",
        "own_samples/digits-ddpm",
    ]  # sets draw nothing
    assert record.stat().st_ino == state
    assert results.due(rule(EVALUATION)) == set()


def test_two_shards_leave_the_same_bytes_as_one_process(results):
    def scored():
        results.snakemake("--forcerun", SIMA.as_posix(), PIA.as_posix(), "--", rule(SCORE))
        assert set(results.done_by(SCORE)) - {OWN} == {f"{SCORE}/sima", f"{SCORE}/pia"}
        assert results.due(rule(SCORE)) == set()
        return [(results.path / file).read_bytes() for file in (SIMA, PIA)]

    results.change("scoring.batch_size", 300)
    whole = scored()
    results.change("scoring.shards", 2)
    assert scored() == whole
    assert "0 queries of the denoiser" in (results.path / f"results/logs/{SCORE}.log").read_text()
    for shard in (1, 2):
        assert (results.path / f"results/logs/shard/{SCORE}/{shard}.run.json").exists()
    assert not list((results.path / "results/shards").rglob("*.json"))
    assert not list((results.path / "results/unfinished").iterdir())
