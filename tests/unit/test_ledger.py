"""The ledger: every number of a run once, with limits, and a way back to where it stands."""

import json
import re

import pytest

from simaudit.evaluation.numbers import Ledger, ledger
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import write_json
from simaudit.vocabulary.errors import SimauditError


@pytest.fixture
def run(small_run):
    """Its folder, its targets, and the files that its ledger is of."""
    return small_run.audit, small_run.targets, small_run.files


def resolve(content, pointer):
    for key in pointer.removeprefix("/").split("/"):
        content = content[key.replace("~1", "/").replace("~0", "~")]
    return content


def test_every_number_leads_back_to_its_value_and_lies_within_its_limits(run):
    numbers = ledger(run[2])
    assert len(numbers) > 200
    for name, number in numbers.items():
        path = next(path for path in run[2] if path.as_posix() == number["source"])
        assert resolve(json.loads(path.read_text()), number["pointer"]) == number["value"], name
        assert number["source_sha256"] == sha256_file(path)
        if name.startswith("published."):
            assert "ranks" in name or name.endswith("queries") or number["low"] is None is number["high"]
        else:
            assert number["low"] <= number["value"] <= number["high"], name


def test_no_number_of_a_file_is_left_out(run):
    """Counted in the text itself: each estimate has one value, and its limits are no numbers of their own."""
    numbers = ledger(run[2])
    for path in run[2]:
        text = re.sub(r'"(?:low|high)": [-+.\de]+', "", path.read_text())
        assert len(re.findall(r": [-+]?\d", text)) == sum(
            n["source"] == path.as_posix() for n in numbers.values()
        )


def test_the_headline_number_has_the_name_that_a_person_would_guess(run):
    numbers = ledger(run[2])
    summary = run[1][0].summary["attacks"]["sima"]
    assert numbers["net.sima.auc"]["value"] == summary["selected"]["auc"]["value"]
    assert numbers["net.sima.oracle.auc"]["value"] == summary["oracle"]["auc"]["value"]
    assert numbers["net.sima.minus_loss.auc"]["low"] > -1
    assert numbers["s.blind.auc"]["unit"] == "1"
    assert numbers["net.sima.queries"]["unit"] == "queries"
    assert numbers["net.sima.sd_between_seeds.auc"]["value"] > -1
    assert numbers["net.sima.tpr_at_1pct_fpr"]["tail_too_small"] is True
    assert numbers["other.loss.minus_net.auc"]["source"].endswith("comparison/against.json")
    assert numbers["net.frechet.to_members.mean_over_seeds"]["value"] >= 0
    assert numbers["other.frechet.to_members"]["unit"] == "1"
    assert numbers["other.frechet.images"]["unit"] == "images"
    assert numbers["ranks.auc.sima.mean_rank"]["unit"] == "rank"


def test_two_numbers_of_one_name_are_refused(tmp_path):
    for name in ("a", "b"):
        write_json(tmp_path / f"{name}.json", {"target": "t", "x": 1})
    with pytest.raises(SimauditError, match=r"b\.json: its number t\.x is also in .*a\.json"):
        ledger([tmp_path / "a.json", tmp_path / "b.json"])


def test_keys_with_a_slash_or_tilde_are_escaped_in_pointers(tmp_path):
    write_json(tmp_path / "a.json", {"target": "t", "x/y~z": {"value": 1, "low": 0, "high": 2}})
    (number,) = ledger([tmp_path / "a.json"]).values()
    assert number["pointer"] == "/x~1y~0z/value"


def test_the_knobs_of_a_variant_are_no_numbers(tmp_path):
    write_json(tmp_path / "a.json", {"target": "t", "variant": {"draws": 2, "dropped": 0.4}, "timestep": 30})
    assert list(ledger([tmp_path / "a.json"])) == ["t.timestep"]


def test_what_the_ledger_lacks_is_a_dash():
    assert Ledger({}).estimate("net.sima.auc") == "–"
    assert Ledger({}).count("net.members") == "–"
