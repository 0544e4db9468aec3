"""The ledger: every number of a run once, with limits, and a way back to where it stands."""

import json
import re
from dataclasses import replace

import pytest

from simaudit.evaluation.numbers import Ledger, Number, ledger
from simaudit.figures.printed import count, estimate, fill, mention, share, upper
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
        elif any(part in ("lowest_seed", "highest_seed") for part in name.split(".")):
            assert number["low"] is None is number["high"]
        elif number["low"] is None:  # a difference of TPRs, of too small a tail
            assert number["tail_too_small"], name
            assert number["of"].split(".")[-1].startswith(("minus_", "optimism")), name
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
    assert numbers["net.sima.highest_seed.auc"]["value"] >= numbers["net.sima.lowest_seed.auc"]["value"]
    assert numbers["net.sima.tpr_at_1pct_fpr"]["tail_too_small"] is True
    assert numbers["other.loss.minus_net.auc"]["source"].endswith("comparison/against.json")
    assert numbers["net.frechet.to_members.mean_over_seeds"]["value"] >= 0
    assert numbers["other.frechet.to_members"]["unit"] == "in components"
    assert numbers["net.frechet.to_members.mean_over_seeds"]["unit"] == "in components"
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


COLUMNS = {
    "net.sima.auc": ("net", "sima", "auc", None),
    "net.sima.oracle.auc": ("net", "sima", "auc", "oracle"),
    "net.sima.minus_loss.auc": ("net", "sima", "auc", "minus_loss"),
    "net.sima.mean_over_seeds.auc": ("net", "sima", "auc", "mean_over_seeds"),
    "net.frechet.to_members.mean_over_seeds": ("net", None, "mean_over_seeds", "frechet.to_members"),
    "other.loss.minus_net.tpr_at_0.1pct_fpr": ("other", "loss", "tpr_at_0.1pct_fpr", "minus_net"),
    "net.sima.distance_correlation.of_members": ("net", "sima", "of_members", "distance_correlation"),
    "net.permutations": ("net", None, "permutations", None),
    "s.blind.auc": ("s", "blind", "auc", None),
    "ranks.auc.sima.mean_rank": (None, "sima", "mean_rank", "ranks.auc"),
    "ranks.auc.targets": (None, None, "targets", "ranks.auc"),
    "published.sima.ddpm.cifar-10-vs-cifar-10.none.pia.asr": (
        None,
        "pia",
        "asr",
        "published.sima.ddpm.cifar-10-vs-cifar-10.none",
    ),
}


def test_a_number_has_the_columns_that_it_is_found_by(run):
    numbers = Ledger({name: Number(**row) for name, row in ledger(run[2]).items()})
    for name, (audit, attack, metric, of) in COLUMNS.items():
        wanted = {"audit": audit, "attack": attack, "metric": metric, "of": of}
        assert [number.id for number in numbers.find(**wanted)] == [name]
        assert numbers.get(**wanted) == numbers.number(**wanted) == numbers.numbers[name]
    assert numbers.get("auc", "net", "nobody") is None
    assert {number.attack for number in numbers.find(audit="other", metric="auc", of=None)} == {
        *("sima", "loss", "distortion", "reconstruction")
    }


def test_every_id_follows_from_its_columns(run, tmp_path):
    """Those of an intermediate checkpoint too, which the attack comes after."""
    facts = {"attacks": {"sima": {"oracle": {"auc": 1}, "selected": {"auc": 2}}}}
    write_json(tmp_path / "epochs.json", {"target": "net", "epochs": {"50": facts}})
    rows = ledger([*run[2], tmp_path / "epochs.json"])
    assert all(Number(**row).id == name for name, row in rows.items())
    checkpoint = rows["net.epochs.50.sima.oracle.auc"]
    assert (checkpoint["attack"], checkpoint["of"]) == ("sima", "epochs.50.oracle")
    assert rows["net.epochs.50.sima.auc"]["value"] == 2


def test_the_best_attack_is_the_one_that_calibration_prefers(small_run):
    book = small_run.findings.ledger
    assert book.attacks("net") == ["loss", "sima"]
    assert book.best("net") == small_run.targets[0].best == "sima"


def test_a_file_that_is_no_ledger_is_one_line(tmp_path):
    write_json(tmp_path / "numbers.json", {"net.sima.auc": {"value": 1}})
    with pytest.raises(
        SimauditError, match=r"numbers\.json: not a ledger of numbers .*delete it and run again"
    ):
        Ledger.read(tmp_path / "numbers.json")


def test_a_number_in_print_has_limits_a_mark_or_is_a_dash():
    number = Number("net", "sima", "auc", None, 0.93149, 0.9, 0.95, "1", "a.json", "/", "0")
    assert estimate(number) == "0.931 [0.900, 0.950]"
    assert estimate(replace(number, tail_too_small=True)) == "0.931 [0.900, 0.950]†"
    assert estimate(replace(number, value=-1e-9, low=-0.5)) == "0.000 [-0.500, 0.950]"
    assert count(number) == estimate(replace(number, low=None, high=None)) == "0.9315"
    assert estimate(None) == count(None) == share(None) == upper(None) == "–"


def test_a_share_in_print_is_of_a_hundred_and_has_more_places_near_the_ends():
    number = Number("net", "sima", "auc", None, 0.93149, 0.9, 0.954, "1", "a.json", "/", "0")
    assert share(number) == "93 % (90 to 95)"
    assert share(replace(number, value=0.0142, low=0.0, high=0.0771)) == "1.4 % (0.0 to 7.7)"
    assert share(replace(number, value=0.9996, low=0.998, high=1.0)) == "100.0 % (99.8 to 100.0)"
    assert share(replace(number, tail_too_small=True, low=None, high=None)) == "93 %†"
    assert upper(number) == "0.954"


def test_a_text_is_filled_with_the_numbers_that_it_mentions():
    number = Number("net", "sima", "auc", None, 0.5, 0.4, 0.6, "1", "a.json", "/", "0")
    book = Ledger({number.id: number})
    text = f"{mention('auc', 'net', 'sima')}, {mention('auc', 'net', 'sima', limits=False)}, {mention('asr', 'net')}"
    assert fill(text, book) == "0.500 [0.400, 0.600], 0.5, –"
    assert fill(f"[[%{number.id}]], [[^{number.id}]]", book) == "50 % (40 to 60), 0.600"
    assert fill(text, book, lambda name, printed: name) == "net.sima.auc, net.sima.auc, net.asr"
