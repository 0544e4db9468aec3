"""`simaudit figure`: each mistake is one line that says what to do instead."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from simaudit.cli import simaudit
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import stamps
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A folder in which nothing is made yet of what params.yaml asks for."""
    folder = tmp_path_factory.mktemp("asked") / "results"
    stamps.write(jobs(load([ROOT / "params.yaml"])), folder / "params", folder / "speed.json")
    return folder.parent


@pytest.fixture
def run(asked, monkeypatch):
    monkeypatch.chdir(asked)
    return asked


def figure(*arguments):
    return CliRunner().invoke(simaudit, ["figure", *arguments, "--output", "x.png"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["norm"], ["figure norm: no such figure; did you mean norms?"]),
        (["histo"], ["figure histo: no such figure; did you mean statistic_histogram?"]),
        (["zzz"], ["figure zzz: no such figure; known: ", "norms, "]),
        (["norms"], ["figure norms: needs --target (targets: digits-ddpm, ", "digits-optimal"]),
        (
            ["mean_ranks", "--target", "digits-ddpm"],
            ["figure mean_ranks: is of all targets together; leave out --target"],
        ),
        (["norms", "--target", "nope"], ["--target nope: no such target; known: digits-ddpm, "]),
        (["norms", "--target", "run"], ["--target run: no such target; known: digits-ddpm, "]),
        (
            ["queries", "--target", "digits-untrained"],
            ["figure queries of digits-untrained: not drawn, params.yaml does not ask for it"],
        ),
        (
            ["norms", "--target", "digits-ddpm", "--set", "zzz=1"],
            ["--set zzz: unknown key; remove it or correct its spelling"],
        ),
        (
            ["norms", "--target", "digits-ddpm", "--set", "attack=["],
            ["--set attack: line 1: not valid YAML: "],
        ),
        (
            ["norms", "--target", "digits-ddpm"],
            ["results/evaluation/digits-ddpm", ": missing; make it with: snakemake --cores all"],
        ),
        (
            ["norms", "--target", "digits-ddpm", "--results", "elsewhere"],
            ["elsewhere: no results here; make them with: make figures"],
        ),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_one_line_with_its_remedy(run, arguments, words):
    error = figure(*arguments).exception
    assert isinstance(error, SimauditError), error
    assert len(str(error).splitlines()) == 1
    for word in words:
        assert word in str(error)
    assert not Path("x.png").exists()


def test_why_a_figure_is_not_drawn_is_said(tmp_path, monkeypatch):
    """The reason is that of the parameters: one audit of one attack has no second number of queries."""
    monkeypatch.chdir(tmp_path)
    audits = {"audits": {"digits-ddpm": {"attacks": ["sima"]}}}
    stamps.write(jobs(load([ROOT / "params.yaml"], audits)))
    words = "figure queries of digits-ddpm: not drawn, needs "
    assert str(figure("queries", "--target", "digits-ddpm").exception).startswith(words)


def test_a_picture_that_is_no_picture_is_refused(run):
    error = CliRunner().invoke(simaudit, ["figure", "mean_ranks", "--output", "x.docx"]).exception
    assert str(error).startswith("x.docx: must end in one of ")


def test_other_values_of_knobs_are_those_that_it_is_drawn_with(run, monkeypatch):
    calls = []
    monkeypatch.setattr("simaudit.figures.jobs.draw_again", lambda *arguments: calls.append(arguments))
    arguments = ["norms", "--target", "digits-ddpm", "--set", "attack=sima_mc"]
    assert figure(*arguments).exit_code == 0
    ((params, results, outputs),) = calls
    assert (params["of"], params["name"], params["figure"]) == ("digits-ddpm", "norms", {"attack": "sima_mc"})
    assert (results, outputs) == (Path("results"), (Path("x.png"),))
