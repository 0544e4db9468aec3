"""What a person sees while Snakemake runs, with a real Snakemake on a small workflow; and what is forecast."""

import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simaudit.plan.load import load
from simaudit.provenance import stamps
from simaudit.report.terminal.failure import exit_codes
from simaudit.report.terminal.forecast import TRUSTED_SECONDS, Forecast, Planned
from simaudit.report.terminal.jobs import JobLines
from simaudit.scoring.jobs import score_job
from simaudit.storage.json import write_json

ROOT = Path(__file__).parents[3]
WORKFLOW = f"""
import os
from pathlib import Path

include: "{ROOT}/workflow/rules/terminal.smk"

MANY = [f"data/a-file-with-a-long-name/{{i}}.txt" for i in range(100)]

rule all:
    input: "results/out.txt", MANY

rule many:
    output: MANY
    log: "results/logs/prepare/many.log"
    shell: "touch {{output}}"

rule out:
    input: MANY
    output: "results/out.txt"
    log: "results/logs/score/net/epochs/50/sima.log"
    shell: "echo $WORDS > {{log}}; END; test -z \\"$WORDS\\"; echo '{{input}}' > {{output}}"
"""


@pytest.fixture
def snakemake(tmp_path):
    """Runs Snakemake on the small workflow and returns what it shows; the last line of a job's log may be an error."""

    def run(*arguments, error="", end="true"):
        (tmp_path / "Snakefile").write_text(WORKFLOW.replace("END", end))
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT / "src"),
                "WORDS": error,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) is bool(error), done.stdout
        return done.stdout.splitlines()

    return run


def log_of_snakemake(folder):
    return max((folder / ".snakemake/log").iterdir()).read_text()


def test_each_job_is_one_line_and_the_log_has_the_rest(snakemake, tmp_path):
    write_json(tmp_path / "results/logs/prepare/many.run.json", {"seconds": 700})
    write_json(tmp_path / "results/logs/score/net/epochs/50/sima.run.json", {"seconds": 500})
    shown = snakemake()
    assert "Jobs to run: 2; cores: 2; about 12 min if each takes as long as the last time" in shown
    jobs = [line for line in shown if line.startswith("[")]
    assert jobs[0] == "[1/2, 12 min left] prepare many, about 12 min"
    assert re.fullmatch(
        r"\[2/2, (\d+) s left\] score net/epochs/50/sima, about \1 s", jobs[1]
    )  # the pace is new
    assert len(jobs) == 2
    assert max(map(len, shown)) <= 200
    assert not any("touch" in line for line in shown)
    assert "data/a-file-with-a-long-name/99.txt" in log_of_snakemake(tmp_path)


def test_a_first_run_counts_jobs_and_forecasts_nothing(snakemake):
    shown = snakemake()
    assert "Jobs to run: 2; cores: 2" in shown
    jobs = [line for line in shown if line.startswith("[")]
    assert jobs == ["[1/2] prepare many", "[2/2] score net/epochs/50/sima"]


def test_a_failed_job_is_named_with_its_log_and_its_last_words(snakemake, tmp_path):
    shown = snakemake(error="out of luck")
    assert "FAILED score net/epochs/50/sima: out of luck" in shown
    assert shown.count("    its log: results/logs/score/net/epochs/50/sima.log") == 2
    assert max(map(len, shown)) <= 200
    assert not any("test -z" in line for line in shown)
    assert "test -z" in log_of_snakemake(tmp_path)


@pytest.mark.parametrize("end", ["kill -9 $$", "sh -c 'kill -9 $$'"], ids=["the shell", "what it called"])
def test_a_killed_job_is_told_from_one_that_failed_with_what_to_lower(snakemake, tmp_path, monkeypatch, end):
    monkeypatch.chdir(tmp_path)
    reads = {"images": Path("i"), "split": Path("s"), "target": Path("t")}
    params = load([ROOT / "params.yaml"])
    family = params.targets["digits-ddpm"]
    stamps.write([score_job("net", "sima", params.attacks["sima"], params.scoring, reads, family, 50)])
    shown = " ".join(line.strip() for line in snakemake(error="half of a line", end=end))
    why = "was killed (signal 9), most often because the memory was full; lower scoring.batch_size, or run fewer jobs"
    assert f"FAILED score net/epochs/50/sima: {why}" in shown
    assert "half of a line" not in shown


