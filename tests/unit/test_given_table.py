"""A table that the user wrote says the same in every format, and its mistakes are named together."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simaudit.data.given_table import READERS, read_given_table
from simaudit.vocabulary.errors import SimauditError

WRITTEN = {
    ".csv": '\ufeffFILE_name;sample_id; x\r\n"a;b.png";0;\r\n;;\r\nc.png;10;1\r\n',
    ".tsv": "File_Name\tSample_ID\tx\na;b.png\t0\t\nc.png\t10\t1\n",
    ".jsonl": '{"File_Name": "a;b.png", "sample_id ": 0}\r\n\r\n{"File_Name": "c.png", "sample_id ": 10.0, "x": {}}',
    ".ndjson": '\ufeff{"sample_id": 0, "x": [], "file_name": "a;b.png"}\n{"file_name": "c.png", "sample_id": "10"}\n',
}


@pytest.mark.parametrize("ending", READERS)
def test_a_table_says_the_same_in_every_format(ending, tmp_path):
    path = tmp_path / f"t{ending.upper()}"
    if ending in WRITTEN:
        path.write_bytes(WRITTEN[ending].encode())
    else:
        frame = {"File_name ": [b"a;b.png", b"c.png"], "sample_id": [0.0, 10.0], "x": [[1], [2]]}
        pd.DataFrame(frame).to_parquet(path)
    table = read_given_table(path, ["file", "sample_id", "caption"])
    assert table.columns == {"file": ["a;b.png", "c.png"], "sample_id": ["0", "10"]}
    assert sorted(table.header) == ["file_name", "sample_id", "x"]
    assert table.mistakes == []


def test_empty_cells_and_nan_are_none(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"file": ["", None, "x"], "label": [0.5, float("nan"), None]}), path)
    columns = read_given_table(path, ["file", "label"]).columns
    assert columns == {"file": [None, None, "x"], "label": ["0.5", None, None]}
    path = tmp_path / "t.jsonl"
    path.write_text('{"file": "", "label": NaN}\n{"label": null}\n{"file": "x", "label": 0.5}\n')
    columns = read_given_table(path, ["file", "label"]).columns
    assert columns == {"file": [None, None, "x"], "label": [None, None, "0.5"]}


def test_of_two_names_of_a_column_the_first_counts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,caption\nno,yes\n")
    assert read_given_table(path, ["caption"]).columns == {"caption": ["yes"]}


def test_columns_of_a_parquet_file_that_are_not_wanted_are_not_read(tmp_path):
    path = tmp_path / "t.parquet"
    rows = pa.table({"file": ["x"], "pixels": ["y" * 99]})
    pq.write_table(rows, path, compression="none", use_dictionary=False, write_statistics=False)
    data = path.read_bytes()
    assert b"y" * 99 in data
    path.write_bytes(data.replace(b"y" * 99, b"\xff" * 99))  # no UTF-8: it cannot be read as texts
    assert read_given_table(path, ["file"]).columns == {"file": ["x"]}
    with pytest.raises(SimauditError, match="not a Parquet table"):
        read_given_table(path, ["file", "pixels"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "file,Role, FILE ,role,label,,\n"),
        ("t.jsonl", '{"file": 1, "role": 2, "label": 4}\n{"file": 1, "FILE": 1, "role": 2, "role": 3}\n'),
    ],
)
def test_several_columns_of_one_name_are_refused_and_all_named(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(SimauditError, match=rf"{name}: has several columns file, role; keep one of each"):
        read_given_table(tmp_path / name, ["label"])


def test_wrong_lines_are_named_together_beside_the_columns_that_lack(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('file,label\na,1,2\n"two\nlines",1\nb\nc,3\n')
    table = read_given_table(path, ["file", "label", "origin"])
    assert table.columns == {"file": ["two\nlines", "c"], "label": ["1", "3"]}
    wrong = "lines of other than the header's 2 cells (2): line 2 has 3, line 5 has 1"
    assert table.mistakes == [wrong]
    with pytest.raises(SimauditError) as refused:
        table.require(["file", "sample_id"], ["caption"], ["origin"])
    lacking = "has no column caption or text and no column origin; its columns are file, label"
    remedy = "give those that are meant these names"
    assert str(refused.value) == f"{path}: {lacking}; {remedy}; {wrong}"
