"""Knobs are chosen on calibration and judged on evaluation; the oracle, the blind and luck stand beside."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import balanced_accuracy_score, precision_score, roc_auc_score, roc_curve

from simaudit.evaluation.protocol.evaluate import BLIND, Resampling, evaluate, evaluate_blind
from simaudit.evaluation.protocol.metrics import SCHEMA
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.protocol.transfer import precision
from simaudit.scoring.score_file import AGAINST_FLOAT32, KIND, Scores
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.metrics import METRICS, RATES, TPR_LEVELS
from simaudit.vocabulary.variant import Column, variant_text

N = 400
IS_MEMBER = np.arange(N) % 2 == 0
IS_CALIBRATION = np.arange(N) < 160
RESAMPLING = Resampling(resamples=200, permutations=100, seed=0)


def named(name):
    """The text of the variant that `scores` makes of a name."""
    return variant_text({"error": name})


def scores(statistics, attack="a", member_when="high", is_member=IS_MEMBER):
    """Statistics by timestep and the name of a variant."""
    columns = [Column(t, {"error": name}, 1) for t, name in statistics]
    values = np.array(list(statistics.values()), dtype=np.float32)
    return Scores(attack, member_when, columns, np.arange(N), is_member, IS_CALIBRATION, values)


def telling(calibration, evaluation, seed=1):
    """A statistic that tells members with the given strength in each fold, over a common noise."""
    strength = np.where(IS_CALIBRATION, calibration, evaluation)
    return np.random.default_rng(seed).normal(size=N) + strength * IS_MEMBER


def blind(strength=0.0, is_member=IS_MEMBER):
    return scores({(None, "c"): telling(strength, strength, seed=2)}, BLIND, is_member=is_member)


def nearest(of, near=()):
    """Some distance of every sample to the nearest member; those of these ids are near duplicates."""
    distance = np.random.default_rng(6).uniform(1, 2, size=len(of.sample_id))
    is_near = np.isin(of.sample_id, near)
    return pd.DataFrame({"sample_id": of.sample_id, "distance": distance, "near_duplicate": is_near})


def judged(*attacks, blind=blind(), near=()):  # noqa: B008
    return evaluate(list(attacks), blind, nearest(blind, near), RESAMPLING)


def estimates(node):
    """Every {value, low, high} under a node that has limits."""
    if isinstance(node, dict):
        if node.get("low") is not None:
            yield node
        for child in node.values():
            yield from estimates(child)


def test_selection_looks_at_calibration_alone_and_the_oracle_at_evaluation():
    found = judged(scores({(10, "v"): telling(3, 0.5), (20, "v"): telling(0.5, 3)}))
    measured = found.table[found.table.fold == "evaluation"].set_index("timestep")
    assert measured.selected.to_dict() == {10: True, 20: False}
    assert measured.oracle.to_dict() == {10: False, 20: True}
    facts = found.summary["attacks"]["a"]
    assert (facts["selected"]["timestep"], facts["oracle"]["timestep"]) == (10, 20)
    assert facts["selected"]["auc"]["value"] == measured.auc[10] < 0.75
    assert facts["optimism"]["auc"]["value"] == pytest.approx(measured.auc[20] - measured.auc[10])
    assert facts["optimism"]["auc"]["low"] > 0
    assert found.summary["selection"]["fold"] == "calibration"


def test_the_variant_is_a_knob_too_and_each_is_also_judged_alone():
    columns = {(10, "weak"): 0.1, (20, "weak"): 1, (10, "strong"): 2, (20, "strong"): 0.1}
    table = judged(scores({knobs: telling(s, s) for knobs, s in columns.items()})).table
    rows = table[table.fold == "evaluation"].set_index(["timestep", "variant"])
    assert rows.index[rows.selected].tolist() == [(10, named("strong"))]
    assert rows.index[rows.selected_in_variant].tolist() == [(20, named("weak")), (10, named("strong"))]


def test_an_attack_of_pure_noise_with_a_thousand_variants_proves_why_the_protocol_exists():
    noise = np.random.default_rng(3).normal(size=(1000, N))
    found = judged(scores({(10, f"v{k}"): values for k, values in enumerate(noise)}))
    facts = found.summary["attacks"]["a"]
    assert facts["oracle"]["auc"]["low"] > 0.5  # "a leak, 95 % sure", out of nothing
    assert facts["selected"]["auc"]["low"] < 0.5 < facts["selected"]["auc"]["high"]
    luck = found.permutation["attacks"]["a"]["permuted"]
    assert luck["oracle_auc"]["low"] > 0.55
    assert luck["auc"]["low"] <= 0.5 <= luck["auc"]["high"]
    assert luck["p_value"]["value"] > 0.05


def test_a_real_leak_is_beyond_what_shuffled_labels_give():
    luck = judged(scores({(t, "v"): telling(1, 1, seed=t) for t in range(5)})).permutation["attacks"]["a"][
        "permuted"
    ]
    assert luck["auc"]["low"] <= 0.5 <= luck["auc"]["high"]
    assert luck["p_value"]["value"] == pytest.approx(1 / 101)


def test_metrics_come_from_their_own_fold():
    rows = judged(scores({(10, "v"): telling(10, 0)})).table.set_index("fold")
    assert rows.auc["calibration"] == 1.0
    assert rows.auc["evaluation"] == pytest.approx(0.5, abs=0.15)
    assert (rows.members["calibration"], rows.heldout["calibration"]) == (80, 80)
    assert (rows.members["evaluation"], rows.heldout["evaluation"]) == (120, 120)


def test_orientation_is_applied_once():
    low = judged(scores({(10, "v"): -telling(2, 2)}, member_when="low"))
    high = judged(scores({(10, "v"): telling(2, 2)}, member_when="high"))
    for metric in METRICS:
        assert low.table[metric].tolist() == high.table[metric].tolist()
    of_low, of_high = (found.summary["attacks"]["a"]["transferred"] for found in (low, high))
    assert of_low.pop("threshold") == -of_high.pop("threshold")
    assert of_low == of_high


def test_equals_go_to_the_first_and_an_attack_without_timestep_is_judged():
    same = telling(1, 1)
    found = judged(
        scores({(None, "all"): same}), scores({(10, "x"): same, (20, "x"): same, (10, "y"): same}, attack="b")
    )
    chosen = found.table[found.table.selected & (found.table.fold == "evaluation")].set_index("attack")
    assert (chosen.timestep["b"], chosen.variant["b"]) == (10, named("x"))
    assert found.summary["attacks"]["b"]["selected"]["variant"] == {"error": "x"}
    assert found.summary["attacks"]["a"]["selected"]["timestep"] is None


def test_the_transferred_threshold_is_set_on_calibration_and_measured_on_evaluation():
    statistic = telling(2, 1).astype(np.float32)
    facts = judged(scores({(10, "v"): statistic})).summary["attacks"]["a"]["transferred"]
    others = np.sort(statistic[IS_CALIBRATION & ~IS_MEMBER])
    # 1 % of 80 held-out samples allows none: the strictest member above them all is as loose as it gets.
    members = statistic[IS_CALIBRATION & IS_MEMBER]
    assert facts["threshold"] == members[members > others[-1]].min()
    flagged = statistic[~IS_CALIBRATION] >= facts["threshold"]
    truth = IS_MEMBER[~IS_CALIBRATION]
    assert facts["tpr"]["value"] == flagged[truth].mean()
    assert facts["fpr"]["value"] == flagged[~truth].mean()
    assert facts["tpr"]["tail_too_small"]


def test_the_balanced_accuracy_is_that_of_the_threshold_which_calibration_chose():
    statistic = telling(2, 1).astype(np.float32)
    facts = judged(scores({(10, "v"): statistic})).summary["attacks"]["a"]["selected"]

    def accuracy(cut, rows):
        return balanced_accuracy_score(IS_MEMBER[rows], statistic[rows] >= cut)

    best = max(np.unique(statistic[IS_CALIBRATION]), key=lambda cut: accuracy(cut, IS_CALIBRATION))
    assert accuracy(facts["threshold"], IS_CALIBRATION) == accuracy(best, IS_CALIBRATION)
    assert facts["balanced_accuracy"]["value"] == pytest.approx(accuracy(facts["threshold"], ~IS_CALIBRATION))
    assert (
        facts["balanced_accuracy"]["value"] < facts["asr"]["value"]
    )  # which is the best on these very samples


@pytest.mark.parametrize("prior", [0.01, 0.1])
def test_the_precision_at_a_prior_is_that_of_a_population_with_that_share_of_members(prior):
    truth, flagged = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]), np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    weight = np.where(truth == 1, prior / 4, (1 - prior) / 6)
    expected = precision_score(truth, flagged, sample_weight=weight)
    assert precision(3 / 4, 1 / 6, prior) == pytest.approx(expected)


def test_nobody_accused_has_no_precision():
    """The held-out sample with the highest statistic of all keeps every threshold from being set."""
    statistic = telling(1, 1)
    statistic[1] = 100
    facts = judged(scores({(10, "v"): statistic})).summary["attacks"]["a"]["transferred"]
    assert facts["threshold"] is None
    assert facts["precision_at_1pct_prior"] is None
    assert (facts["tpr"]["value"], facts["fpr"]["value"]) == (0, 0)


def test_a_shifted_split_is_marked_and_shows_what_attacks_have_above_the_blind():
    shifted = judged(scores({(10, "v"): telling(1, 1)}), blind=blind(1.0))
    assert shifted.summary["shifted"] is True
    assert evaluate_blind(blind(1.0), RESAMPLING)["shifted"] is True
    minus = shifted.summary["attacks"]["a"]["minus_blind"]["auc"]
    assert minus["low"] < 0 < minus["high"]
    assert judged(scores({(10, "v"): telling(1, 1)})).summary["shifted"] is False


def test_differences_are_given_once_a_pair_and_are_zero_between_twins():
    same = telling(1, 1)
    found = judged(
        scores({(1, "v"): same}, "a"), scores({(1, "v"): same}, "b"), scores({(1, "v"): -same}, "c")
    )
    pairs = {(first, second) for first, others in found.differences["attacks"].items() for second in others}
    assert pairs == {("a", "minus_b"), ("a", "minus_c"), ("b", "minus_c")}
    twins = found.differences["attacks"]["a"]["minus_b"]
    for metric, entry in twins.items():
        has_limits = metric not in TPR_LEVELS  # 1 % of 120 held-out samples allows one false positive
        assert entry["value"] == 0
        assert (entry["low"], entry["high"]) == ((0, 0) if has_limits else (None, None))
    assert found.differences["attacks"]["a"]["minus_c"]["auc"]["low"] > 0


def test_every_number_has_an_interval_around_it():
    found = judged(
        scores({(t, "v"): telling(1, 1, seed=t) for t in range(3)}), scores({(1, "v"): telling(0, 0)}, "b")
    )
    measured = found.table[found.table.fold == "evaluation"]
    for metric in METRICS:
        assert (measured[f"{metric}_low"] <= measured[metric]).all()
        assert (measured[metric] <= measured[f"{metric}_high"]).all()
    for file in (found.summary, found.differences, found.permutation):
        numbers = list(estimates(file))
        assert numbers
        for entry in numbers:
            assert entry["low"] <= entry["value"] <= entry["high"]


def test_a_level_that_allows_fewer_than_ten_false_positives_is_marked():
    found = judged(scores({(1, "v"): telling(1, 1)}))
    for metric in RATES:
        assert found.table[f"{metric}_tail_too_small"].all()  # 1 % of 120
        assert found.summary["attacks"]["a"]["selected"][metric]["tail_too_small"] is True
    assert "tail_too_small" not in found.summary["attacks"]["a"]["selected"]["auc"]


def test_threads_change_nothing():
    columns = {(t, "v"): telling(1, 1, seed=t) for t in range(8)}
    one, two = (
        evaluate([scores(columns)], blind(), nearest(blind()), Resampling(100, 50, 0, threads))
        for threads in (1, 2)
    )
    assert one.summary == two.summary
    assert one.table.equals(two.table)


def test_the_table_fits_its_file():
    table = judged(scores({(10, "v"): telling(1, 1)})).table
    assert pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False).num_rows == 2


def test_the_selected_statistics_survive_their_file(tmp_path):
    found = judged(scores({(10, "v"): telling(1, 1), (20, "w"): telling(2, 2)}, member_when="low")).selected
    found.write(tmp_path / "s.parquet")
    read = SelectedScores.read(tmp_path / "s.parquet")
    assert read.knobs == found.knobs
    for attack in ("a", BLIND):
        np.testing.assert_array_equal(read.statistics[attack], found.statistics[attack])
    assert read.is_member.tolist() == IS_MEMBER.tolist()
    assert len(read.on_evaluation("a")[0]) == 240


@pytest.mark.parametrize("content", [None, b"", b"PAR1"])
def test_a_missing_or_damaged_file_of_selected_statistics_is_one_line(tmp_path, content):
    path = tmp_path / "s.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SimauditError, match=r"s\.parquet: (missing|not a whole file)"):
        SelectedScores.read(path)


def test_a_fold_with_one_class_is_one_line():
    one_class = IS_MEMBER | IS_CALIBRATION
    with pytest.raises(SimauditError, match="blind: the calibration fold has 160 members and 0 held-out"):
        judged(scores({(10, "v"): telling(1, 1)}, is_member=one_class), blind=blind(is_member=one_class))


def test_fewer_than_twenty_a_side_are_refused():
    few = IS_MEMBER & ~(IS_CALIBRATION & (np.arange(N) > 37))
    with pytest.raises(SimauditError, match=r"the calibration fold has 19 members .* needs 20 of each"):
        evaluate_blind(blind(is_member=few), RESAMPLING)


def test_a_constant_statistic_is_named():
    constant = np.where(IS_CALIBRATION, telling(1, 1), 0.0)
    with pytest.raises(
        SimauditError,
        match=r"a: .* same for all samples of the evaluation fold at timestep 20, variant \(w\);",
    ):
        judged(scores({(10, "v"): telling(1, 1), (20, "w"): constant}))


def test_scores_of_other_samples_than_the_blind_classifiers_are_refused():
    other = np.roll(IS_MEMBER, 1)
    with pytest.raises(SimauditError, match="a: its samples, roles or folds are not those"):
        judged(scores({(10, "v"): telling(1, 1)}), blind=blind(is_member=other))


def test_attacks_are_judged_in_each_quarter_of_the_distortion():
    """Only samples that are distorted much leak: the AUC is high in the last quarter and chance in the first."""
    distortion = np.random.default_rng(5).permutation(N).astype(float)
    statistic = np.random.default_rng(6).normal(size=N) + 3 * IS_MEMBER * (distortion > 0.75 * N)
    found = judged(scores({(None, "k"): distortion}, "distortion"), scores({(10, "v"): statistic}, "sima"))
    quarters = found.summary["attacks"]["sima"]["by_distortion"]
    inside = ~IS_CALIBRATION
    edges = np.quantile(distortion[inside], [0, 0.25, 0.5, 0.75, 1])
    for number in range(4):
        rows = inside & (distortion >= edges[number]) & (distortion <= edges[number + 1])
        expected = roc_auc_score(IS_MEMBER[rows], statistic[rows])
        assert quarters[f"q{number + 1}"]["value"] == pytest.approx(expected)
    assert quarters["q4"]["low"] > 0.8
    assert quarters["q1"]["low"] < 0.5 < quarters["q1"]["high"]
    assert "by_distortion" not in judged(scores({(10, "v"): statistic})).summary["attacks"]["a"]


def of_kind(kind, given):
    return replace(given, metadata={KIND: kind})


def test_what_an_autoencoder_adds_is_known_by_the_kind_of_an_attack_and_not_by_its_name():
    statistic = telling(1, 1)
    stretched = of_kind("distortion", scores({(None, "k"): telling(0, 0)}, "stretched"))
    rebuilt = of_kind("reconstruction", scores({(None, "mean"): telling(0, 0, 7)}, "rebuilt"))
    facts = judged(stretched, rebuilt, scores({(10, "v"): statistic})).summary
    assert set(facts["attacks"]["a"]["by_distortion"]) == {"q1", "q2", "q3", "q4"}
    assert set(facts["reconstruction_error"]) == {"mean"}
    other = [of_kind("", scores({(None, "k"): statistic}, name)) for name in ("distortion", "reconstruction")]
    facts = judged(*other).summary
    assert "by_distortion" not in facts["attacks"]["distortion"]
    assert "reconstruction_error" not in facts


def test_a_quarter_without_members_is_left_out():
    distortion = np.arange(N) - 1000.0 * IS_MEMBER
    found = judged(scores({(None, "k"): distortion}, "distortion"))
    assert found.summary["attacks"]["distortion"].get("by_distortion", {}) == {}


def heldout_of_evaluation(count):
    """The first samples that are held out and in the evaluation fold."""
    return np.flatnonzero(~IS_MEMBER & ~IS_CALIBRATION)[:count]


@pytest.mark.parametrize("member_when", ["low", "high"])
def test_numbers_without_near_duplicates_are_those_of_the_samples_that_are_left(member_when):
    """By scikit-learn; the knobs and the threshold stay those that calibration chose on all of its samples."""
    sign = 1 if member_when == "high" else -1
    near = heldout_of_evaluation(15)
    statistics = {(10, "v"): telling(2, 1), (20, "w"): telling(0.5, 3, seed=4)}
    for values in statistics.values():
        values[near] += 3  # they are taken for members
    columns = {knobs: sign * values for knobs, values in statistics.items()}
    given = np.concatenate([near, [0, 1, 2]])  # members, and held-out samples of the calibration fold, stay
    found = judged(scores(columns, member_when=member_when), near=given)
    facts = found.summary["attacks"]["a"]
    without, selected = facts["without_near_duplicates"], facts["selected"]
    assert selected["timestep"] == 10
    left = ~IS_CALIBRATION & ~np.isin(np.arange(N), near)
    likeness = statistics[10, "v"].astype(np.float32)
    assert found.summary["near_duplicates"] == {"found": 15}
    assert without["auc"]["value"] == pytest.approx(roc_auc_score(IS_MEMBER[left], likeness[left]))
    accepted = likeness[left] >= sign * selected["threshold"]
    expected = balanced_accuracy_score(IS_MEMBER[left], accepted)
    assert without["balanced_accuracy"]["value"] == pytest.approx(expected)
    fpr, tpr, _ = roc_curve(IS_MEMBER[left], likeness[left], drop_intermediate=False)
    for metric, level in TPR_LEVELS.items():
        assert without[metric]["value"] == tpr[fpr <= level].max()
        assert without[metric]["tail_too_small"] is True
    for metric in ("auc", "balanced_accuracy", *TPR_LEVELS):
        assert without[metric]["value"] > selected[metric]["value"]


def test_without_samples_that_are_left_out_the_limits_are_those_of_a_smaller_evaluation():
    near = heldout_of_evaluation(15)
    whole = scores({(10, "v"): telling(2, 1)})
    kept = ~np.isin(np.arange(N), near)
    reduced = Scores(
        "a",
        "high",
        whole.columns,
        np.arange(N)[kept],
        IS_MEMBER[kept],
        IS_CALIBRATION[kept],
        whole.statistic[:, kept],
    )
    others = replace(reduced, attack=BLIND, statistic=blind().statistic[:, kept], columns=blind().columns)
    smaller = judged(reduced, blind=others).summary["attacks"]["a"]["selected"]
    without = judged(whole, near=near).summary["attacks"]["a"]["without_near_duplicates"]
    assert without == {metric: smaller[metric] for metric in without}
    assert len(without) == 4


@pytest.mark.parametrize("near", [[], [0, 2, 160], [1, 3]], ids=["none", "members", "of calibration"])
def test_where_no_near_duplicate_is_measured_nothing_is_said_without_them(near):
    summary = judged(scores({(10, "v"): telling(1, 1)}), near=near).summary
    assert summary["near_duplicates"] == {"found": 0}
    assert "without_near_duplicates" not in summary["attacks"]["a"]


def test_fewer_than_twenty_others_are_not_measured():
    counts = [(100, True), (101, False)]  # of 120
    for near, measured in counts:
        summary = judged(scores({(10, "v"): telling(1, 1)}), near=heldout_of_evaluation(near)).summary
        assert summary["near_duplicates"] == {"found": near}
        assert ("without_near_duplicates" in summary["attacks"]["a"]) is measured


def test_the_log_snr_of_a_timestep_stands_beside_it():
    given = replace(
        scores({(10, "v"): telling(1, 1), (20, "v"): telling(1, 1, 3)}), log_snr={10: 2.5, 20: 1.5}
    )
    table = judged(given).table
    assert table[table.timestep == 10].log_snr.tolist() == [2.5, 2.5]
    assert judged(scores({(None, "v"): telling(1, 1)})).table.log_snr.isna().all()


def test_reconstruction_errors_of_both_sides_have_students_limits():
    error = np.random.default_rng(5).normal(size=N) + 5 - IS_MEMBER
    found = judged(scores({(None, "mean_absolute"): error}, "reconstruction", "low"))
    errors = found.summary["reconstruction_error"]["mean_absolute"]
    for side, rows in (("of_members", IS_MEMBER), ("of_heldout", ~IS_MEMBER)):
        values = error[rows & ~IS_CALIBRATION].astype(np.float32).astype(float)
        low, high = ttest_1samp(values, 0).confidence_interval()
        assert errors[side] == pytest.approx({"value": values.mean(), "low": low, "high": high})


def test_what_a_precision_changes_stands_beside_the_attack_at_its_chosen_knobs_and_at_most():
    statistics = {(10, "v"): telling(2, 2), (20, "v"): telling(0.5, 0.5)}
    rows = [[10, named("v"), 0.002, 0.001], [20, named("v"), 0.004, -0.003]]
    rounded = replace(scores(statistics, "rounded"), metadata={AGAINST_FLOAT32: json.dumps(rows)})
    attacks = judged(rounded, scores(statistics, "exact")).summary["attacks"]
    assert attacks["rounded"]["against_float32"] == {
        "relative_error": 0.002,
        "auc_difference": 0.001,
        "largest_relative_error": 0.004,
        "largest_auc_difference": -0.003,
    }
    assert "against_float32" not in attacks["exact"]
