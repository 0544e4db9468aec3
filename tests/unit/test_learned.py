"""Learned heads and thresholds for each image: nothing of the evaluation fold is learned, and what is true is found."""

import numpy as np
import pytest
import torch
from planning import lines_of, small
from threadpoolctl import threadpool_limits

from simaudit.attacks.derived._quantiles import predict_quantiles
from simaudit.attacks.derived.combined import Combined
from simaudit.attacks.derived.quantile import Quantile
from simaudit.attacks.derived_attack import Known, Statistics
from simaudit.attacks.learned.secmi_nns import SecMINNs
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.audit.attacks import chosen
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.scoring.score_file import LEARNED, Scores
from simaudit.vocabulary.variant import Column

CPU = torch.device("cpu")
N, MEMBERS = 240, 100
COLUMNS = [Column(20, {"norm": 2}, 1), Column(60, {"norm": 4}, 1)]


@pytest.fixture(autouse=True)
def one_thread():
    """As in the job, since matrices are small."""
    with threadpool_limits(1):
        yield


def sides(seed=0):
    """Members and the calibration fold (N,) bool, drawn at random."""
    rng = np.random.default_rng(seed)
    is_member = np.zeros(N, dtype=bool)
    is_member[rng.permutation(N)[:MEMBERS]] = True
    return is_member, rng.random(N) < 0.5


def known_of(logs, is_member, is_calibration, features=None, name="sima"):
    statistics = {name: Statistics(COLUMNS[: len(logs)], np.exp(logs).astype(np.float32), "low")}
    return Known(statistics, features or {}, is_member & is_calibration, ~is_member & is_calibration)


def combined(of, seed):
    return Combined(features=["scores"]).derive(of).values[0]


def quantile(of, seed):
    return -Quantile(alphas=[0.1]).derive(of).values[0]


def secmi_nns(of, seed):
    maps = np.random.default_rng(1000 + seed).normal(size=(N, 1, 4, 4)).astype(np.float32)
    return SecMINNs(timesteps=[10], epochs=3, width=4).learn(maps, of, CPU)


HEADS = {"combined": combined, "quantile": quantile, "secmi_nns": secmi_nns}


def noise_of(seed, is_member, is_calibration):
    rng = np.random.default_rng(seed)
    features = {f"x{number}": rng.normal(size=N) for number in range(3)}
    return known_of(rng.normal(size=(2, N)), is_member, is_calibration, features)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_labels_of_the_evaluation_fold_change_no_bit(head):
    is_member, is_calibration = sides()
    shuffled = is_member.copy()
    shuffled[~is_calibration] = np.random.default_rng(1).permutation(shuffled[~is_calibration])
    assert (shuffled != is_member).any()
    was, now = (head(noise_of(0, labels, is_calibration), 0) for labels in (is_member, shuffled))
    assert was.tobytes() == now.tobytes()


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_labels_that_mean_nothing_give_chance_on_both_folds(head):
    """What judges samples that it has learned from finds them: the calibration fold would be far from chance."""
    aucs = []
    for seed in range(12):
        is_member, is_calibration = sides(seed)
        values = head(noise_of(seed, is_member, is_calibration), seed)
        folds = is_calibration, ~is_calibration
        aucs.append([Roc.of(values[fold], is_member[fold], "high").auc - 0.5 for fold in folds])
    error = np.std(aucs, axis=0, ddof=1) / np.sqrt(len(aucs))
    assert (abs(np.mean(aucs, axis=0)) < 3 * error).all()


def test_combined_reaches_the_optimum_of_two_gaussians_that_no_statistic_has_alone():
    """A common part hides what members lack: the optimal direction is Σ⁻¹δ, which takes the common part out."""
    rng, count = np.random.default_rng(2), 4000
    is_member, is_calibration = rng.random(count) < 0.5, rng.random(count) < 0.5
    common, own = 2 * rng.normal(size=count), 0.5 * rng.normal(size=(2, count))
    logs = common + own - np.outer([0.5, 0.0], is_member)
    covariance = 4 + 0.25 * np.eye(2)
    optimal = -np.linalg.solve(covariance, [0.5, 0.0]) @ logs
    of = known_of(logs, is_member, is_calibration, {"png": rng.normal(size=count)})
    evaluation = ~is_calibration

    def auc(values, side):
        return Roc.of(values[evaluation], is_member[evaluation], side).auc

    best = auc(optimal, "high")
    assert max(auc(log, "low") for log in logs) < best - 0.1
    for values in Combined(features=["scores"]).derive(of).values:
        assert auc(values, "high") == pytest.approx(best, abs=0.01)


def test_combined_does_not_depend_on_the_order_of_its_bases_and_takes_negative_statistics_as_they_are():
    is_member, is_calibration = sides()
    rng = np.random.default_rng(3)
    of = known_of(rng.normal(size=(2, N)), is_member, is_calibration, {"png": rng.normal(size=N)})
    signed = Statistics([Column(None, {"crop": "whole"}, 6)], rng.normal(size=(1, N)) - is_member, "low")
    of = Known({**of.statistics, "pfami": signed}, of.features, of.members, of.heldout)
    one, other = (Combined(of=bases).derive(of) for bases in (["sima", "pfami"], ["pfami", "sima"]))
    assert one.values.tobytes() == other.values.tobytes()
    assert one.columns == [Column(None, {"features": name}, 8) for name in ("scores", "scores+complexity")]
    evaluation = ~is_calibration
    assert Roc.of(one.values[0, evaluation], is_member[evaluation], "high").auc > 0.65


