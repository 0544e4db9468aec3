"""Knobs are chosen on calibration and judged on evaluation; the oracle stands beside."""

import numpy as np
import pyarrow as pa
import pytest

from simaudit.errors import SimauditError
from simaudit.evaluation.evaluate import SCHEMA, evaluate, metric_rows, summarise
from simaudit.scores import Column, Scores

N = 200
IS_MEMBER = np.arange(N) % 2 == 0
IS_CALIBRATION = np.arange(N) < 80


def scores(statistics, attack="a", member_when="high", is_member=IS_MEMBER):
    columns = [Column(t, variant, 1) for t, variant in statistics]
    values = np.array(list(statistics.values()), dtype=np.float32)
    return Scores(attack, member_when, columns, np.arange(N), is_member, IS_CALIBRATION, values)


def telling(calibration, evaluation):
    """A statistic that tells members with the given strength in each fold, over a common noise."""
    strength = np.where(IS_CALIBRATION, calibration, evaluation)
    return np.random.default_rng(1).normal(size=N) + strength * IS_MEMBER


def test_selection_looks_at_calibration_alone_and_the_oracle_at_evaluation():
    table = evaluate([scores({(10, "v"): telling(3, 0.5), (20, "v"): telling(0.5, 3)})])
    measured = table[table.fold == "evaluation"].set_index("timestep")
    assert measured.selected.to_dict() == {10: True, 20: False}
    assert measured.oracle.to_dict() == {10: False, 20: True}
    summary = summarise(table)["a"]
    assert summary["selected"]["timestep"] == 10
    assert summary["oracle"]["timestep"] == 20
    assert summary["selected"]["auc"] == measured.auc[10] < 0.75
    assert summary["optimism"]["auc"] == pytest.approx(measured.auc[20] - measured.auc[10])


def test_the_variant_is_a_knob_too_and_each_is_also_judged_alone():
    summary = summarise(evaluate([scores({(10, "weak"): telling(0.5, 0.5), (10, "strong"): telling(3, 3)})]))[
        "a"
    ]
    assert summary["selected"]["variant"] == "strong"
    assert summary["variants"]["weak"]["selected"]["auc"] < summary["selected"]["auc"]


def test_metrics_come_from_their_own_fold():
    rows = metric_rows(scores({(10, "v"): telling(10, 0)})).set_index("fold")
    assert rows.auc["calibration"] == 1.0
    assert rows.auc["evaluation"] == pytest.approx(0.5, abs=0.15)
    assert (rows.members["calibration"], rows.heldout["calibration"]) == (40, 40)
    assert (rows.members["evaluation"], rows.heldout["evaluation"]) == (60, 60)


def test_orientation_is_applied_once():
    low = metric_rows(scores({(10, "v"): -telling(3, 3)}, member_when="low"))
    high = metric_rows(scores({(10, "v"): telling(3, 3)}, member_when="high"))
    assert low.auc.tolist() == high.auc.tolist()
    assert low.auc.min() > 0.9


def test_equals_go_to_the_first_and_an_attack_without_timestep_is_judged():
    same = telling(1, 1)
    table = evaluate([scores({(None, "all"): same}), scores({(10, "x"): same, (20, "x"): same}, attack="b")])
    chosen = table[table.selected & (table.fold == "evaluation")].set_index("attack")
    assert chosen.timestep["b"] == 10
    assert summarise(table)["a"]["selected"]["timestep"] is None


def test_the_table_fits_its_file(tmp_path):
    table = evaluate([scores({(10, "v"): telling(1, 1)})])
    assert pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False).num_rows == 2


def test_a_fold_with_one_class_is_one_line():
    with pytest.raises(SimauditError, match="a: the calibration fold has 80 members and 0 held-out"):
        metric_rows(scores({(10, "v"): telling(1, 1)}, is_member=IS_MEMBER | IS_CALIBRATION))
