"""Learned heads stand apart: they never decide a verdict or take a rank, and what they find more is said in words."""

import pytest
from auditing import SmallRun

from simaudit.evaluation.comparison.compare import ranks
from simaudit.evaluation.controls.controls import MINUS_BEST, SELECTED, all_controls
from simaudit.evaluation.numbers import LEARNED
from simaudit.evaluation.protocol.evaluate import headline
from simaudit.report.outcome import heads_that_find_more
from simaudit.report.tables.every import target_tables
from simaudit.report.tables.of_target import ATTACKS


@pytest.fixture
def evaluated(audit):
    """Evaluate threshold attacks and the head `combined`, each with its strength; the audit's blind finds nothing."""
    audit.blind()
    return lambda name, head, **rest: (
        lambda **attacks: audit.evaluate(name, {"combined": head, **attacks}, heads=("combined",), **rest)
    )


def test_a_head_competes_with_no_threshold_attack(evaluated):
    results = evaluated("t", 5)(loss=1, sima=2)
    assert (results.attacks, results.heads) == (["loss", "sima"], ["combined"])
    assert results.best == headline(results.summary)["best"] == "sima"
    others = [evaluated(name, 5)(loss=1, sima=2) for name in ("a", "b")]
    assert set(ranks([[other] for other in others])["ranks"]["auc"]["attacks"]) == {"loss", "sima"}


def test_limits_that_decide_are_as_wide_as_without_a_head(audit, evaluated):
    with_head, without = (
        evaluated("with", 5)(loss=0, sima=1),
        audit.evaluate("without", {"loss": 0, "sima": 1}),
    )
    found = all_controls([with_head, without], {})
    ours, theirs = (
        found["decisive"][name]["attacks"]["sima"][SELECTED]["auc"] for name in ("with", "without")
    )
    assert ours == theirs
    assert found["verdicts"]["with"] == found["verdicts"]["without"] == {"verdict": "leaks", "attack": "sima"}


@pytest.fixture
def small_run_of(audit):
    """Compare one evaluated target by itself."""
    return lambda target: SmallRun.of(audit, [target], audit.blind())


@pytest.mark.parametrize(
    ("head", "sima", "verdict", "said"),
    [
        (3, 0, "no leak found", "finds members, as no threshold attack surely does"),
        (5, 1, "leaks", "finds more than threshold attacks"),
        (0, 0, "no leak found", None),
        (1, 1, "leaks", None),
    ],
)
def test_what_a_head_finds_more_is_one_sentence_with_its_numbers(
    small_run_of, evaluated, head, sima, verdict, said
):
    run = small_run_of(evaluated("t", head)(sima=sima))
    findings = run.findings
    controls, ledger = findings.comparison["controls"], findings.ledger
    assert controls["verdicts"]["t"]["verdict"] == verdict
    assert controls["learned"] == ({"t": "combined"} if said else {})
    sentences = heads_that_find_more(controls, ledger)
    assert len(sentences) == bool(said)
    if said:
        (line,) = (line for line in run.verdict()["lines"] if said in line)
        assert f"{ledger.number('auc', 't', 'combined', LEARNED).value:.3f}" in line
        assert f"{ledger.number('auc', 't', 'sima').value:.3f}" in line


def test_heads_have_a_table_of_their_own(small_run_of, evaluated):
    findings = small_run_of(evaluated("t", 5)(sima=1)).findings
    assert [row[0] for row in ATTACKS(findings, "t").rows] == ["sima"]
    (table,) = (table for table in target_tables(findings, "t") if table.name == "learned_heads")
    ((row),) = table.rows
    assert row[0] == "combined"
    numbers = dict(zip([column.key for column in table.columns], row, strict=True))
    ledger = findings.ledger
    assert ledger.numbers[numbers["auc"]].value > ledger.number("auc", "t", "sima").value
    assert ledger.numbers[numbers["above_best"]] == ledger.number("auc", "t", "combined", MINUS_BEST)
    for key in ("queries", "timestep", "tpr_at_1pct_fpr", "auc_minus_blind", "permuted_auc"):
        assert numbers[key] in ledger, key


def test_a_head_that_finds_members_of_an_untrained_network_fails_the_control(evaluated):
    found = all_controls([evaluated("untrained", 2, control="untrained")(sima=0)], {})
    (failed,) = (control for control in found["controls"] if control["kind"] == "untrained")
    assert failed["failed_on"] == ("combined",)
