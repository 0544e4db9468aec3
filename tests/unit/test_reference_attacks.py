"""Attacks that read scores under references: what they compute, on toys whose best attack is known in closed form."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from simaudit.attacks.derived.lira import LiRA
from simaudit.attacks.derived.reference import AgainstReferences
from simaudit.attacks.derived_attack import Known, Reference, Statistics
from simaudit.data.split import Split, make_split, write_split
from simaudit.evaluation.statistics.intervals import Delong
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.derived.derive import DERIVED_OF
from simaudit.scoring.derived.jobs import derive_job
from simaudit.scoring.score_file import Scores, ScoreWriter
from simaudit.storage.hashes import sha256_file
from simaudit.storage.parquet import write_table
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Column

N, MANY = 3000, 60
COLUMNS = [Column(20, {"norm": 2}, 1), Column(60, {"norm": 4}, 3)]
LESS = 1.0
"""How much lower the logarithm of a statistic is where the model was trained on the sample."""
ATTACKS = [AgainstReferences(), LiRA()]


def statistics(logs):
    return Statistics(COLUMNS, np.exp(np.stack([logs, logs])).astype(np.float32), "low")


def toy(references=MANY, less=LESS, noise=(1.0, 1.0), difficulty=3.0, seed=0):
    """Gaussian logarithms: the sample's difficulty, less what a model has seen of it, and noise (in, out).

    Returns what is known, and who is a member, a half, in all models independently.
    """
    rng = np.random.default_rng(seed)
    level = difficulty * rng.normal(size=N)
    members = rng.random((references + 1, N)) < 0.5
    logs = level - less * members + np.where(members, *noise) * rng.normal(size=members.shape)
    is_member, is_calibration = members[0], rng.random(N) < 0.3
    known = Known(
        {"sima": statistics(logs[0])},
        {},
        is_member & is_calibration,
        ~is_member & is_calibration,
        [Reference({"sima": statistics(row)}, who) for row, who in zip(logs[1:], members[1:], strict=True)],
    )
    return known, is_member


def auc(values, is_member, member_when):
    """AUC and its limits."""
    roc = Roc.of(values, is_member, member_when)
    return Delong.of([roc.placements()], roc.is_member).interval()


def test_lira_reaches_the_auc_of_the_likelihood_ratio_with_equal_variances():
    """The ratio of two Gaussians with means 1 apart orders as the distance from one: AUC is Φ(1/√2)."""
    known, is_member = toy()
    derived = LiRA().derive(known)
    best = norm.cdf(LESS / np.sqrt(2))
    for values in derived.values:
        reached = auc(values, is_member, derived.member_when)
        assert reached.low < best < reached.high + 0.01  # the means of so many references are not exact
    plain = auc(known.statistics["sima"].values[0], is_member, "low")
    assert plain.high < best - 0.1


def test_online_reads_a_difference_of_spread_that_offline_cannot_see():
    """Of two centred Gaussians with a ratio of 3 of their deviations the ratio orders as |ℓ|: AUC is (2/π)·atan 3."""
    known, is_member = toy(less=0, noise=(0.5, 1.5))
    online, offline = (LiRA(modes=[mode], norms=[2]).derive(known) for mode in ("online", "offline"))
    reached = auc(online.values[0], is_member, online.member_when)
    assert reached.low < 2 / np.pi * np.arctan(3) < reached.high + 0.01
    chance = auc(offline.values[0], is_member, offline.member_when)
    assert chance.low < 0.5 < chance.high


def test_the_ratio_is_that_of_two_gaussians_by_hand():
    """Four references, of which two have seen the sample: means of its own, variances of all samples together."""
    logs = np.array([[1.0, 5.0], [2.0, 5.5], [4.0, 9.0], [6.0, 8.0], [1.5, 6.0]])
    seen = np.array([[1, 1], [1, 1], [0, 0], [0, 0]], dtype=bool)
    known = Known(
        {"sima": statistics(logs[4])},
        {},
        np.zeros(2, bool),
        np.zeros(2, bool),
        [Reference({"sima": statistics(row)}, who) for row, who in zip(logs, seen, strict=False)],
    )
    var_in = (2 * 0.5**2 + 2 * 0.25**2) / 2
    var_out = (2 * 1**2 + 2 * 0.5**2) / 2
    inside, outside = np.array([1.5, 5.25]), np.array([5.0, 8.5])
    expected = norm.logpdf(logs[4], inside, np.sqrt(var_in)) - norm.logpdf(logs[4], outside, np.sqrt(var_out))
    online, offline = (LiRA(modes=[mode], norms=[2]).derive(known) for mode in ("online", "offline"))
    np.testing.assert_allclose(online.values[0], expected, rtol=1e-4)
    np.testing.assert_allclose(offline.values[0], (outside - logs[4]) / np.sqrt(var_out), rtol=1e-4)
    assert online.member_when == "high"


def test_samples_with_few_references_on_a_side_get_pooled_means():
    """Without noise each sample's level, and the difference, are known exactly, however few references there are."""
    known, is_member = toy(references=3, noise=(1e-3, 1e-3))
    for mode in "online", "offline":
        derived = LiRA(modes=[mode]).derive(known)
        assert np.isfinite(derived.values).all()
        assert auc(derived.values[0], is_member, "high").value == 1


def test_a_statistic_that_is_high_for_members_keeps_its_side():
    known, is_member = toy(references=8, less=-LESS)
    turned = replace(
        known,
        statistics={"sima": known.statistics["sima"]._replace(member_when="high")},
        references=[
            replace(r, statistics={"sima": r.statistics["sima"]._replace(member_when="high")})
            for r in known.references
        ],
    )
    for attack in ATTACKS:
        derived = attack.derive(turned)
        for values in derived.values:
            assert auc(values, is_member, derived.member_when).low > 0.6


