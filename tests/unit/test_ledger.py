"""The ledger: every number of a run once, with limits, and a way back to where it stands; the page prints no other."""

import json
import re

import pytest

from simaudit.errors import SimauditError
from simaudit.evaluation.compare import compare
from simaudit.evaluation.ledger import Ledger, ledger
from simaudit.files import sha256_file, write_json
from simaudit.report import page


@pytest.fixture
def run(audit):
    """The files of a small run: two seeds, a control, their comparison."""
    blind = {"s": audit.blind()}
    targets = [
        audit.evaluate("net", {"sima": 2, "loss": 1}, group="net"),
        audit.evaluate("net-seed1", {"sima": 2, "loss": 1}, group="net"),
        audit.evaluate(
            "other", {"sima": 1, "loss": 0, "distortion": 0, "reconstruction": 1}, reference="net"
        ),
        audit.evaluate("raw", {"sima": 0}, control="untrained"),
    ]
    for name, content in compare(targets, blind, 100, 0).items():
        write_json(audit.path / "comparison" / f"{name}.json", content)
    files = [
        path for folder in ("evaluation", "comparison") for path in (audit.path / folder).rglob("*.json")
    ]
    return audit, targets, sorted(files)


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


def printed(run):
    audit, targets, files = run
    comparison = {
        name: json.loads((audit.path / "comparison" / f"{name}.json").read_text())
        for name in ("against", "controls", "groups", "ranks")
    }
    arms = {"net": {"beta": 0.01, "adversarial": False}, "other": {"beta": 0.0, "adversarial": True}}
    summaries = {results.target: results.summary for results in targets}
    return page(summaries, comparison, arms, Ledger(ledger(files)))


def test_the_page_says_first_which_controls_passed(run):
    text = printed(run)
    sentence = json.loads((run[0].path / "comparison/controls.json").read_text())["sentence"]
    assert text.split("\n\n")[1] == sentence
    assert "## net: leaks" in text
    assert "## raw: a control" in text
    assert "## net, over 2 seeds" in text


def test_the_page_prints_the_ledgers_numbers_with_limits_and_marks(run):
    text = printed(run)
    number = ledger(run[2])["net.sima.auc"]
    assert f"{number['value']:.3f} [{number['low']:.3f}, {number['high']:.3f}]" in text
    values = (n[key] for n in ledger(run[2]).values() for key in ("value", "low", "high"))
    known = {f"{value:.3f}" for value in values if value is not None}
    shown = set(re.findall(r"\d\.\d{3}", text))
    assert shown <= {value.removeprefix("-") for value in known}
    assert "]†" in text


def test_the_page_compares_autoencoders_by_arm_and_beta_and_targets_with_their_reference(run):
    text, numbers = printed(run), Ledger(ledger(run[2]))
    mean, alone = (numbers.estimate(name) for name in ("net.sima.mean_over_seeds.auc", "other.sima.auc"))
    alone_too = numbers.estimate("other.reconstruction.auc")
    rows = [line for line in text.splitlines() if line.startswith(("| standard", "| adversarial"))]
    assert rows[0].startswith(f"| standard | 0.01 | 2 | {mean} | – | ")
    assert rows[1].startswith(f"| adversarial | 0 | 1 | {alone} | {alone_too} | ")
    assert numbers.estimate("net.frechet.to_members.mean_over_seeds") in rows[0]
    assert numbers.estimate("other.frechet.to_heldout") in rows[1]
    assert f"| other | net | loss | {numbers.estimate('other.loss.minus_net.auc')} |" in text


def test_the_page_says_where_in_latent_space_a_target_leaks(run):
    text, numbers = printed(run), Ledger(ledger(run[2]))
    quarters = [numbers.estimate(f"other.sima.by_distortion.q{number}") for number in range(1, 5)]
    assert f"| sima | {' | '.join(quarters)} |" in text
    sides = [numbers.estimate(f"other.reconstruction_error.v.of_{side}") for side in ("members", "heldout")]
    assert f"| v | {' | '.join(sides)} |" in text
    assert "–" not in (*quarters, *sides)


def test_what_the_ledger_lacks_is_a_dash():
    assert Ledger({}).estimate("net.sima.auc") == "–"
    assert Ledger({}).count("net.members") == "–"


def test_every_table_of_the_page_is_whole(run):
    rows = [line for line in printed(run).splitlines() if line.startswith("|")]
    tables = "\n".join(rows).split("| --- |")
    assert len(tables) > 8
    blocks = re.findall(r"(?:^\|.*\n)+", printed(run), flags=re.MULTILINE)
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_shifted_split_is_marked_beside_its_targets_names(audit):
    blind = {"s": audit.blind(2)}
    target = audit.evaluate("net", {"sima": 2})
    text = page({"net": target.summary}, compare([target], blind, 100, 0), {}, Ledger({}))
    assert "## net: shifted (*shifted*: only what" in text
    assert "controls FAILED: classifiers that never see a model tell the sides of s apart" in text
    assert "Absent: ranks need two or more audited targets" in text