def test_exit_codes_are_those_of_every_failed_command_and_a_signal_is_one_as_in_a_shell():
    said = [
        "CalledProcessError in file x: Command 'simaudit run a' returned non-zero exit status 2.",
        "CalledProcessError in file x: Command 'simaudit run b' died with <Signals.SIGKILL: 9>.",
        "CalledProcessError in file x: Command 'simaudit run c' returned non-zero exit status 137.",
    ]
    assert exit_codes("\n".join(said)) == [2, 128 + 9, 137]
    assert exit_codes("Nothing to be done") == []


def test_a_dry_run_says_which_jobs_would_run_and_why(snakemake):
    shown = snakemake("--dry-run")
    assert "prepare many: Missing output files: data/a-file-with-a-long-name/0.txt and 99 more" in shown
    assert (
        "score net/epochs/50/sima: Missing output files: results/out.txt; Input files updated by another job: "
        "data/a-file-with-a-long-name/0.txt and 99 more"
    ) in shown
    assert max(map(len, shown)) <= 200
    assert sum("Job stats" in line for line in shown) == 1


def test_whoever_asks_for_commands_gets_all_that_snakemake_says(snakemake):
    shown = snakemake("--printshellcmds")
    assert any("touch data/" in line for line in shown)
    assert any(line.startswith("    reason: ") for line in shown)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_long_line_is_wrapped_on_a_terminal_alone(monkeypatch, is_terminal):
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    line = "  " + " ".join(["word"] * 30)
    JobLines(stream, lambda: Forecast({}, 1)).emit(logging.makeLogRecord({"msg": line}))
    shown = stream.getvalue().splitlines()
    if is_terminal:
        assert max(map(len, shown)) <= 40
        assert {len(rest) - len(rest.lstrip()) for rest in shown[1:]} == {6}
    else:
        assert shown == [line]


def test_what_is_left_is_shared_out_among_the_cores():
    forecast = Forecast({1: Planned(100), 2: Planned(60), 3: Planned(40, threads=4)}, cores=2)
    assert forecast.left(0) == (100 + 60 + 2 * 40) / 2
    forecast.start(1, 0)
    assert forecast.left(30) == (70 + 60 + 2 * 40) / 2
    assert forecast.left(500) == (0 + 60 + 2 * 40) / 2


def test_it_lasts_as_long_as_its_longest_job():
    assert Forecast({1: Planned(100), 2: Planned(2)}, cores=8).left(0) == 100


@pytest.mark.parametrize(
    "forecast",
    [Forecast({1: Planned(5), 2: Planned(None)}, cores=2), Forecast({1: Planned(5)}, cores=None)],
    ids=["a job that never ran", "a cluster"],
)
def test_nothing_is_forecast_that_nobody_knows(forecast):
    assert forecast.left(0) is None


def test_a_slower_machine_is_seen_in_the_jobs_that_have_ended():
    forecast = Forecast({1: Planned(1000), 2: Planned(100)}, cores=1)
    forecast.start(1, 0)
    assert forecast.end(1, 2000) == 2000
    pace = (2000 + TRUSTED_SECONDS) / (1000 + TRUSTED_SECONDS)
    assert forecast.left(2000) == pytest.approx(100 * pace)
    assert forecast.seconds(2) == pytest.approx(100 * pace)


def test_a_job_takes_as_long_as_its_run_log_says(tmp_path):
    write_json(tmp_path / "net.run.json", {"seconds": 58.2})
    assert Planned.of(tmp_path / "net.log", 4) == Planned(58.2, 4)
    assert Planned.of(tmp_path / "new.log", 1).seconds is None
    (tmp_path / "net.run.json").write_text("{")
    assert Planned.of(tmp_path / "net.log", 1).seconds is None