def test_queries_of_combined_are_shared_by_norms_and_draws_alone():
    is_member, is_calibration = sides()
    columns = [
        *(Column(10, {"norm": norm, "draws": n}, n) for norm in (1, 2) for n in (1, 5)),
        Column(10, {"norm": 1, "input": "scaled"}, 1),
        Column(20, {"norm": 1, "draws": 5}, 5),
    ]
    values = np.random.default_rng(4).uniform(1, 2, size=(len(columns), N))
    of = Known(
        {"sima": Statistics(columns, values, "low")},
        {"png": values[0]},
        *(~is_member, is_member) * is_calibration,
    )
    assert {column.queries for column in Combined().derive(of).columns} == {5 + 1 + 5}


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_the_slope_of_a_quantile_that_is_linear_is_recovered(level):
    """y = 1 + 2x + (1 + x) e with e uniform on (0, 1): its quantile is 1 + level + (2 + level) x, exactly."""
    slopes = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x = np.stack([rng.uniform(0, 3, size=800), rng.normal(size=800)], axis=1)
        y = 1 + 2 * x[:, 0] + (1 + x[:, 0]) * rng.uniform(size=800)
        ahead = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        ((at_zero, at_one, beside),) = predict_quantiles(x, y[:, None], [level], ahead)[..., 0]
        slopes.append([at_one - at_zero, beside - at_zero])
    error = np.std(slopes, axis=0, ddof=1) / np.sqrt(len(slopes))
    assert (abs(np.mean(slopes, axis=0) - [2 + level, 0]) < 4 * error + 0.01).all()


def test_a_share_alpha_of_fresh_samples_lies_below_with_the_rows_that_a_small_run_has():
    """Of noise features and few rows, a fit without selection would lie too near to its own rows."""
    below = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        x, ahead = rng.normal(size=(300, 15)), rng.normal(size=(2000, 15))
        y, fresh = (rows[:, 0] + rng.normal(size=len(rows)) for rows in (x, ahead))
        of_levels = predict_quantiles(x, y[:, None], [0.05, 0.5], ahead)[..., 0]
        below.append([(fresh < quantiles).mean() for quantiles in of_levels])
    np.testing.assert_allclose(np.mean(below, axis=0), [0.05, 0.5], atol=0.02)


def test_the_network_learns_a_place_where_maps_differ_and_the_same_numbers_each_time():
    is_member, is_calibration = sides()
    of = Known({}, {}, is_member & is_calibration, ~is_member & is_calibration)
    maps = np.random.default_rng(5).uniform(1, 2, size=(N, 1, 6, 6)).astype(np.float32)
    maps[is_member, :, 2:4, 2:4] *= 0.5
    attack = SecMINNs(timesteps=[10], epochs=8)
    values = attack.learn(maps, of, CPU)
    for fold in (is_calibration, ~is_calibration):
        assert Roc.of(values[fold], is_member[fold], "high").auc > 0.95
    torch.manual_seed(9)  # whatever else draws numbers
    assert values.tobytes() == attack.learn(maps.copy(), of, CPU).tobytes()


def test_maps_of_secmi_nns_are_those_of_secmi_at_its_queries(known_target, images):
    target, batch = known_target(lambda z, t: z.roll(1, -1) / (1 + t)), torch.from_numpy(images[:4])
    knobs = {"timesteps": [10, 30], "interval": 10}
    for error, maps in zip(
        SecMI(**knobs).statistics(target, batch, None),
        SecMINNs(**knobs).statistics(target, batch, None),
        strict=True,
    ):
        assert error[:3] == maps[:3]
        torch.testing.assert_close(maps.values.square().flatten(1).sum(1), error.values)


def test_its_score_file_is_like_every_other_says_that_it_learned_and_does_not_depend_on_the_batch(
    tmp_path, known_target, images, split
):
    target, attack = known_target(lambda z, t: z.roll(1, -1)), SecMINNs(timesteps=[10, 20], epochs=2, width=4)

    def scored(batch_size):
        metadata = {"attack": "secmi_nns", "member_when": attack.member_when, LEARNED: "true"}
        path = tmp_path / "scores.parquet"
        asker = Asker(target, images, split, 0, batch_size, CPU)
        write_scores([ScoreFile(path, Asking(attack), metadata)], asker, path.parent / "unfinished")
        return Scores.read(path)

    whole, parts = scored(24), scored(5)
    assert whole.is_learned
    assert [column.timestep for column in whole.columns] == [10, 20]
    assert whole.same_samples(split)
    np.testing.assert_allclose(parts.statistic, whole.statistic, atol=1e-4)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.parquet"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            "audits: {net: {attacks: [secmi_nns]}}",
            "audits.net.attacks: has learned heads alone (secmi_nns), and a verdict needs another attack",
        ),
        (
            "audits: {net: {attacks: [secmi_nns, sima], intermediate_attacks: [secmi_nns]}}",
            "secmi_nns is a learned head; leave it out",
        ),
    ],
)
def test_a_head_that_cannot_decide_is_refused_before_any_job(changes, line):
    assert any(line in shown for shown in lines_of(small, "attacks: {secmi_nns: {timesteps: [10]}}", changes))


@pytest.mark.parametrize(
    ("name", "beside"),
    [("combined", {"loss", "pia", "sima"}), ("quantile", {"sima"}), ("secmi_nns", {"sima"})],
)
def test_an_audit_by_a_head_alone_is_run_with_what_it_learns_from_and_what_decides(name, beside):
    run, _ = chosen([name], frozenset())
    assert set(run) == {name, *beside}
