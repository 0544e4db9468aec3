"""Knobs and thresholds from another audit: what they give is worked out by hand; what cannot be carried is said."""

from dataclasses import replace

import numpy as np
import pytest
from auditing import SmallRun
from planning import lines_of, small
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from simaudit.evaluation.comparison.carried import carried
from simaudit.plan.jobs import jobs
from simaudit.report.tables.carried import carried as table
from simaudit.vocabulary import paths


def shadowed(audit):
    """A target that is calibrated on another one, which is told best at timestep 20, and the score files of the first.

    The first is told best at 10, and its statistics at 20 are those of the other, moved.
    """
    blind = audit.blind()
    shift = {t: audit.telling(strength, seed=t) for t, strength in ((10, 0.2), (20, 1.5))}
    own = {(10, "v"): audit.telling(2.5, seed=4), (20, "v"): audit.telling(1.0, seed=5) + 0.4}
    shadow = audit.evaluate("shadow", {"sima": 1, "loss": 1}, sima={(t, "v"): s for t, s in shift.items()})
    net = audit.evaluate("net", {"sima": 1, "pia": 1}, sima=own)
    net = replace(net, context=replace(net.context, calibrate_on="shadow"))
    return (
        [net, shadow],
        {"net": {"sima": audit.path / "scores/net/sima.parquet"}},
        shift[20],
        own[20, "v"],
        blind,
    )


def test_numbers_are_those_of_the_other_audits_knobs_and_thresholds(audit):
    targets, scores, theirs, ours, _ = shadowed(audit)
    split = audit.split
    first, member = split.is_calibration, split.is_member
    strict = theirs[
        first & member & (theirs < theirs[first & ~member].min())
    ].max()  # 1 % of 72 allows no error
    best = max(
        theirs[first], key=lambda limit: balanced_accuracy_score(member[first], theirs[first] <= limit)
    )
    found = carried(targets, scores)["net"]
    assert found["from"] == "shadow"
    facts = found["attacks"]["sima"]["calibrated_on_shadow"]
    assert facts["timestep"] == 20  # and not 10, which is better here
    judged, is_member = ours[~first], member[~first]
    assert facts["auc"]["value"] == pytest.approx(roc_auc_score(is_member, -judged))
    assert facts["threshold"] == pytest.approx(best)
    accepted = judged <= np.float32(best)
    assert facts["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(is_member, accepted))
    assert facts["transferred"]["threshold"] == pytest.approx(strict)
    for rate, side in (("tpr", is_member), ("fpr", ~is_member)):
        count = int((judged[side] <= np.float32(strict)).sum())
        limits = binomtest(count, int(side.sum())).proportion_ci(0.95, "exact")
        got = facts["transferred"][rate]
        assert (got["value"], got["low"], got["high"]) == pytest.approx((count / side.sum(), *limits))


def test_an_attack_that_one_of_both_lacks_is_left_out_with_the_reason(audit):
    targets, scores, *_ = shadowed(audit)
    found = carried(targets, scores)["net"]
    assert found["left_out"] == {"pia": "shadow has no scores of it", "loss": "net has no scores of it"}
    other = audit.write_scores(audit.path / "other.parquet", "sima", {(30, "v"): audit.telling(1)})
    found = carried(targets, {"net": {"sima": other}})["net"]
    assert found["attacks"] == {}
    assert found["left_out"]["sima"] == "net has no statistic at timestep 20, variant (v)"


def test_the_table_has_them_beside_the_audits_own(audit, monkeypatch):
    targets, scores, *_, blind = shadowed(audit)
    run = SmallRun.of(audit, targets, blind, scores=scores)
    shown = table(run.findings)
    [row] = shown.rows
    numbers = run.findings.ledger
    assert row[:4] == ("net", "shadow", "sima", "net.sima.calibrated_on_shadow.auc")
    assert row[5:] == (
        "net.sima.calibrated_on_shadow.transferred.tpr",
        "net.sima.calibrated_on_shadow.transferred.fpr",
        "net.sima.auc",
        "net.sima.balanced_accuracy",
        "net.sima.transferred.tpr",
        "net.sima.transferred.fpr",
    )
    assert all(cell in numbers for cell in row[3:])
    assert "PIA of net (shadow has no scores of it)" in shown.caption
    alone = SmallRun.of(audit, [targets[1]], blind)
    assert table(alone.findings).absent == "no audit has calibrate_on"


BOTH = "audits: {net: {attacks: [loss], calibrate_on: raw}, raw: {attacks: [loss, sima]}}"


def test_scores_of_the_attacks_of_both_are_read_where_an_audit_asks_for_it():
    [job] = [job for job in jobs(small(BOTH)) if job.name == "compare"]
    assert job.reads["scores"] == {"net": {"loss": paths.scores("net", "loss")}}
    [job] = [job for job in jobs(small("")) if job.name == "compare"]
    assert "scores" not in job.reads


@pytest.mark.parametrize(
    ("audits", "why"),
    [
        ("{net: {calibrate_on: nothing}}", "no such entry; known: net, raw, exact (got 'nothing')"),
        ("{net: {calibrate_on: net}}", "is the audit itself; name another one"),
        (
            "{net: {calibrate_on: raw}, raw: {attacks: [sima]}}",
            "no attack is run on both (got raw); name an audit with the same attacks",
        ),
    ],
)
def test_an_audit_that_nothing_can_be_carried_from_is_refused(audits, why):
    [line] = lines_of(small, f"audits: {audits}")
    assert line.endswith(f"audits.net.calibrate_on: {why}")
