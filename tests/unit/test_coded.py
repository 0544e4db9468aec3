"""Columns of which each different cell is held, and read, once."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from simaudit.data.coded import Coded
from simaudit.data.given_table import read_given_table
from simaudit.scoring.given.scores import GivenKnobs, read_given

CELLS = st.lists(st.none() | st.sampled_from(["a", "b", "1", ""]))


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_columns_joined_have_the_cells_of_all(columns):
    whole = Coded.joined([Coded.of(column) for column in columns])
    assert whole.cells() == [cell for column in columns for cell in column]
    assert len(whole.values) == len(set(whole.values))


@given(CELLS)
def test_a_column_is_read_and_filled_as_its_cells_are(column):
    coded, read = Coded.of(column), []

    def number(text):
        read.append(text)
        return float(text) if text == "1" else None

    expected = [1.0 if cell == "1" else None for cell in column]
    assert coded.mapped(number).cells() == expected
    assert sorted(read) == sorted({cell for cell in column if cell is not None})
    np.testing.assert_array_equal(coded.mapped(number).numbers(), np.array(expected, dtype=float))
    assert coded.filled("b").cells() == ["b" if cell is None else cell for cell in column]


def test_equal_cells_take_the_memory_of_one_whatever_is_made_of_them():
    same = Coded.same("x", 1000)
    made = same.mapped(str.upper)
    assert made.cells() == ["X"] * 1000
    assert same.codes.strides == made.codes.strides == (0,)
    assert Coded.same(None, 3).cells() == [None] * 3
    assert Coded.joined([made, Coded.of(["y", "X"])]).cells() == ["X"] * 1000 + ["y", "X"]


def test_numbers_of_a_parquet_file_are_no_texts_where_they_may_be_numbers(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"file": ["x", "x", None], "statistic": [0.1, float("inf"), None]}), path)
    cells = read_given_table(path, ["file", "statistic"], numbers=["statistic"]).cells
    np.testing.assert_array_equal(cells["statistic"], [0.1, np.inf, np.nan])
    assert cells["file"].cells() == ["x", "x", None]


def test_memory_of_given_scores_is_that_of_numbers(tmp_path):
    """A row of texts took some hundred bytes: here it is its number, where it stands, and the codes of its cells."""
    samples, attacks = 20_000, 10
    role = ["member", "heldout"] * (samples // 2)
    rows = {
        "sample_id": np.tile(np.arange(samples), attacks),
        "role": role * attacks,
        "attack": np.repeat([f"a{i}" for i in range(attacks)], samples),
        "statistic": np.random.default_rng(0).normal(size=samples * attacks),
    }
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(rows), path)
    tracemalloc.start()
    try:
        found = read_given(GivenKnobs(files=[str(path)], member_when={"": "low"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.attacks) == attacks
    np.testing.assert_array_equal(
        found.attacks["a3"].statistic[0], rows["statistic"][3 * samples : 4 * samples]
    )
    assert peak < 150 * samples * attacks
