"""What only several targets can tell: ranks against published ones, seeds against their own spread."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, friedmanchisquare

from simaudit.evaluation.comparison.compare import compare, ranks
from simaudit.evaluation.comparison.groups import over_seeds, standard_deviation
from simaudit.evaluation.comparison.ranks import can_separate, mean_ranks
from simaudit.vocabulary.errors import SimauditError

# Ranks by hand: 1 2 3 4; 2.5 1 2.5 4; 1.5 1.5 3 4.
BY_HAND = pd.DataFrame(
    [[0.9, 0.8, 0.7, 0.6], [0.7, 0.9, 0.7, 0.5], [0.8, 0.8, 0.7, 0.6]], columns=list("abcd")
)


def test_ranks_share_ties_and_friedman_is_scipys():
    found = mean_ranks(BY_HAND)
    ranks = {name: found["attacks"][name]["mean_rank"]["value"] for name in BY_HAND}
    assert ranks == pytest.approx({"a": 5 / 3, "b": 1.5, "c": 8.5 / 3, "d": 4})
    assert found["friedman_p"] == pytest.approx(friedmanchisquare(*BY_HAND.to_numpy().T).pvalue)
    assert found["targets"] == 3


def test_the_critical_difference_is_the_one_of_demsars_example():
    """Four classifiers on 14 data sets: 2.569 √(4·5/(6·14)) = 1.25 (JMLR 2006, section 3.2.2)."""
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(14, 4)))
    assert mean_ranks(values)["critical_difference"] == pytest.approx(1.25, abs=0.005)


def test_limits_lie_half_the_critical_difference_away_and_never_beyond_the_first_or_last_rank():
    found = mean_ranks(pd.DataFrame({"a": [0.9] * 9, "b": [0.7] * 8 + [0.95]}))
    best, other = (found["attacks"][name]["mean_rank"] for name in "ab")
    assert best["value"] == pytest.approx(10 / 9)
    assert (best["low"], other["high"]) == (1, 2)
    assert best["high"] - best["value"] == pytest.approx(found["critical_difference"] / 2)
    assert other["value"] - other["low"] == pytest.approx(found["critical_difference"] / 2)
    assert found["friedman_p"] is None  # Friedman's test needs three


def test_two_attacks_need_four_targets_and_any_number_needs_three():
    """Two: 1.96 √(2·3/(6N)) < 1, so N > 3.84. Three: 2.344 √(3·4/(6N)) < 2, so N > 2.7 (Demšar 2006, Table 5)."""
    assert [can_separate(targets, 2) for targets in (2, 3, 4)] == [False, False, True]
    assert [can_separate(targets, 3) for targets in (2, 3)] == [False, True]
    assert not can_separate(1, 1)


def test_attacks_that_share_all_ranks_have_no_friedman_test():
    found = mean_ranks(pd.DataFrame({name: [0.9, 0.8] for name in "abc"}))
    assert found["friedman_p"] is None
    assert {entry["mean_rank"]["value"] for entry in found["attacks"].values()} == {2}


def test_a_standard_deviation_has_the_limits_of_chi_squared():
    values = np.array([0.5, 0.6, 0.8])
    interval = standard_deviation(values)
    assert interval.value == pytest.approx(np.std(values, ddof=1))
    assert chi2.cdf(2 * (interval.value / interval.low) ** 2, 2) == pytest.approx(0.975)
    assert chi2.cdf(2 * (interval.value / interval.high) ** 2, 2) == pytest.approx(0.025)


def test_seeds_are_one_group_with_mean_spread_and_sampling_error_apart(audit):
    audit.blind()
    seeds = [
        audit.evaluate(f"seed{k}", {"sima": 1 + k / 2}, sima={(10, "v"): audit.telling(1 + k / 2, seed=k)})
        for k in (0, 1)
    ]
    aucs = [results.summary["attacks"]["sima"]["selected"]["auc"] for results in seeds]
    found = over_seeds(seeds)
    of_sima = found["attacks"]["sima"]
    assert found["seeds"] == ["seed0", "seed1"]
    values = [auc["value"] for auc in aucs]
    assert of_sima["mean_over_seeds"]["auc"]["value"] == pytest.approx(np.mean(values))
    spread = [of_sima[of]["auc"] for of in ("lowest_seed", "highest_seed")]
    assert [of["value"] for of in spread] == sorted(values)
    assert {of[limit] for of in spread for limit in ("low", "high")} == {None}
    assert "sd_between_seeds" not in of_sima  # its limits reach from next to nothing to far above any AUC


def test_a_standard_deviation_is_given_from_five_seeds_on(audit):
    audit.blind()
    seeds = [
        audit.evaluate(f"seed{k}", {"sima": 1}, sima={(10, "v"): audit.telling(1, seed=k)}) for k in range(5)
    ]
    for count in (4, 5):
        found = over_seeds(seeds[:count])
        assert ("sd_between_seeds" in found["attacks"]["sima"]) == (count == 5)
        assert ("sd_between_seeds" in found["frechet"]["to_members"]) == (count == 5)
    aucs = [results.summary["attacks"]["sima"]["selected"]["auc"]["value"] for results in seeds]
    sd = found["attacks"]["sima"]["sd_between_seeds"]["auc"]
    assert sd["value"] == pytest.approx(np.std(aucs, ddof=1))
    assert sd["high"] < 3 * sd["value"]


def test_seeds_that_err_together_are_no_surer_than_one(audit):
    """The same statistic twice: a mean over seeds must not look like twice the samples."""
    audit.blind()
    same = {(10, "v"): audit.telling(1)}
    seeds = [audit.evaluate(name, {"sima": 1}, sima=same) for name in ("one", "two")]
    alone = seeds[0].summary["attacks"]["sima"]["selected"]
    mean = over_seeds(seeds)["attacks"]["sima"]["mean_over_seeds"]
    for metric in ("auc", "tpr_at_1pct_fpr"):
        assert {key: mean[metric][key] for key in ("value", "low", "high")} == pytest.approx(
            {key: alone[metric][key] for key in ("value", "low", "high")}
        )


def test_seeds_evaluated_on_other_samples_are_refused(audit):
    audit.blind()
    one, two = (audit.evaluate(name, {"sima": 1}) for name in ("one", "two"))
    vars(two)["selected"] = replace(two.selected, sample_id=two.selected.sample_id + 1)
    with pytest.raises(SimauditError, match="two: was evaluated on other samples than one"):
        over_seeds([one, two])


def test_a_run_is_compared_in_groups_and_controls_take_no_rank(audit):
    blind = {"s": audit.blind()}
    targets = [
        audit.evaluate("a0", {"sima": 2, "loss": 1, "pia": 1}, group="a0"),
        audit.evaluate("a1", {"sima": 2, "loss": 1}, group="a0"),
        audit.evaluate("b", {"sima": 2, "loss": 0}),
        audit.evaluate("untrained", {"sima": 0, "loss": 0}, control="untrained"),
    ]
    found = compare(targets, blind, 100, 0)
    assert set(found["groups"]["groups"]) == {"a0"}
    assert set(found["groups"]["groups"]["a0"]["attacks"]) == {"sima", "loss"}  # what both seeds have
    ranked = found["ranks"]["ranks"]["auc"]
    assert ranked["targets"] == 2
    assert found["ranks"]["of"] == ["a0", "b"]
    assert {name: entry["mean_rank"]["value"] for name, entry in ranked["attacks"].items()} == {
        "sima": 1,
        "loss": 2,
    }


def test_ranks_take_the_largest_block_of_targets_and_attacks_without_a_gap(audit):
    """Three attacks on two targets, where one attack is on all four, and two are on three of them."""
    blind = {"s": audit.blind()}
    targets = [
        audit.evaluate("a", {"loss": 1, "pia": 1, "sima": 2}),
        audit.evaluate("b", {"sima": 2}),
        audit.evaluate("c", {"loss": 1, "pia": 1, "sima": 2}),
        audit.evaluate("d", {"pia": 1, "sima": 2}),
    ]
    found = compare(targets, blind, 100, 0)["ranks"]
    assert found["of"] == ["a", "c"]
    assert set(found["ranks"]["auc"]["attacks"]) == {"loss", "pia", "sima"}


def test_ranks_prefer_a_block_that_can_show_a_difference_to_a_larger_one_that_cannot(audit):
    """Eight attacks on two targets are more than two on four, and can separate nothing."""
    audit.blind()
    many = dict.fromkeys([*"cdefgh", "loss", "sima"], 1.0)
    groups = [[audit.evaluate(name, many)] for name in ("a", "b")]
    groups += [[audit.evaluate(name, {"loss": 1.0, "sima": 1.0})] for name in ("c", "d")]
    found = ranks(groups)
    assert found["of"] == ["a", "b", "c", "d"]
    assert set(found["ranks"]["auc"]["attacks"]) == {"loss", "sima"}


def test_with_one_target_ranks_are_absent_and_it_is_said_why(audit):
    blind = {"s": audit.blind()}
    found = compare([audit.evaluate("a", {"sima": 2, "loss": 1})], blind, 100, 0)
    assert "two or more audited targets" in found["ranks"]["absent"]
    assert found["groups"] == {"groups": {}}
