"""Near duplicates in tables and page: a warning, their pairs, and the headline numbers without them."""

import csv
from dataclasses import replace

import pytest
from auditing import SmallRun, new_audit
from reporting import Reported, report_on

from simaudit.evaluation.numbers import Ledger
from simaudit.storage.json import read_json


def run_with(near, path):
    """A run of one target, with so many near duplicates among the 108 held-out samples of its evaluation fold."""
    audit = replace(new_audit(path), near_duplicates=near)
    blind = audit.blind()
    return SmallRun.of(audit, [audit.evaluate("net", {"sima": 2, "loss": 1})], blind)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> SmallRun:
    return run_with(5, tmp_path_factory.mktemp("near"))


@pytest.fixture(scope="module")
def reported(run) -> Reported:
    return report_on(run)


def read(reported, name):
    """The rows of a table, and its text in Markdown."""
    path = reported.path / "tables" / name
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream)), path.with_suffix(".md").read_text()


def test_the_headline_numbers_without_them_are_in_the_ledger_and_a_table(reported):
    attacks = read_json(reported.path / "evaluation/net.json")["attacks"]
    ledger = Ledger.read(reported.path / "numbers.json")
    rows, text = read(reported, "net/without_near_duplicates")
    assert [row["attack"] for row in rows] == list(attacks) == ["loss", "sima"]
    for row in rows:
        without = attacks[row["attack"]]["without_near_duplicates"]
        assert float(row["auc"]) == without["auc"]["value"]
        assert float(row["tpr_at_1pct_fpr_high"]) == without["tpr_at_1pct_fpr"]["high"]
        number = ledger.number("balanced_accuracy", "net", row["attack"], "without_near_duplicates")
        assert float(row["balanced_accuracy_low"]) == number.low == without["balanced_accuracy"]["low"]
    assert "without 5 of the 108 held-out samples" in text


def test_the_pairs_are_a_table(run, reported):
    split, (rows, text) = run.audit.split, read(reported, "run/near_duplicates")
    near = split.sample_id[~split.is_member & ~split.is_calibration][:5]
    assert [int(row["sample_id"]) for row in rows] == near.tolist()
    assert {int(row["member_id"]) for row in rows} == {int(split.member_ids[0])}
    assert (rows[0]["rms"], rows[0]["correlation"]) == ("0.015625", "0.984375")
    assert "5 of 180 held-out samples of the split s" in text


def test_the_page_warns_before_its_verdicts_and_every_number_of_it_leads_somewhere(reported):
    page = reported.page
    verdicts = page.text.index("What is found of each target.")
    assert "of held-out samples of the split s: nearly the same image as a member, so" in page.text[:verdicts]
    for place, printed in (
        ("s.near_duplicates.found", "5"),
        ("s.near_duplicates.heldout", "180"),
        ("s.near_duplicates.smallest_correlation", "0.8"),
        ("s.near_duplicates.pairs.05.rms", "0.01562"),
        ("net.near_duplicates.found", "5"),
    ):
        assert (f"#number-{place}", printed) in page.numbers
        assert place in {number["id"] for number in page.known["numbers"]}


def test_that_none_was_found_is_said_once_and_of_how_many(tmp_path):
    reported = report_on(run_with(0, tmp_path))
    page = reported.page
    assert page.text.count("held-out samples of the split s") == 1
    assert (
        "Near duplicates: none was found ( of held-out samples of the split s)." in page.text
    )  # the numbers are links
    assert {("#number-s.near_duplicates.found", "0"), ("#number-s.near_duplicates.heldout", "180")} <= set(
        page.numbers
    )
    assert "nearly the same image" not in page.text
    assert "Attacks, without near duplicates of net: no held-out sample" in page.text
    assert not (reported.path / "tables/run/near_duplicates.csv").exists()
