"""A set of members is told from held-out samples where a model leaks, and by chance alone where it does not."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest, norm, ttest_ind

from simaudit.evaluation.protocol.selected import Selected, SelectedScores
from simaudit.evaluation.sets.inference import (
    Moments,
    attack_features,
    member_likeness,
    one_sided_p,
    p_values,
    possible_sizes,
)
from simaudit.evaluation.sets.parts import by_part
from simaudit.evaluation.sets.verdict import ATTACKS, BLIND, group_facts, set_facts, set_table
from simaudit.evaluation.statistics.intervals import auc_of_few, together
from simaudit.evaluation.statistics.roc import Roc

N = 400
IS_MEMBER = np.arange(N) % 2 == 0
IS_CALIBRATION = np.arange(N) < 160
ROWS = ~IS_CALIBRATION
RNG = np.random.default_rng


def likeness(strength, seed=0):
    """The log-odds (240,) of the evaluation fold by five features that tell members with this strength."""
    features = RNG(seed).normal(size=(N, 5)) - strength * IS_MEMBER[:, None]
    return member_likeness(features, IS_MEMBER, IS_CALIBRATION)[ROWS]


@pytest.mark.parametrize("size", [10, 120])
def test_p_is_uniform_where_there_is_nothing_to_find(size):
    """500 models without a leak, each with features, a classifier and a set of its own."""
    p = [p_values(likeness(0, seed), IS_MEMBER[ROWS], [size], 1, seed)[0, 0] for seed in range(500)]
    assert kstest(p, "uniform").pvalue > 0.01


def test_more_members_make_a_leak_certain():
    table = set_table(
        {ATTACKS: likeness(0.3), BLIND: likeness(0, seed=1)}, IS_MEMBER[ROWS], (10, 40, 100, 500), 50, 0
    )
    assert sorted(table.members.unique()) == [10, 40, 100]  # of 120 members
    facts = set_facts(table)
    assert facts["with_10"]["p"] > facts["with_40"]["p"] > facts["with_100"]["p"]
    assert facts["with_100"]["p_high"] < 0.01
    assert facts["smallest"] == min(n for n in (10, 40, 100) if facts[f"with_{n}"]["p"] < 0.01)
    assert facts["largest"] == 100
    assert facts["with_100"]["blind_p"] > 0.05


def test_without_a_leak_there_is_no_smallest_set():
    nothing = {ATTACKS: likeness(0), BLIND: likeness(0, seed=1)}
    assert set_facts(set_table(nothing, IS_MEMBER[ROWS], (10, 100), 50, 0))["smallest"] is None


def test_p_is_that_of_welch_s_one_sided_test():
    rng = RNG(3)
    suspects, heldout = rng.normal(0.3, 2, size=(4, 15)), rng.normal(size=(4, 40))
    test = ttest_ind(suspects, heldout, axis=1, equal_var=False, alternative="greater")
    assert one_sided_p(Moments.of(suspects), Moments.of(heldout)) == pytest.approx(test.pvalue)
    assert one_sided_p(Moments.of(np.ones(5)), Moments.of(np.ones(5))) == 1


def test_sets_of_one_repeat_lie_within_one_another_and_have_no_sample_twice():
    place = np.arange(240, dtype=float)
    whole = p_values(place, IS_MEMBER[ROWS], [120], 3, 0)
    assert whole[0] == pytest.approx(whole[0, 0])  # all samples, in whichever order
    alone, together = (p_values(place, IS_MEMBER[ROWS], sizes, 3, 0) for sizes in ([20, 60], [20, 120]))
    assert not np.array_equal(alone[0], alone[1])
    assert together[1] == pytest.approx(whole[0])


def test_where_all_sizes_are_too_large_one_is_as_large_as_it_can_be():
    assert possible_sizes((10, 50), 30, 100) == [10]
    assert possible_sizes((50, 100), 30, 100) == [30]


def test_nothing_is_learned_from_the_evaluation_fold():
    features = RNG(0).normal(size=(N, 5)) - 0.5 * IS_MEMBER[:, None]
    turned = np.where(IS_CALIBRATION, IS_MEMBER, ~IS_MEMBER)
    one, other = (member_likeness(features, labels, IS_CALIBRATION) for labels in (IS_MEMBER, turned))
    assert np.array_equal(one, other)


def test_features_are_logarithms_of_what_is_positive():
    values = {"sima": np.exp(RNG(0).normal(size=N)), "pfami": RNG(1).normal(size=N)}
    knobs = {name: Selected("{}", 10, 1, "low") for name in values}
    selected = SelectedScores(np.arange(N), IS_MEMBER, IS_CALIBRATION, knobs, values, np.ones(N))
    features = attack_features(selected, ["sima", "pfami"])
    assert features[:, 0] == pytest.approx(np.log(values["sima"]))
    assert features[:, 1] == pytest.approx(values["pfami"])


def test_a_group_is_held_against_its_own_held_out_samples_where_it_has_enough():
    scores, members = likeness(1), IS_MEMBER[ROWS]
    group = np.full(240, None, dtype=object)
    group[:60], group[60:100] = "both", "few"
    group[100:200] = np.where(members[100:200], "alone", None)
    facts = group_facts({ATTACKS: scores, BLIND: RNG(2).normal(size=240)}, members, group)
    assert (facts["of_both"]["members"], facts["of_both"]["heldout"]) == (30, 30)
    assert (facts["of_alone"]["members"], facts["of_alone"]["heldout"]) == (50, 120)
    test = ttest_ind(
        scores[(group == "both") & members],
        scores[(group == "both") & ~members],
        equal_var=False,
        alternative="greater",
    )
    assert facts["of_both"]["p"] == pytest.approx(test.pvalue)
    assert facts["of_both"]["corrected_p"] == pytest.approx(min(1, 3 * test.pvalue))
    small = group_facts({ATTACKS: scores, BLIND: scores}, members, np.where(np.arange(240) < 6, "g", None))
    assert small == {"of_g": {"members": 3, "heldout": 120}}


def test_held_out_samples_are_read_once_however_many_groups_are_held_against_them(monkeypatch):
    read, of = [], Moments.of
    monkeypatch.setattr(Moments, "of", lambda scores: read.append(len(scores)) or of(scores))
    members = np.arange(400) < 200
    group = np.where(
        members, np.arange(400) // 10, None
    )  # twenty groups without held-out samples of their own
    facts = group_facts({ATTACKS: RNG(1).normal(size=400)}, members, group)
    assert len(facts) == 20
    assert all("p" in known for known in facts.values())
    assert sum(read) == 400


def test_each_class_has_limits_that_hold_together_and_a_small_one_has_none():
    members = IS_MEMBER[ROWS]
    statistic = RNG(5).normal(size=240) - members
    part = np.where(np.arange(240) < 100, "3", "7").astype(object)
    part[228:] = "tiny"
    accused = np.arange(240) % 10 == 0  # members alone, ten of the first hundred samples
    facts = by_part(statistic, members, "low", part, accused)
    assert facts["of_tiny"] == {"members": 6, "heldout": 6}
    roc = Roc.of(statistic[:100], members[:100], "low")
    assert facts["of_3"]["auc"] == auc_of_few(roc.placements(), roc.is_member, together(2)).json()
    assert facts["of_3"]["tpr_at_1pct_fpr"]["value"] == roc.found_at(0.01) / 50
    assert facts["of_3"]["tpr_at_1pct_fpr"]["tail_too_small"]
    exact = binomtest(10, 50).proportion_ci(together(2), "exact")
    assert facts["of_3"]["members_accused"] == {
        "value": 0.2,
        "low": pytest.approx(exact.low),
        "high": pytest.approx(exact.high),
    }
    assert facts["of_3"]["heldout_accused"]["value"] == 0
    assert by_part(statistic, members, "low", np.full(240, "3", dtype=object), accused) == {}


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_limits_over_ten_small_classes_hold_together_in_19_of_20_runs(strength):
    """The true AUC of two normal distributions of variance 1 is Φ(strength/√2)."""
    truth, held = norm.cdf(strength / np.sqrt(2)), []
    members, part = np.arange(600) % 2 == 0, (np.arange(600) // 2 % 10).astype(str).astype(object)
    for seed in range(200):
        facts = by_part(RNG(seed).normal(size=600) - strength * members, members, "low", part, members)
        held.append(all(known["auc"]["low"] <= truth <= known["auc"]["high"] for known in facts.values()))
    assert np.mean(held) >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 200)
