"""docs/your-model.md as a person reads it: its commands, typed one after the other, and what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from commands_of_pages import blocks
from simaudit.audit.attacks import known_attacks
from simaudit.figures import legend

pytestmark = pytest.mark.workflow

PAGE = (Path(__file__).parents[2] / "docs/your-model.md").read_text(encoding="utf-8")
SHORTER = {"simaudit example case": "simaudit example case --epochs 250"}
"""What is typed in place of a command of the page, to save time: the model leaks less, and still clearly."""


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """The folder in which every command of the page was typed, and what was printed."""
    folder = tmp_path_factory.mktemp("your model")
    script = "".join(blocks(PAGE, "sh"))
    for command, instead in SHORTER.items():
        assert f"{command}\n" in script
        script = script.replace(command, instead)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return folder / "case", done.stdout


def form(line):
    """A line of the verdict without its numbers, grades, names of attacks and marks of a small tail."""
    names = "|".join(
        sorted((re.escape(legend.look(name).name) for name in known_attacks()), key=len, reverse=True)
    )
    plain = re.sub(rf"\b({names})(?=['\W])", "ATTACK", re.sub(r"\d+(\.\d+)?", "N", line))
    return (
        re.sub(r"\b(strong|clear|weak)(ly)?\b", r"GRADE\2", plain).replace("calls", "call").replace("†", "")
    )


def test_the_verdict_is_printed_in_the_form_that_the_page_shows(typed):
    _, printed = typed
    (shown,) = blocks(PAGE, "text")
    forms = set(map(form, printed.splitlines()))
    lines = shown.splitlines()
    assert len(lines) > 6
    for line in lines:
        assert form(line) in forms, printed


def test_a_limit_that_is_exceeded_gives_the_exit_code_that_the_page_says(typed):
    _, printed = typed
    assert "FAILED: tpr_at_1pct_fpr is " in printed
    assert "\nexit code 3\n" in printed
    assert "| 3 | it is finished, and a metric is above" in PAGE


def test_the_folder_holds_what_the_page_says(typed):
    case, printed = typed
    for name in ("results/report/index.html", "params.yaml"):
        assert (case / "audit" / name).is_file()
    scores = pd.read_csv(case / "audit/scores.csv").set_index("file")
    members = pd.read_csv(case / "members.csv").set_index("file").role
    assert (scores.role == members[scores.index]).all()
    means = scores.groupby("role").membership_sima.mean()
    assert means["member"] > means["heldout"]
    assert "given " in printed  # the trace of a number ends at the files that the user gave
    assert str(case / "model") in printed
