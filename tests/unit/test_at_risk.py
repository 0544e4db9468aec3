"""Which samples most attacks accuse: counted by hand, with what coincidence gives beside."""

import numpy as np
import pandas as pd
import pytest
from auditing import SAMPLES, file_of

from simaudit.evaluation.at_risk.accused import (
    SHOWN,
    independent_attacks,
    most_accused,
    risk_facts,
    risk_table,
)
from simaudit.evaluation.protocol.selected import Selected, SelectedScores
from simaudit.evaluation.protocol.transfer import TRANSFERRED
from simaudit.storage.json import read_json
from simaudit.storage.parquet import read_table
from simaudit.storage.pictures import read_sheet

RNG = np.random.default_rng


def selected_of(statistics, is_member, is_calibration, member_when="low"):
    knobs = dict.fromkeys(statistics, Selected("v", 10, 1, member_when))
    ids = np.arange(len(is_member))
    return SelectedScores(ids, is_member, is_calibration, knobs, statistics, None)


def small():
    """Eight samples of the evaluation fold, 0 to 3 members, after a calibration fold that sets all thresholds to 1."""
    is_member = np.array([True] * 4 + [False] * 4 + [True, False])
    is_calibration = np.arange(10) >= 8
    last = [1.0, 9.0]  # a member at 1, a held-out sample at 9: the loosest threshold without an error is 1
    statistics = {
        "a": np.array([0.5, 1.0, 3.0, 4.0, 2.0, 5.0, 6.0, 7.0, *last]),
        "b": np.array([0.5, 3.0, 1.0, 4.0, 0.0, 5.0, 6.0, 7.0, *last]),
        "c": np.array([0.5, 0.5, 3.0, 4.0, 2.0, 1.0, 6.0, 7.0, *last]),
    }
    return selected_of(statistics, is_member, is_calibration)


def table_of(selected):
    items = pd.DataFrame(
        {
            "file": [f"{i}.png" for i in range(10)],
            "label": pd.array([None] * 9 + [4], "Int64"),
            "class_name": [None] * 9 + ["cat"],
        }
    )
    return risk_table(selected, list(selected.statistics), items)


def test_a_sample_is_accused_at_the_threshold_of_the_calibration_fold():
    table = table_of(small()).set_index("sample_id")
    assert table.accused_by.to_dict() == {0: 3, 1: 2, 2: 1, 3: 0, 4: 1, 5: 1, 6: 0, 7: 0}
    assert 8 not in table.index
    assert table.file[5] == "5.png"
    assert set(table.role[:2]) == {"member"}
    assert table.class_name.isna().all()


def test_of_samples_that_as_many_accuse_that_which_fewer_held_out_samples_precede_stands_first():
    """Of sample 2 it is (1 + 1 + 2)/4 over 3 attacks, of 4 (1 + 1 + 2)/4, of 5 (2 + 2 + 1)/4."""
    table = table_of(small())
    assert table.sample_id.tolist() == [0, 1, 2, 4, 5, 3, 6, 7]
    before = table.set_index("sample_id").heldout_before
    assert before[2] == pytest.approx(4 / 12)
    assert before[4] == pytest.approx(4 / 12)
    assert before[5] == pytest.approx(5 / 12)


def test_where_members_have_high_statistics_the_same_samples_are_accused():
    low = small()
    turned = {name: -values for name, values in low.statistics.items()}
    high = selected_of(turned, low.is_member, low.is_calibration, "high")
    assert table_of(high).equals(table_of(low))


def test_counts_say_how_many_held_out_samples_are_accused_as_often_by_coincidence():
    selected = small()
    facts = risk_facts(table_of(selected), selected, ["a", "b", "c"])
    counts = {key: (of["members"], of["heldout"]) for key, of in facts.items() if key.startswith("by_")}
    assert counts == {"by_01": (3, 2), "by_02": (2, 0), "by_03": (1, 0)}
    assert facts["by_01"]["heldout_accused"]["value"] == 0.5
    assert facts["member_01"] == {"sample_id": 0, "accused_by": 3, "heldout_before": pytest.approx(1 / 12)}
    assert "member_04" not in facts  # whom nobody accuses


def test_copies_of_an_attack_count_once_and_unrelated_ones_each():
    n, noise = 4000, RNG(0).normal(size=(4, 4000))
    is_member, is_calibration = np.arange(n) % 2 == 0, np.arange(n) < 100
    copies = selected_of(dict.fromkeys("abcd", noise[0]), is_member, is_calibration)
    assert independent_attacks(copies, list("abcd")) == pytest.approx(1)
    unrelated = selected_of(dict(zip("abcd", noise, strict=True)), is_member, is_calibration)
    assert independent_attacks(unrelated, list("abcd")) == pytest.approx(4, abs=0.05)
    pairs = selected_of(dict(zip("abcd", noise[[0, 0, 1, 1]], strict=True)), is_member, is_calibration)
    assert independent_attacks(pairs, list("abcd")) == pytest.approx(2, abs=0.05)


def test_the_job_lists_every_sample_of_the_fold_and_draws_the_members_that_are_listed_first(audit):
    audit.blind()
    results = audit.evaluate("net", {"sima": 3, "loss": 2})
    table = read_table(results.file("at_risk_samples"))
    evaluation = ~audit.split.is_calibration
    assert sorted(table.sample_id) == sorted(audit.split.sample_id[evaluation])
    assert len(table) < SAMPLES
    assert table.file.tolist() == [file_of(number) for number in table.sample_id]
    transferred = next(iter(TRANSFERRED))
    for attack, facts in results.summary["attacks"].items():
        accused = results.selected.accused(attack)
        shares = [accused[results.selected.is_member[evaluation] == side].mean() for side in (True, False)]
        assert shares == [facts[transferred][rate]["value"] for rate in ("tpr", "fpr")]
    assert read_json(results.file("at_risk"))["at_risk"]["tried"] == 2
    assert read_sheet(results.file("at_risk_sheet")).shape == (4, 4 * SHOWN, 3)
    assert len(most_accused(table)) == SHOWN
