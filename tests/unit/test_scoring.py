"""The engine and its file: the same scores in any batch, whole or absent, and read back exactly."""

import shutil
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.sima import SimA
from simaudit.data.split import Split
from simaudit.scoring import score_file
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.scoring.score_file import SCHEMA, Scores, ScoreWriter
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Column

CPU = torch.device("cpu")
METADATA = {"attack": "sima", "member_when": "low"}


def convolution():
    """A denoiser that mixes pixels, so that a batch effect would show."""
    layer = torch.nn.Conv2d(1, 1, 3, padding=1)
    torch.manual_seed(0)
    torch.nn.init.normal_(layer.weight)
    return lambda z, t: layer(z) / (1 + t)


def run(path, attack, target, images, split, batch_size):
    asker = Asker(target, images, split, 5, batch_size, CPU)
    write_scores([ScoreFile(path, Asking(attack), METADATA)], asker, path.parent / "unfinished")
    shutil.rmtree(path.parent / "unfinished")
    return Scores.read(path)


@pytest.mark.parametrize(
    "attack", [SimA(timesteps=[0, 30], norms=[2, 4]), Loss(timesteps=[30], draws=[1, 3])]
)
def test_scores_do_not_depend_on_the_batch(tmp_path, known_target, images, split, attack):
    target = known_target(convolution())
    whole = run(tmp_path / "whole.parquet", attack, target, images, split, 24)
    for size in (1, 7, 1000):
        parts = run(tmp_path / "parts.parquet", attack, target, images, split, size)
        assert parts.columns == whole.columns
        np.testing.assert_allclose(parts.statistic, whole.statistic, rtol=1e-5)


def test_adding_samples_changes_no_other_samples_score(tmp_path, known_target, images, split):
    target, attack = known_target(convolution()), Loss(timesteps=[30])
    whole = run(tmp_path / "whole.parquet", attack, target, images, split, 8)
    some = np.arange(0, 24, 2)
    columns = split.sample_id, split.role, split.fold, split.group, split.sha256
    fewer = Split(split.path, *(column[some] for column in columns))
    part = run(tmp_path / "part.parquet", attack, target, images, fewer, 8)
    np.testing.assert_allclose(part.statistic, whole.statistic[:, some], rtol=1e-5)


def test_the_file_holds_every_sample_of_every_statistic(tmp_path, known_target, images, split):
    attack = SimA(timesteps=[0, 30], norms=[1, "inf"], inputs=["raw", "scaled"])
    path = tmp_path / "sima.parquet"
    run(path, attack, known_target(convolution()), images, split, 10)
    table = pq.read_table(path)
    assert table.schema.equals(SCHEMA)
    frame = table.to_pandas()
    assert len(frame) == 24 * 2 * 2 * 2
    assert not frame.duplicated(["sample_id", "timestep", "variant"]).any()
    roles = frame.drop_duplicates("sample_id").set_index("sample_id").sort_index()
    assert roles.role.tolist() == split.role.tolist()
    assert roles.fold.tolist() == split.fold.tolist()
    assert pq.ParquetFile(path).num_row_groups == 3  # one a batch: streamed


def test_memory_is_one_batch_whatever_the_number_of_samples(tmp_path, known_target, images, split):
    class Reads:
        """Counts how many images are in memory at once."""

        largest = 0

        def __getitem__(self, ids):
            self.largest = max(self.largest, len(ids))
            return images[ids]

    reads = Reads()
    run(tmp_path / "s.parquet", SimA(timesteps=[0]), known_target(convolution()), reads, split, 5)
    assert reads.largest == 5


def test_reading_gives_back_what_was_written_in_any_row_order(tmp_path, split):
    path, rng = tmp_path / "s.parquet", np.random.default_rng(0)
    columns = [Column(0, {"norm": 2}, 1), Column(10, {"norm": 2}, 1), Column(0, {"norm": "inf"}, 2)]
    values = rng.normal(size=(3, 24)).astype(np.float32)
    with ScoreWriter(path, METADATA) as writer:
        for start in (0, 16):
            writer.write(columns, split, slice(start, start + 16), values[:, start : start + 16])
    table = pq.read_table(path)
    pq.write_table(table.take(rng.permutation(len(table))), path, row_group_size=20)
    scores = Scores.read(path)
    assert len(scores.columns) == 3
    for column, expected in zip(columns, values, strict=True):
        np.testing.assert_array_equal(scores.statistic[scores.columns.index(column)], expected)
    assert scores.is_member.tolist() == split.is_member.tolist()
    assert scores.is_calibration.tolist() == (split.fold == "calibration").tolist()


def test_some_statistics_are_read_and_no_others(tmp_path, split):
    path, values = tmp_path / "s.parquet", np.random.default_rng(0).normal(size=(3, 24)).astype(np.float32)
    columns = [Column(0, {"norm": 2}, 1), Column(10, {"norm": 2}, 1), Column(None, {"norm": 2}, 2)]
    with ScoreWriter(path, METADATA) as writer:
        writer.write(columns, split, slice(0, 24), values)
    text = '{"norm": 2}'
    scores = Scores.read(path, only=[(10, text), (20, text), (None, text)])
    assert scores.columns == [columns[1], columns[2]]
    np.testing.assert_array_equal(scores.statistic, values[1:])
    np.testing.assert_array_equal(scores.statistic_at(None, text), values[2])
    assert scores.same_samples(split)
    assert Scores.read(path, only=[]).statistic.shape == (0, 24)