@pytest.mark.parametrize("references", [1, 2])
def test_lira_needs_references_of_different_members(references):
    known, _ = toy(references)
    alike = [known.references[0]] * references
    with pytest.raises(
        SimauditError, match="needs 2 references or more that were trained on different members"
    ):
        LiRA().derive(replace(known, references=alike))


def test_reference_takes_out_how_difficult_a_sample_is():
    known, is_member = toy(references=2)
    derived = AgainstReferences(weights=[1.0]).derive(known)
    plain, reached = (
        auc(values[0], is_member, "low") for values in (known.statistics["sima"].values, derived.values)
    )
    assert plain.high < 0.64 < 0.66 < reached.low
    # with all references in the world the noise of the audited target alone is left, as for LiRA
    many = auc(
        AgainstReferences(weights=[1.0]).derive(toy()[0]).values[0], is_member=toy()[1], member_when="low"
    )
    assert many.low < norm.cdf(LESS / np.sqrt(2)) < many.high + 0.01


def test_the_mean_is_over_references_that_have_not_seen_the_sample_or_over_all():
    logs = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
    seen = np.array([[0, 1, 1], [0, 0, 1]], dtype=bool)
    known = Known(
        {"sima": statistics(np.zeros(3))},
        {},
        np.zeros(3, bool),
        np.zeros(3, bool),
        [Reference({"sima": statistics(row)}, who) for row, who in zip(logs, seen, strict=True)],
    )
    derived = AgainstReferences(norms=[2], weights=[0.5, 1.0]).derive(known)
    np.testing.assert_allclose(derived.values, [[-1, -1.5, -1], [-2, -3, -2]], rtol=1e-6)
    assert derived.columns == [Column(20, {"norm": 2, "weight": w}, 1) for w in (0.5, 1.0)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_labels_of_the_audited_split_change_no_bit(attack):
    known, _ = toy(references=6)
    nobody = replace(known, members=np.zeros(N, bool), heldout=np.zeros(N, bool))
    assert attack.derive(known).values.tobytes() == attack.derive(nobody).values.tobytes()


@pytest.mark.parametrize("attack", ATTACKS)
def test_labels_that_mean_nothing_give_chance(attack):
    known, is_member = toy(references=6)
    shuffled = np.random.default_rng(5).permutation(is_member)
    derived = attack.derive(known)
    for values in derived.values:
        reached = auc(values, shuffled, derived.member_when)
        assert reached.low < 0.52
        assert reached.high > 0.48


@pytest.fixture
def derived(tmp_path, monkeypatch):
    """The job of `reference` with two references, in a folder where what it reads has been made."""
    monkeypatch.chdir(tmp_path)
    hashes = [f"{i:064x}" for i in range(N)]
    rng = np.random.default_rng(0)
    names = {"s": 0, "s-reference1": 1, "s-reference2": 2}
    paths.split("s").parent.mkdir(parents=True)
    for name, seed in names.items():
        write_split(paths.split(name), make_split(hashes, 600, calibration=0.4, seed=seed))
    files = [
        paths.scores("t", "sima"),
        *(paths.reference_scores("t", f"t-reference{k}", "sima") for k in (1, 2)),
    ]
    for file in files:
        write(file, rng.normal(size=N))
    write_table(paths.features("s"), pd.DataFrame({"sample_id": np.arange(N), "png": np.zeros(N)}))
    splits = {f"t-reference{k}": f"s-reference{k}" for k in (1, 2)}
    return derive_job("t", "reference", AgainstReferences(), "s", "d", splits), files


def write(file, logs, columns=COLUMNS):
    file.parent.mkdir(parents=True, exist_ok=True)
    with ScoreWriter(file, {"attack": "sima", "member_when": "low"}) as writer:
        writer.write(columns, Split.read(paths.split("s")), slice(None), statistics(logs).values)


def test_the_job_reads_references_and_whom_they_were_trained_on(derived):
    job, files = derived
    job.do()
    made, (audited, *under) = Scores.read(paths.scores("t", "reference")), map(Scores.read, files)
    assert json.loads(made.metadata[DERIVED_OF]) == {
        "sima": sha256_file(files[0]),
        "t-reference1/sima": sha256_file(files[1]),
        "t-reference2/sima": sha256_file(files[2]),
    }
    logs = [np.log(scores.statistic[0].astype(float)) for scores in under]
    seen = [Split.read(paths.split(f"s-reference{k}")).is_member for k in (1, 2)]
    only_second = seen[0] & ~seen[1]
    expected = np.log(audited.statistic[0].astype(float)) - 0.5 * logs[1]
    np.testing.assert_allclose(made.statistic[0][only_second], expected[only_second], atol=1e-5)


def test_a_reference_that_gives_away_who_is_a_member_is_refused(derived):
    job, _ = derived
    frame = make_split([f"{i:064x}" for i in range(N)], 600, calibration=0.4, seed=0)
    frame.loc[frame.role == "heldout", "role"] = "other"
    frame["role"] = frame.role.map({"member": "heldout", "other": "member"})
    write_split(paths.split("s-reference1"), frame)
    why = r"targets\.t-reference1: was trained on 0 of 600 members and 2400 of 2400 held-out samples, which gives away"
    with pytest.raises(SimauditError, match=why):
        job.do()


def test_other_statistics_under_a_reference_are_refused(derived):
    job, files = derived
    write(files[2], np.zeros(N), [COLUMNS[0], Column(70, {"norm": 4}, 3)])
    with pytest.raises(
        SimauditError, match=r"t-reference2/sima\.parquet: has other statistics than the audited"
    ):
        job.do()
