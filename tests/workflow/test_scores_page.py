"""docs/scores.md as a person reads it: its commands, typed one after the other, and what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands_of_pages import blocks

pytestmark = pytest.mark.workflow

PAGE = (Path(__file__).parents[2] / "docs/scores.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What is printed where every command of the page is typed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", "".join(blocks(PAGE, "sh"))],
        cwd=tmp_path_factory.mktemp("scores"),
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_verdict_is_the_one_that_the_page_shows(printed):
    (shown,) = blocks(PAGE, "text")
    assert len(shown.splitlines()) > 6
    assert shown in printed


def test_the_trace_ends_at_the_given_file_and_everything_agrees(printed):
    assert re.search(r"given \S*/theirs.csv  sha256", printed)
    assert "everything agrees" in printed