def test_many_rows_are_written_in_row_groups_that_fit_into_memory(tmp_path, split, monkeypatch):
    path, values = tmp_path / "s.parquet", np.random.default_rng(0).normal(size=(3, 24)).astype(np.float32)
    columns = [Column(t, {"norm": 2}, 1) for t in (0, 10, 20)]
    monkeypatch.setattr(score_file, "ROWS", 32)
    with ScoreWriter(path, METADATA) as writer:
        writer.write(columns, split, slice(None), values)
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)] == [30, 30, 12]
    np.testing.assert_array_equal(Scores.read(path).statistic, values)
    assert Scores.read(path).same_samples(split)


def test_a_variant_is_a_text_in_the_file_and_a_mapping_in_memory(tmp_path, split):
    path, variants = tmp_path / "s.parquet", [{"norm": "inf", "input": "raw"}, {"dropped": 0.4}, {}]
    with ScoreWriter(path, METADATA) as writer:
        columns = [Column(0, variant, 1) for variant in variants]
        writer.write(columns, split, slice(0, 24), np.ones((3, 24), np.float32))
    texts = ['{"input": "raw", "norm": "inf"}', '{"dropped": 0.4}', "{}"]
    assert pq.read_table(path)["variant"].to_pylist() == [text for text in texts for _ in range(24)]
    assert [column.variant for column in Scores.read(path).columns] == variants


def test_a_file_whose_variants_are_no_mappings_is_one_line(tmp_path, split):
    path = tmp_path / "s.parquet"
    with ScoreWriter(path, METADATA) as writer:
        writer.write([Column(0, {"norm": 4}, 1)], split, slice(0, 24), np.ones((1, 24), np.float32))
    table = pq.read_table(path)
    for text in ("raw,l4", "4"):
        variants = pa.DictionaryArray.from_arrays(np.zeros(24, np.int16), [text])
        pq.write_table(table.set_column(4, table.schema.field("variant"), variants), path)
        with pytest.raises(SimauditError, match=r"s\.parquet: not a whole score file") as caught:
            Scores.read(path)
        assert "\n" not in str(caught.value)


def test_an_attack_without_a_timestep_is_kept_as_such(tmp_path, split):
    path = tmp_path / "s.parquet"
    with ScoreWriter(path, METADATA) as writer:
        writer.write([Column(None, {"crops": 10}, 110)], split, slice(0, 24), np.ones((1, 24), np.float32))
    assert pq.read_table(path).column("timestep").null_count == 24
    assert Scores.read(path).columns == [Column(None, {"crops": 10}, 110)]


def test_a_statistic_that_is_not_finite_is_named_and_nothing_is_left(tmp_path, known_target, images, split):
    images = images.copy()
    images[13] = np.nan
    path = tmp_path / "sima.parquet"
    with pytest.raises(
        SimauditError, match=r"sima\.parquet: .*nan at timestep 40, variant \(raw, l4\), sample_id 13"
    ):
        run(path, SimA(timesteps=[40]), known_target(lambda z, t: z), images, split, 4)
    assert [file.name for file in tmp_path.iterdir()] == ["unfinished"]  # the batches that are whole


def test_a_killed_run_leaves_the_old_file_untouched(tmp_path, known_target, images, split):
    path = tmp_path / "sima.parquet"
    target = known_target(lambda z, t: z)
    before = run(path, SimA(timesteps=[0]), target, images, split, 4)

    def stop_after_three_batches() -> Iterator[None]:
        yield from [None] * 3
        raise KeyboardInterrupt

    ticks = stop_after_three_batches()
    target.function = lambda z, t: (next(ticks), 2 * z)[1]
    with pytest.raises(KeyboardInterrupt):
        run(path, SimA(timesteps=[0]), target, images, split, 4)
    np.testing.assert_array_equal(Scores.read(path).statistic, before.statistic)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sima.parquet", "unfinished"]


def test_a_truncated_file_is_one_line(tmp_path, known_target, images, split):
    path = tmp_path / "sima.parquet"
    run(path, SimA(timesteps=[0]), known_target(lambda z, t: z), images, split, 4)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SimauditError, match=r"sima\.parquet: not a whole score file"):
        Scores.read(path)


def test_a_file_that_lacks_a_statistic_of_one_sample_is_named(tmp_path, known_target, images, split):
    path = tmp_path / "sima.parquet"
    run(path, SimA(timesteps=[0, 10]), known_target(lambda z, t: z), images, split, 24)
    table = pq.read_table(path)
    lost = [i for i, row in enumerate(table.to_pylist()) if (row["sample_id"], row["timestep"]) != (5, 10)]
    pq.write_table(table.take(lost), path)
    with pytest.raises(SimauditError, match=r"sample_id 5 lacks timestep 10, variant \(raw, l4\);"):
        Scores.read(path)
