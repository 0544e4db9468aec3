"""The controls do their work: what fails is said, a leak is not called clean, and luck is not called a leak."""

import pytest

from simaudit.evaluation.controls.controls import MINUS_BLIND, SELECTED, all_controls
from simaudit.report.outcome import clauses, control_line, heading, notes


def controls_of(audit, *targets):
    return all_controls(list(targets), {"s": audit.blind()})


def verdict(audit, target):
    return controls_of(audit, target)["verdicts"][target.target]


def outcome(found, kind):
    return [control["passed"] for control in found["controls"] if control["kind"] == kind]


@pytest.fixture
def fair(audit):
    """The audit with blind classifiers that find nothing."""
    audit.blind()
    return audit


def test_when_all_is_well_every_control_passes_and_the_line_says_so(fair):
    fade = {(0, "raw,l4"): fair.telling(20), (300, "raw,l4"): fair.telling(1)}
    found = controls_of(
        fair,
        fair.evaluate("audited", {"sima": 2, "loss": 0}),
        fair.evaluate("untrained", {"sima": 0, "loss": 0}, control="untrained"),
        fair.evaluate("optimal", {"sima": 9}, control="optimal", sima=fade),
    )
    assert found["passed"] is True
    assert found["absent"] == []
    assert control_line(found["controls"]) == "7 of 7 controls passed, so the measurement can be trusted."
    assert "no attack finds members of the untrained untrained" in clauses(found["controls"], True)
    assert found["verdicts"] == {"audited": {"verdict": "leaks", "attack": "sima"}}


def test_a_leak_is_not_called_clean_nor_is_nothing_called_a_leak(fair):
    leaky = fair.evaluate("leaky", {"loss": 0, "sima": 1, "pia": 0})
    assert verdict(fair, leaky) == {"verdict": "leaks", "attack": "sima"}
    quiet = fair.evaluate("quiet", {"loss": 0, "sima": 0, "pia": 0})
    assert verdict(fair, quiet)["verdict"] == "no leak found"


def test_an_attack_that_only_its_own_limits_put_above_chance_is_undecided(fair):
    """Of eleven attacks one lies above chance by 95 % limits, as one in forty does by luck alone."""
    quiet = [f"quiet{number}" for number in range(10)]
    columns = {name: {(10, "v"): fair.telling(0, seed=40 + k)} for k, name in enumerate(quiet)}
    columns["sima"] = {(10, "v"): fair.telling(0.3, seed=1)}
    doubtful = fair.evaluate("doubtful", dict.fromkeys(columns, 0.0), **columns)
    alone = doubtful.summary["attacks"]["sima"]["selected"]["auc"]
    found = controls_of(fair, doubtful)
    together = found["decisive"]["doubtful"]["attacks"]["sima"][SELECTED]["auc"]
    assert together["low"] < 0.5 < alone["low"]
    assert together["value"] == alone["value"]
    assert found["verdicts"]["doubtful"] == {"verdict": "undecided", "attack": "sima"}


def test_what_decides_stands_beside_the_verdict(fair):
    found = controls_of(fair, fair.evaluate("quiet", {"loss": 0, "sima": 0}))
    by = found["verdicts"]["quiet"]["attack"]
    decisive = found["decisive"]["quiet"]["attacks"]
    assert decisive[by][SELECTED]["auc"]["high"] == max(
        of[SELECTED]["auc"]["high"] for of in decisive.values()
    )
    assert decisive[by]["permuted"]["decisive"]["auc"]["low"] < 0.5


def test_on_a_shifted_split_only_what_lies_above_the_blind_classifiers_counts(audit):
    audit.blind(2)
    no_better, better = audit.evaluate("no-better", {"sima": 1.5}), audit.evaluate("better", {"sima": 9})
    found = all_controls([no_better, better], {})
    assert found["verdicts"]["no-better"]["verdict"] == "shifted"
    assert found["verdicts"]["better"]["verdict"] == "leaks"
    of, _, decisive = MINUS_BLIND.partition(".")
    assert found["decisive"]["better"]["attacks"]["sima"][of][decisive]["auc"]["low"] > 0


