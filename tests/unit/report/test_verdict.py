"""What a run is told by: a grade by lower limits, who can do it, what to do; in words and for machines."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from auditing import OCCASION, SmallRun

from simaudit.attacks.access import ACCESS, access_of
from simaudit.attacks.attack import attack_type
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures.printed import fill
from simaudit.report import TEMPLATES
from simaudit.report.advice import MOST, advice
from simaudit.report.grades import FOUND, grade
from simaudit.report.outcome import at_risk_line, run_lines, turned_around
from simaudit.report.summary import summary
from simaudit.report.top import top
from simaudit.storage.json import read_json, write_json
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary.errors import SimauditError

GLOSSARY = Path(__file__).parents[3] / "docs/glossary.md"


def book(auc, tpr=(0.0, 0.9), shifted=False, too_small=False) -> Ledger:
    """The numbers that grade a target `t`, by their limits: the AUC that decides, and TPR at 1 % FPR."""
    of = {"decisive": auc, "minus_blind.decisive": auc, None: tpr, "minus_blind": tpr}
    numbers = [Number("t", "a", "calibration_auc", None, 0.9, 0.9, 0.9, "1", "f", "/", "0")]
    for key in ("minus_blind.decisive", "minus_blind") if shifted else ("decisive", None):
        low, high = of[key]
        metric = "auc" if key and "decisive" in key else "tpr_at_1pct_fpr"
        number = Number("t", "a", metric, key, (low + high) / 2, low, high, "1", "f", "/", "0")
        numbers.append(replace(number, tail_too_small=too_small and metric != "auc"))
    return Ledger({number.id: number for number in numbers})


@pytest.mark.parametrize(
    ("verdict", "auc", "tpr", "word", "by"),
    [
        ("leaks", (0.8, 0.99), (0.0, 0.9), "strong", "auc"),
        ("leaks", (0.799, 0.99), (0.0, 0.9), "clear", "auc"),
        ("leaks", (0.6, 0.99), (0.0, 0.9), "clear", "auc"),
        ("leaks", (0.599, 0.99), (0.0, 0.9), "weak", "auc"),
        ("leaks", (0.501, 0.6), (0.13, 0.2), "strong", "tpr_at_1pct_fpr"),
        ("leaks", (0.7, 0.8), (0.03, 0.2), "clear", "auc"),  # where both say the same, the AUC says it
        ("undecided", (0.49, 0.6), (0.0, 0.1), "undecided", "auc"),
        ("no leak found", (0.45, 0.56), (0.01, 0.1), "no evidence", "auc"),
        ("no leak found", (0.45, 0.56), (0.025, 0.1), "clear", "tpr_at_1pct_fpr"),
        ("no leak found", (0.45, 0.56), (0.011, 0.1), "weak", "tpr_at_1pct_fpr"),
    ],
)
def test_a_grade_is_that_of_the_lower_limit_that_says_most(verdict, auc, tpr, word, by):
    graded = grade(book(auc, tpr), "t", {"verdict": verdict, "attack": "a"}, False)
    assert (graded.word, graded.by.metric, graded.is_above_blind) == (word, by, False)
    assert (graded.missed is None) == (word in FOUND)
    if graded.missed:
        assert graded.missed.high == auc[1]


@pytest.mark.parametrize(
    ("auc", "tpr", "word"),
    [
        ((0.3, 0.4), (-0.1, 0.1), "strong"),
        ((0.1, 0.4), (-0.1, 0.1), "clear"),
        ((0.01, 0.4), (-0.1, 0.1), "weak"),
        ((0.01, 0.4), (0.12, 0.3), "strong"),
    ],
)
def test_on_a_shifted_split_the_grade_is_by_what_lies_above_the_blind_classifiers(auc, tpr, word):
    said = {"verdict": "leaks", "attack": "a"}
    graded = grade(book(auc, tpr, shifted=True), "t", said, True)
    assert (graded.word, graded.is_above_blind) == (word, True)
    nothing = grade(book((-0.2, 0.05), (-0.1, 0.1), shifted=True), "t", {**said, "verdict": "shifted"}, True)
    assert (nothing.word, nothing.missed.high) == ("no evidence", 0.05)


def test_a_rate_whose_tail_is_too_small_grades_nothing():
    said = {"verdict": "no leak found", "attack": "a"}
    assert grade(book((0.45, 0.56), (0.2, 0.9), too_small=True), "t", said, False).word == "no evidence"


@pytest.mark.parametrize(
    ("name", "conditions", "access"),
    [
        ("sima", (), ["denoiser"]),
        ("secmi", (), ["denoiser"]),
        ("sima", ("labels", "empty"), ["denoiser", "labels"]),
        ("distortion", ("labels",), ["autoencoder"]),
        ("flipd", (), ["denoiser", "gradients"]),
        ("gsa", (), ["denoiser", "gradients"]),
        ("own_distance", (), ["samples"]),
        ("complexity", ("labels",), ["denoiser", "labels"]),
        ("reference", (), ["denoiser", "references"]),
        ("combined", (), ["denoiser", "members"]),
        ("secmi_nns", (), ["denoiser", "members"]),
    ],
)
def test_an_attack_takes_what_it_declares_and_what_its_bases_take(name, conditions, access):
    knobs = {"timesteps": [10, 20]}
    attacks = {"sima": attack_type("sima")(**knobs)}
    kind = attack_type(name)
    attacks[name] = kind(**(knobs if "timesteps" in kind.model_fields else {}))
    attacks |= dict.fromkeys(attacks[name].bases, attacks["sima"])
    assert access_of(name, attacks, conditions) == access
    assert set(access) <= set(ACCESS)


def facts_of(grades, passed=True, worst="a", **more):
    """The facts of audits by their grade, as advice reads them."""
    audit = {"shifted": False, "membership": "verified", "epochs": None, **more}
    audits = {name: audit | {"grade": word} for name, word in grades.items()}
    return {"controls": {"trusted": passed}, "worst": worst, "audits": audits}


def auc(name, low, high):
    return {"id": name, "value": (low + high) / 2, "low": low, "high": high}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (facts_of({"a": "weak"}), ["Do not publish", "Remove duplicates"]),
        (facts_of({"a": "undecided"}), ["Audit again with more members"]),
        (facts_of({"a": "no evidence"}), ["This is no proof of safety"]),
        (facts_of({"a": "no evidence"}, shifted=True), ["Choose held-out images from the same source"]),
        (
            facts_of({"a": "no evidence"}, membership="unverified"),
            ["Audit again with the list", "This is no proof"],
        ),
        (facts_of({"a": "no evidence"}, passed=False), ["Do not trust these numbers", "This is no proof"]),
        (facts_of({}, worst=None), []),
        (
            facts_of({"a": "strong", "b": "no evidence"}),
            ["a: Do not publish", "a: Remove duplicates", "b: This is no proof of safety"],
        ),
    ],
)
def test_advice_follows_from_the_results_and_names_whom_it_is_about(facts, said):
    given = advice(facts)
    assert len(given) == len(said)
    assert all(sentence.startswith(words) for sentence, words in zip(given, said, strict=True)), given


def test_a_shorter_training_is_advised_only_where_it_surely_leaks_less():
    epochs = {"attack": "sima", "end": auc("end", 0.8, 0.9)}
    kept = [{"epoch": 50, "auc": auc("at50", 0.75, 0.85)}, {"epoch": 100, "auc": auc("at100", 0.6, 0.7)}]
    (_, shorter, _) = advice(facts_of({"a": "strong"}, epochs={**epochs, "at": kept}))
    assert (
        shorter
        == "Train for fewer epochs, since at epoch 100 the AUC of SimA was [[at100]], and at the end [[end]]."
    )
    assert len(advice(facts_of({"a": "strong"}, epochs={**epochs, "at": kept[:1]}))) == 2


def test_there_are_never_more_pieces_of_advice_than_a_reader_takes_in():
    everything = facts_of({"a": "strong", "b": "undecided", "c": "no evidence"}, passed=False, shifted=True)
    everything["audits"]["a"]["membership"] = "unverified"
    assert len(advice(everything)) == MOST
    assert advice(everything)[0].startswith("Do not trust these numbers")


def test_the_verdict_for_machines_has_the_numbers_of_the_ledger(small_run):
    verdict, rows = small_run.verdict(), read_json(small_run.audit.path / "numbers.json")
    assert {key: verdict[key] for key in OCCASION} == OCCASION
    assert verdict["controls"] == {
        "passed": True,
        "trusted": True,
        "number": 7,
        "failed": [],
        "absent": ["optimal"],
    }
    assert list(verdict["audits"]) == ["net", "net-seed1", "other"]  # the control is not audited
    numbers = []

    def collect(node):
        if isinstance(node, dict) and "id" in node:
            numbers.append(node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            collect(child)

    collect(verdict)
    assert len(numbers) > 3 * 6
    for number in numbers:
        row = rows[number["id"]]
        assert all(number[key] == row[key] for key in ("value", "low", "high"))
        assert number.get("tail_too_small", False) == row["tail_too_small"]
    net = verdict["audits"]["net"]
    assert (net["verdict"], net["attack"], net["dataset"], net["membership"]) == (
        "leaks",
        "sima",
        "d",
        "verified",
    )
    assert net["auc"]["id"] == "net.sima.auc"
    assert net["advice"][0].startswith("Do not publish")
    assert net["queries"]["value"] == 1
    assert json.loads(json.dumps(verdict)) == verdict


def test_the_summary_is_a_few_plain_numbers_of_the_worst_target(small_run):
    facts, rows = small_run.verdict(), read_json(small_run.audit.path / "numbers.json")
    worst, said = facts["worst"], summary(facts, small_run.findings)
    attack = facts["audits"][worst]["attack"]
    assert [said.pop(key) for key in ("audited", "leaking", "controls", "controls_failed", "worst")] == [
        *(3, 3, 7, 0, worst),
    ]
    assert said == {
        f"{metric}{suffix}": round(rows[f"{worst}.{attack}.{metric}"][key], 3)
        for metric in ("auc", "tpr_at_1pct_fpr")
        for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high"))
    }


def test_the_summary_counts_what_leaks_and_what_failed(audit):
    blind = audit.blind()
    targets = [
        audit.evaluate("net", {"sima": 2}),
        audit.evaluate("safe", {"sima": 0}),
        audit.evaluate("raw", {"sima": 2}, control="untrained"),
    ]
    run = SmallRun.of(audit, targets, blind)
    said = summary(run.verdict(), run.findings)
    failed = [control for control in run.findings.comparison["controls"]["controls"] if not control["passed"]]
    assert (said["audited"], said["leaking"], said["worst"]) == (2, 1, "net")
    assert said["controls_failed"] == len(failed) == 2


def test_the_lines_say_how_sure_by_which_attacker_and_what_was_not_tested(small_run):
    lines = small_run.verdict()["lines"]
    assert re.fullmatch(
        r"net: shown one member and one other image, SimA \(1 model call\) picks the member in \d+ % \(\d+ to \d+\) of "
        r"pairs, where guessing picks it in 50 %: this is the AUC, with its 95 % confidence interval\. How many "
        r"members it exposes where it wrongly accuses 1 in 100 images that are not members cannot be told from fewer "
        r"than 1000 held-out images\.",
        lines[2],
    )
    assert re.fullmatch(
        r"Grade: strong\. Of the intervals that hold for all attacks at once, that of SimA is the surest: \d+ % "
        r"\(8\d to 9\d\) of pairs\. A leak is strong where the lower end is at least 80 %\. Classifiers that never see "
        r"the model: \d+ % \(\d+ to \d+\) of pairs\.",
        lines[3],
    )
    who = (
        "Who can do this: somebody who can run the denoiser at a timestep of their choice.",
        "Tested: the denoiser at a chosen timestep. Not tested: images that the model draws, gradients of the "
        "denoiser, reference models, learning from known members.",
    )
    assert tuple(lines[4:6]) == who
    assert lines[6].startswith("What to do: Do not publish")
    assert lines[-1].startswith("Members at risk on net: ")
    assert lines[-1].endswith(" Every sample: results/evaluation/at_risk/net.parquet")
    assert len(lines) <= 13


@pytest.mark.parametrize(
    ("grade", "metric", "above_blind", "said"),
    [
        ("clear", "auc", False, "that of Loss is the surest: [[%id]] of pairs. A leak is clear"),
        ("clear", "auc", False, "where the lower end is at least 60 %."),
        ("weak", "auc", False, "where the lower end is above 50 %."),
        (
            "strong",
            "auc",
            True,
            "[[%id]] of pairs more than by classifiers that never see the model. A leak is",
        ),
        ("strong", "auc", True, "where the lower end is at least 30 %."),
        (
            "clear",
            "tpr_at_1pct_fpr",
            False,
            "Where Loss wrongly accuses 1 in 100 images that are not members, it",
        ),
        ("clear", "tpr_at_1pct_fpr", False, "it exposes [[%id]] of the members. A leak is clear"),
        ("clear", "tpr_at_1pct_fpr", False, "where the lower end is at least 2.5 %."),
        ("weak", "tpr_at_1pct_fpr", True, "where the lower end is above 0 %."),
    ],
)
def test_a_grade_is_said_with_the_number_that_gives_it_and_where_it_begins(
    small_run, grade, metric, above_blind, said
):
    facts = small_run.verdict()
    by = {"attack": "loss", "metric": metric, "above_blind": above_blind, "id": "id"}
    facts["audits"][facts["worst"]] |= {"grade": grade, "graded_by": by}
    line = top(facts, small_run.findings).evidence[1]
    assert line.startswith(f"Grade: {grade}. ")
    assert said in line


@pytest.mark.parametrize(
    ("tried", "levels", "said"),
    [
        (
            14,
            {8: (13, 2)},
            "13 of 210 members are accused by more than half of the 14 attacks, each at its threshold of 1 % FPR, as "
            "are 2 of 1048 held-out images, which the model was not trained on.",
        ),
        (
            3,
            {1: (50, 9), 2: (4, 0)},
            "4 of 210 members are accused by more than half of the 3 attacks, each at",
        ),
        (14, {7: (13, 2)}, "no member and no held-out image is accused by more than half of the 14 attacks."),
        (1, {1: (20, 11)}, "20 of 210 members are accused by the attack, each at"),
    ],
)
def test_the_members_at_risk_are_those_that_more_than_half_of_the_attacks_accuse(tried, levels, said):
    counts = {(None, "members"): 210, (None, "heldout"): 1048, ("at_risk", "tried"): tried}
    for least, sides in levels.items():
        counts |= {
            (f"at_risk.by_{least:02}", side): sides[i] for i, side in enumerate(("members", "heldout"))
        }
    numbers = [
        Number("t", None, metric, of, n, n, n, "1", "f", "/", "0") for (of, metric), n in counts.items()
    ]
    ledger = Ledger({number.id: number for number in numbers})
    assert fill(at_risk_line(ledger, "t"), ledger).startswith(said)
    assert at_risk_line(Ledger({}), "t") == ""


def test_what_attackers_with_less_find_is_said_too(small_run):
    access = {"net": {"sima": ["denoiser", "gradients"], "loss": ["denoiser"]}}
    verdict = small_run.verdict(access)
    (line,) = (line for line in verdict["lines"] if line.startswith("Who can do this"))
    assert "timestep of their choice and can differentiate the denoiser" in line
    assert "With less: Loss with the denoiser at a chosen timestep, AUC 0." in line
    assert [known["attack"] for known in verdict["audits"]["net"]["best_with"]] == ["sima", "loss"]
    assert "gradients" not in verdict["attackers"]["not_tested"]
    assert verdict["attackers"]["tested"] == ["denoiser", "gradients"]


def test_where_nothing_is_found_the_line_says_what_would_have_been_missed(audit):
    blind = audit.blind()
    run = SmallRun.of(audit, [audit.evaluate("net", {"sima": 0})], blind)
    verdict, high = run.verdict(), run.findings.ledger.number("auc", "net", "sima", "decisive").high
    lines = verdict["lines"]
    assert verdict["audits"]["net"]["missed_up_to"] == high > 0.5
    assert f"Would have been missed: an AUC up to {high:.3f} on net." in lines
    assert lines[1].startswith("net shows no evidence of a leak, which does not prove that there is none. ")
    assert not any(line.startswith("Who can do this") for line in lines)
    assert any(line.startswith("What to do: This is no proof of safety") for line in lines)


def test_a_run_of_controls_alone_says_so(audit):
    blind = audit.blind()
    run = SmallRun.of(audit, [audit.evaluate("raw", {"sima": 0}, control="untrained")], blind)
    verdict = run.verdict()
    assert (verdict["worst"], verdict["audits"], verdict["advice"]) == (None, {}, [])
    assert summary(verdict, run.findings) == {
        "audited": 0,
        "leaking": 0,
        "controls": 4,
        "controls_failed": 0,
    }
    assert verdict["lines"][1].startswith(
        "No target is audited: every target of this run is a control. 4 of 4 "
    )


def test_where_a_control_failed_nothing_is_trusted(audit):
    blind = audit.blind()
    targets = [
        audit.evaluate("net", {"sima": 2}),
        audit.evaluate("raw", {"sima": 2}, control="untrained"),
    ]
    verdict = SmallRun.of(audit, targets, blind).verdict()
    assert not verdict["controls"]["trusted"]
    assert "an attack finds members of the untrained raw" in verdict["controls"]["failed"]
    assert "2 of 5 controls FAILED: an attack finds" in verdict["lines"][1]
    assert verdict["lines"][1].endswith("Do not trust these numbers.")
    assert verdict["advice"][0].startswith("Do not trust these numbers")


def test_a_shifted_split_is_measured_above_blind_and_does_not_make_its_numbers_untrusted(audit):
    blind = audit.blind(2)
    verdict = SmallRun.of(audit, [audit.evaluate("net", {"sima": 2})], blind).verdict()
    net = verdict["audits"]["net"]
    assert (net["shifted"], net["verdict"], net["grade"]) == (True, "shifted", "no evidence")
    assert net["graded_by"]["id"] == "net.sima.minus_blind.decisive.auc"
    assert (verdict["controls"]["passed"], verdict["controls"]["trusted"]) == (False, True)
    assert any("above that of the blind classifiers on net." in line for line in verdict["lines"])
    assert any("Choose held-out images from the same source" in line for line in verdict["lines"])


def test_an_attack_that_is_surely_below_chance_is_named(audit):
    blind = audit.blind()
    findings = SmallRun.of(audit, [audit.evaluate("net", {"sima": 2, "pian": -2})], blind).findings
    (sentence,) = turned_around(findings.comparison["controls"], findings.ledger)
    assert sentence.startswith(
        "Surely below chance: PIAN on net (AUC [[net.pian.auc]]). Such an attack ranks members"
    )


def test_the_terminal_ends_with_the_lines_of_the_file_and_where_the_page_is(tmp_path):
    write_json(tmp_path / "verdict.json", {"lines": ["one", "two"]})
    assert run_lines(tmp_path) == [
        *("one", "two", f"Report: {tmp_path}/report/index.html   (open it in a browser)")
    ]
    (tmp_path / "verdict.json").write_text("{")
    with pytest.raises(SimauditError, match=r"verdict\.json"):
        run_lines(tmp_path)


def test_the_words_of_the_page_are_those_of_the_glossary():
    entries = re.findall(
        r"^- <a id=[^>]*></a>\*\*(.+?)\*\*((?:.|\n(?!- |\n))*)",
        GLOSSARY.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    plain = {}
    for first, rest in entries:
        text = " ".join(f"{first}{rest}".split())
        words, _, meaning = re.sub(r" \(\[[^]]*\]\([^)]*\)\)|\*", "", text).partition(": ")
        plain.setdefault(re.sub(r" \(.*\)", "", words), meaning)
    on_page = read_yaml(TEMPLATES / "glossary.yaml")
    assert len(on_page) > 20
    assert {word: plain.get(word) for word in on_page} == on_page
