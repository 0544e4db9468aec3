"""An entry of params.yaml may have any name: figures and tables go by its kind."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from auditing import new_audit
from figuring import raw, sima

from simaudit.attacks.derived.complexity import Complexity
from simaudit.attacks.threshold.sima import SimA
from simaudit.evaluation.numbers import number_id
from simaudit.evaluation.results import Run
from simaudit.figures.drawing import draw
from simaudit.figures.figure import figure_types, looks
from simaudit.figures.jobs import figure_job
from simaudit.figures.legend import FAMILY_COLOURS, look
from simaudit.figures.legend import looks as looks_of
from simaudit.report.findings import Findings
from simaudit.report.tables import of_run
from simaudit.storage.json import write_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.kinds import entry_of

OTHER = "my-own"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same scores of SimA, in an entry of its name and in one of another, beside those of Loss."""
    results = []
    for name in ("sima", OTHER):
        audit = new_audit(tmp_path_factory.mktemp(name))
        audit.blind()
        strengths, kinds = {name: 2, "loss": 1}, {name: "sima"}
        results.append(audit.evaluate("target", strengths, kinds=kinds, **{name: sima(audit)}))
    return results


@pytest.fixture
def renamed(compared, tmp_path):
    """The run in which the entry of kind `sima` has another name; what papers report is as it was."""
    root = shutil.copytree(compared.root, tmp_path / "renamed")
    numbers = {}
    for number in json.loads((root / "numbers.json").read_text()).values():
        if number["attack"] == "sima" and number["audit"]:
            number["attack"] = OTHER
        numbers[number_id(*(number[key] for key in ("metric", "audit", "attack", "of")))] = number
    write_json(root / "numbers.json", numbers)
    kinds = {OTHER: "sima"}
    contexts = {name: replace(context, kinds=kinds) for name, context in compared.contexts.items()}
    return Run(root, contexts, compared.splits)


def with_own_name(values):
    return values.replace(OTHER, "sima")


def said(drawing):
    """The sentence of a figure as it would be if SimA were not called by its name in print."""
    return drawing.caption.sentence.replace(OTHER, "sima").replace("SimA", "sima")


@pytest.mark.parametrize(
    "name",
    [
        *("metrics_over_time", "roc_loglog", "statistic_histogram", "statistic_over_time"),
        *("norms", "nearest_member", "queries"),
    ],
)
def test_a_figure_of_a_target_is_the_same_whatever_the_entry_is_named(name, both):
    by_kind, by_name = (draw(figure_types()[name](), results) for results in reversed(both))
    pd.testing.assert_frame_equal(with_own_name(by_kind.values), by_name.values)
    assert said(by_kind) == said(by_name)
    if "kind" in by_kind.values:
        assert set(by_kind.values.kind[by_kind.values.attack == OTHER]) == {"sima"}


@pytest.mark.parametrize(
    "name", ["over_epochs", "over_beta", "published_beside", "forest", "against_reference"]
)
def test_a_figure_of_a_run_is_the_same_whatever_the_entry_is_named(name, compared, renamed):
    by_kind, by_name = (draw(figure_types()[name](), run) for run in (renamed, compared))
    pd.testing.assert_frame_equal(with_own_name(by_kind.values), by_name.values)
    assert said(by_kind) == said(by_name)
    assert len(by_kind.picture.axes) == len(by_name.picture.axes)


def test_the_tables_of_autoencoders_and_of_published_numbers_go_by_kind(compared, renamed):
    def cells(run, table):
        findings = Findings(run.ledger, run.contexts, summaries(run), comparisons(run))
        return [[cell.replace(OTHER, "sima") for cell in row] for row in table(findings).rows]

    def summaries(run):
        attacks = {name: {attack: {} for attack in run.ledger.attacks(name)} for name in run.contexts}
        return {name: {"split": "s", "attacks": of} for name, of in attacks.items()}

    def comparisons(run):
        files = (run.root / "comparison").glob("*.json")
        return {file.stem: json.loads(file.read_text()) for file in files}

    for table in (of_run.autoencoders, of_run.published):
        assert cells(renamed, table) == cells(compared, table) != []


def test_the_figure_of_complexity_finds_the_entry_of_its_kind():
    attacks = {"sima": SimA(timesteps=[10]), OTHER: Complexity()}
    figure = figure_types()["complexity"]()
    assert figure.missing(attacks, False) is None
    assert paths.scores("net", OTHER) in figure_job("net", "complexity", figure, {}, attacks=attacks).inputs


@pytest.mark.parametrize(
    ("kinds", "entry"),
    [
        ({"a": "sima", "sima": "sima"}, "sima"),
        ({"b": "sima", "a": "sima"}, "b"),
        ({"sima": "pia"}, None),
        ({}, None),
    ],
)
def test_a_kind_is_stood_for_by_the_entry_of_its_name_or_by_the_first(kinds, entry):
    assert entry_of("sima", kinds) == entry


def test_an_entry_wears_the_colour_of_its_kind_and_no_other_attacks_marker_and_dashes():
    mine, known = look("mine", "sima"), look("sima")
    assert (mine.name, mine.colour) == ("mine", known.colour)
    assert mine.marker != known.marker
    assert mine.dash != known.dash
    assert look("complexity_av", "complexity").name == "Complexity-AV"
    assert look("mine", "a-kind-that-a-user-wrote").colour == FAMILY_COLOURS["other"]


def test_entries_of_one_kind_stay_apart_in_a_picture():
    entries = {"sima": "sima", **{f"mine{number}": "sima" for number in range(20)}}
    shown = looks_of(entries)
    assert len({(one.marker, one.dash) for one in shown.values()}) == len(entries)
    assert {one.colour for one in shown.values()} == {FAMILY_COLOURS["sima"]}
    assert next(iter(shown)) == "sima"


def test_a_table_without_kinds_is_drawn_by_names():
    values = pd.DataFrame({"attack": ["sima", "mine", None], "variant": raw(1)})
    assert looks(values)["sima"] == look("sima")
    assert looks(values)["mine"].colour == FAMILY_COLOURS["other"]
