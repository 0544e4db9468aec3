"""Progress: a bar where nothing can overwrite it, lines everywhere else, both with the job's name."""

import io
import logging
from itertools import pairwise

import pytest

from simaudit.machine import progress
from simaudit.machine.progress import SHARED_TERMINAL, Progress, spoken


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it: clock[0] is the time."""
    time = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    return time


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.delenv(SHARED_TERMINAL, raising=False)
    monkeypatch.setattr(Progress, "job", "train net")


def lines(caplog, level):
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def run(clock, seconds):
    """A job that does one step in each second."""
    with Progress("denoiser", seconds) as steps:
        for _ in range(seconds):
            clock[0] += 1
            steps.advance(facts={"loss": 0.5})


def test_lines_name_the_job_its_part_and_the_time_left(clock, caplog):
    with caplog.at_level(logging.DEBUG, "simaudit"):
        run(clock, 15)
    assert lines(caplog, logging.INFO) == [
        "train net, denoiser: 10/15 steps, loss 0.5, 1.0 per second, 5 s left"
    ]
    assert lines(caplog, logging.DEBUG)[-1] == "train net, denoiser: 15 steps done"


def test_lines_become_rarer_but_come_every_minute(clock, caplog):
    with caplog.at_level(logging.INFO, "simaudit"):
        run(clock, 1000)
    at = [int(line.split(": ")[1].split("/")[0]) for line in lines(caplog, logging.INFO)]
    between = [after - before for before, after in pairwise(at)]
    assert between == sorted(between)
    assert (between[0], between[-1]) == (10, 60)


def test_a_bar_that_is_alone_on_a_terminal_leaves_the_lines_to_the_log_file(clock, monkeypatch, caplog):
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with caplog.at_level(logging.DEBUG, "simaudit"):
        run(clock, 15)
    assert "train net, denoiser: 100%|" in terminal.getvalue()
    assert lines(caplog, logging.INFO) == []
    assert len(lines(caplog, logging.DEBUG)) == 2


def test_two_jobs_on_one_terminal_show_no_bar(clock, monkeypatch, caplog):
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv(SHARED_TERMINAL, "1")
    with caplog.at_level(logging.INFO, "simaudit"):
        run(clock, 15)
    assert terminal.getvalue() == ""
    assert len(lines(caplog, logging.INFO)) == 1


def test_no_bar_where_there_is_no_terminal(clock, capsys):
    run(clock, 15)
    assert "|" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (58.4, "58 s"), (89, "89 s"), (91, "2 min"), (660, "11 min"), (7800, "2 h 10 min")],
)
def test_durations_are_spoken_in_the_unit_that_fits(seconds, words):
    assert spoken(seconds) == words
