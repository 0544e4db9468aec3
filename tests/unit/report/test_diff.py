"""Two runs side by side: what differs, and what is honestly said of it."""

import json
import shutil

import pytest
from click.testing import CliRunner

from simaudit.cli import simaudit
from simaudit.report.diff import APART, OVERLAP, SAME, UNKNOWN, Change, Compared, changes, sections


@pytest.fixture
def changed(reported, tmp_path):
    """The small run again, with another AUC, without a number, and with another parameter."""
    root = tmp_path / "results"
    shutil.copytree(reported.path, root)
    numbers = json.loads((root / "numbers.json").read_text())
    numbers["net.sima.auc"] |= {"value": 0.25, "low": 0.2, "high": 0.3}
    numbers["other.sima.auc"]["value"] += 0.001
    del numbers["net.loss.auc"]
    (root / "numbers.json").write_text(json.dumps(numbers))
    controls = json.loads((root / "comparison/controls.json").read_text())
    controls["verdicts"]["net"]["verdict"] = "undecided"
    (root / "comparison/controls.json").write_text(json.dumps(controls))
    return tmp_path


def test_what_differs_is_said_the_surest_and_largest_first(reported, changed):
    first, second = Compared.read(reported.path), Compared.read(changed)
    sure, unsure = changes(first, second)
    assert (sure.first.id, sure.means) == ("net.sima.auc", APART)
    assert sure.difference == 0.25 - sure.first.value
    assert (unsure.first.id, unsure.means) == ("other.sima.auc", OVERLAP)
    parts = sections(first, second)
    assert parts["Numbers in one run only"][1] == [("net.loss.auc", "yes", "–")]
    (target,) = parts["Targets"][1]
    assert target == ("net", "leaks, best attack SimA", "undecided, best attack SimA")


def test_a_run_does_not_differ_from_itself(reported):
    run = Compared.read(reported.path / "numbers.json")
    assert all(rows == [] for _, rows in sections(run, run).values())
    number = run.ledger.numbers["net.sima.auc"]
    assert Change(number, number).means == SAME


def test_parameters_that_differ_are_named_by_job_and_key(reported):
    run = Compared.read(reported.path)
    other = Compared(run.ledger, run.verdicts, {**run.params, "evaluate/net: seed": "8"})
    assert sections(run, other)["Parameters"][1] == [("evaluate/net: seed", "7", "8")]


def test_the_command_prints_it_and_writes_one_page(reported, changed, tmp_path):
    output = tmp_path / "diff.html"
    asked = ["diff", str(reported.path), str(changed), "--output", str(output)]
    result = CliRunner().invoke(simaudit, asked)
    assert result.exit_code == 0, result.output
    assert "net.loss.auc" in result.output
    html = output.read_text()
    assert APART in html
    assert OVERLAP in html
    assert "http" not in html
    assert UNKNOWN not in html