def test_a_shifted_split_fails_its_control_and_the_line_says_which(audit):
    blind = audit.blind(2)
    found = all_controls([audit.evaluate("audited", {"sima": 2})], {"s": blind})
    assert outcome(found, "blind") == [False]
    assert found["passed"] is False
    failed = (
        "classifiers that never see a model tell the sides of the split s apart, so targets there are shifted"
    )
    assert control_line(found["controls"]) == f"1 of 2 controls FAILED: {failed}."
    assert clauses(found["controls"], True) == ["with shuffled labels, AUCs are at chance on audited"]


def test_an_untrained_network_in_which_members_are_found_fails_its_control(fair):
    found = controls_of(fair, fair.evaluate("untrained", {"loss": 0, "sima": 1}, control="untrained"))
    assert outcome(found, "untrained") == outcome(found, "sets") == [False]
    failed, _ = (control for control in found["controls"] if not control["passed"])
    assert failed["failed_on"] == ("sima",)
    assert found["verdicts"] == {}
    assert control_line(found["controls"]).endswith(
        " are told from held-out samples. Do not trust these numbers."
    )


@pytest.mark.parametrize(
    "strengths",
    [{0: 1, 300: 0.5}, {0: 3, 300: 12}],
    ids=["misses members at small t", "rises with t"],
)
def test_a_closed_form_that_behaves_otherwise_than_theory_says_fails_its_control(fair, strengths):
    columns = {(t, "raw,l4"): fair.telling(strength, seed=0) for t, strength in strengths.items()}
    found = controls_of(fair, fair.evaluate("optimal", {"sima": 0}, control="optimal", sima=columns))
    assert outcome(found, "optimal") == [False]


def test_the_closed_form_is_held_against_an_attack_of_its_kind_whatever_its_name(fair):
    fade = {(0, "raw,l4"): fair.telling(20), (300, "raw,l4"): fair.telling(1)}
    of = {"kinds": {"norm": "sima", "sima": "pia"}, "norm": fade, "control": "optimal"}
    found = controls_of(fair, fair.evaluate("optimal", {"norm": 9, "sima": 0}, **of))
    (control,) = (control for control in found["controls"] if control["kind"] == "optimal")
    assert (control["passed"], control["by"]) == (True, "norm")


def test_what_no_target_serves_is_said_to_be_absent(fair):
    found = controls_of(fair, fair.evaluate("audited", {"loss": 1}))
    assert found["absent"] == ["optimal", "sets", "untrained"]
    without_sima = controls_of(fair, fair.evaluate("optimal", {"loss": 1}, control="optimal"))
    assert "optimal" in without_sima["absent"]


def test_sides_that_differ_in_origin_are_said_at_the_end_of_a_run(small_run):
    findings = small_run.findings
    apart = {"s": {"member": ["a", "b", "c", "d"], "heldout": ["e"]}, "t": {"heldout": ["f"]}}
    said = notes(findings.comparison["controls"] | {"one_sided": apart}, findings.ledger)
    assert said == [
        "Controls that are not in this run: optimal.",
        "Split s: members and held-out samples differ in origin (members alone are from a, b, c and 1 more; held-out "
        "samples alone are from e), so an attack may tell where an image is from, and not whether the target was "
        "trained on it.",
        "Split t: members and held-out samples differ in origin (held-out samples alone are from f), so an attack may "
        "tell where an image is from, and not whether the target was trained on it.",
    ]


def test_what_the_blind_job_knows_of_origins_is_in_the_file_of_controls(fair):
    apart = {"member": ["train"], "heldout": ["test"]}
    blind = {"s": fair.blind() | {"one_sided": apart}, "t": fair.blind()}
    found = all_controls([fair.evaluate("audited", {"sima": 2})], blind)
    assert found["one_sided"] == {"s": apart}


def test_targets_of_a_kind_share_a_clause():
    controls = [{"kind": "permutation", "of": name, "passed": True, "failed_on": []} for name in ("a", "b")]
    assert heading(controls) == "2 of 2 controls passed"
    assert clauses(controls, True) == ["with shuffled labels, AUCs are at chance on a, b"]
    assert clauses(controls, False) == []
