"""What grows with the number of samples: statistics are held once, one file at a time, and a job says its memory."""

import gc
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from simaudit.evaluation.jobs import evaluate_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.evaluation.protocol.evaluate import Resampling, evaluate
from simaudit.evaluation.protocol.profiles import QUANTILES, ROLES, profile
from simaudit.figures.of_target import roc_loglog
from simaudit.scoring.score_file import Scores
from simaudit.storage import parquet
from simaudit.vocabulary.variant import Column

SAMPLES = 2000
IS_MEMBER = np.arange(SAMPLES) % 2 == 0
IS_CALIBRATION = np.arange(SAMPLES) % 10 < 3


def scores(attack, statistics):
    """Statistics of noise in which members are a little lower."""
    values = np.random.default_rng(0).normal(size=(statistics, SAMPLES)) - 0.2 * IS_MEMBER
    columns = [Column(t, {}, 1) for t in range(statistics)]
    return Scores(
        attack, "low", columns, np.arange(SAMPLES), IS_MEMBER, IS_CALIBRATION, values.astype(np.float32)
    )


def test_an_evaluation_holds_no_second_copy_of_the_statistics():
    of = scores("a", 600)
    tracemalloc.start()
    evaluate([of], None, None, Resampling(resamples=100, permutations=20, seed=0))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < of.statistic.nbytes


@pytest.mark.parametrize("with_blind", [True, False])
def test_one_score_file_is_in_memory_at_a_time(with_blind):
    held = []

    def files():
        for name in "abc":
            gc.collect()
            assert [of() for of in held] == [None] * len(held)
            of = scores(name, 2)
            held.append(weakref.ref(of.statistic))
            yield of
            del of

    blind = scores("blind", 1) if with_blind else None
    evaluated = evaluate(files(), blind, None, Resampling(resamples=100, permutations=20, seed=0))
    assert list(evaluated.summary["attacks"]) == ["a", "b", "c"]


def test_a_profile_is_that_of_each_statistic_by_itself():
    of = scores("a", 35)
    table = profile(of)
    for role, is_member in ROLES.items():
        rows = table[table.role == role]
        assert rows.timestep.tolist() == list(range(35))
        for values, row in zip(of.statistic, rows.to_dict("records"), strict=True):
            side = values[~IS_CALIBRATION & (is_member == IS_MEMBER)].astype(float)
            error = side.std(ddof=1) / np.sqrt(len(side))
            limits = t.interval(0.95, len(side) - 1, side.mean(), error)
            assert (row["mean_low"], row["mean_high"]) == pytest.approx(limits)
            assert [row[name] for name in QUANTILES] == pytest.approx(
                np.percentile(side, [5, 25, 50, 75, 95])
            )


@pytest.mark.parametrize("threads", [1, 2])
def test_a_million_samples_and_248_statistics_are_evaluated_in_four_gigabytes(monkeypatch, threads):
    rows = {"sima.parquet": 248_000_000, "loss.parquet": 31_000_000, "s.parquet": 1_000_000}
    monkeypatch.setattr(parquet, "row_count", lambda path: rows[path.name])
    files = {name: Path(f"{name}.parquet") for name in ("sima", "loss")}
    job = evaluate_job("a", "s", "verified", files, {}, EvaluationKnobs(threads=threads))
    assert (
        1000 + 1000 + 200 < job.memory_mb <= 4000
    )  # the statistics, a byte a resample and one a permutation


def test_of_a_long_curve_the_points_are_left_out_that_nobody_would_see():
    few, many = (np.sort(np.repeat(np.arange(n), 2)) for n in (9_000, 400_000))
    assert roc_loglog.visible(few).tolist() == list(range(len(few)))
    drawn = roc_loglog.visible(many)
    assert {0, 1, 2, 3, len(many) - 1} < set(drawn.tolist())
    assert len(drawn) < roc_loglog.MOST_POINTS
    counts = many[drawn]
    skipped = np.diff(counts) > 1
    assert not skipped[:3].any()
    assert np.diff(np.log10(counts[2:]))[skipped[2:]].max() < 1 / roc_loglog.PLACES
