"""Two runs side by side: what differs, and what is honestly said of it."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest
from auditing import OCCASION
from click.testing import CliRunner

from simaudit.cli import simaudit
from simaudit.evaluation.numbers import Ledger
from simaudit.report.diff.run import NO_VERDICT, NOT_KNOWN, Compared
from simaudit.report.diff.sections import APART, OVERLAP, SAME, UNKNOWN, Change, changes, sections
from simaudit.storage.json import write_json


@pytest.fixture
def changed(reported, tmp_path):
    """The small run again, with other numbers, another verdict, a control that failed, and by another commit."""
    root = tmp_path / "results"
    shutil.copytree(reported.path, root)
    with edited(root / "numbers.json") as numbers:
        numbers["net.sima.auc"] |= {"value": 0.25, "low": 0.2, "high": 0.3}
        numbers["other.sima.auc"]["value"] += 0.001
        del numbers["net.loss.auc"]
    with edited(root / "comparison/controls.json") as controls:
        controls["verdicts"]["net"]["verdict"] = "undecided"
        controls["controls"][0]["passed"] = False
    with edited(root / "verdict.json") as verdict:
        verdict["audits"]["net"]["grade"] = "undecided"
        verdict |= {"commit": "abcdef0123", "dirty": True}
    return tmp_path


@contextmanager
def edited(file):
    """Give what a JSON file holds, and write what is made of it."""
    content = json.loads(file.read_text())
    yield content
    write_json(file, content)


def rows(first, second):
    """The rows of every section, by its title."""
    return {section.title: section.rows for section in sections(first, second)}


def test_what_differs_is_said_the_surest_and_largest_first(reported, changed):
    first, second = Compared.read(reported.path), Compared.read(changed)
    sure, unsure = changes(first, second)
    assert (sure.first.id, sure.means) == ("net.sima.auc", APART)
    assert sure.difference == 0.25 - sure.first.value
    assert (unsure.first.id, unsure.means) == ("other.sima.auc", OVERLAP)
    parts = rows(first, second)
    assert parts["Numbers in one run only"] == [("net.loss.auc", "yes", "–")]
    assert parts["Targets"] == [
        ("net", "verdict", "leaks", "undecided"),
        ("net", "grade", "strong", "undecided"),
    ]
    ((control, before, after),) = parts["Controls"]
    assert (control, before, after) == (next(iter(first.outcomes)), "passed", "FAILED")


def test_another_best_attack_is_named(reported, changed):
    with edited(changed / "results/numbers.json") as numbers:
        numbers["net.loss.calibration_auc"]["value"] = 1.1
    said = rows(Compared.read(reported.path), Compared.read(changed))["Targets"]
    assert ("net", "best attack", "SimA", "Loss") in said


def test_a_target_of_one_run_is_named_once_and_not_compared(reported):
    run = Compared.read(reported.path)
    numbers = {id: number for id, number in run.ledger.numbers.items() if number.audit != "other"}
    without = replace(run, ledger=Ledger(numbers))
    assert rows(without, run)["Targets in one run only"] == [("other", "–", "yes")]
    assert rows(without, run)["Targets"] == rows(without, run)["Numbers in one run only"] == []


def test_a_split_of_one_run_is_no_target(reported):
    run = Compared.read(reported.path)
    numbers = {id: number for id, number in run.ledger.numbers.items() if number.audit not in run.targets}
    assert {number.audit for number in numbers.values()} > {None}  # numbers of splits, and of the whole run
    without = {id: number for id, number in run.ledger.numbers.items() if number.audit != "s"}
    said = rows(replace(run, ledger=Ledger(without)), run)
    assert said["Targets in one run only"] == said["Numbers in one run only"] == []


def test_each_run_says_when_and_by_which_code_its_numbers_were_taken(changed):
    said = Compared.read(changed).said
    assert said.split(" · ")[1:] == ["commit abcdef01 with changes", f"simaudit {OCCASION['simaudit']}"]


def test_an_older_run_without_its_verdict_says_so_and_no_grade_is_compared(reported, changed):
    (changed / "results/verdict.json").unlink()
    write_json(changed / "results/occasion.json", OCCASION)
    older = Compared.read(changed)
    assert "commit 01234567 · " in older.said
    assert older.said.endswith(f"; {NO_VERDICT}")
    assert {what for _, what, *_ in rows(Compared.read(reported.path), older)["Targets"]} == {"verdict"}
    (changed / "results/occasion.json").unlink()
    assert Compared.read(changed).said == f"{NOT_KNOWN}; {NO_VERDICT}"


def test_a_run_does_not_differ_from_itself(reported):
    run = Compared.read(reported.path / "numbers.json")
    assert not any(rows(run, run).values())
    number = run.ledger.numbers["net.sima.auc"]
    assert Change(number, number).means == SAME


def test_parameters_that_differ_are_named_by_job_and_key(reported):
    run = Compared.read(reported.path)
    other = replace(run, params={**run.params, "evaluate/net: seed": "8"})
    assert rows(run, other)["Parameters"] == [("evaluate/net: seed", "7", "8")]


def test_the_command_prints_it_and_writes_one_page(reported, changed, tmp_path):
    output = tmp_path / "diff.html"
    asked = ["diff", str(reported.path), str(changed), "--output", str(output)]
    result = CliRunner().invoke(simaudit, asked)
    assert result.exit_code == 0, result.output
    assert "net.loss.auc" in result.output
    _, first, second, *_ = result.output.splitlines()
    assert first == f"A: {reported.path}   {Compared.read(reported.path).said}"
    assert second == f"B: {changed}   {Compared.read(changed).said}"
    html = output.read_text()
    assert APART in html
    assert OVERLAP in html
    assert "commit abcdef01" in html
    assert "http" not in html
    assert UNKNOWN not in html
