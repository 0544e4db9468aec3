"""Attacks that are derived of scores: what they learn they learn on the calibration fold, and of no sample itself."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planning import lines_of, small

from simaudit.attacks.attack import attack_types
from simaudit.attacks.derived._ridge import PENALTIES, Ridge
from simaudit.attacks.derived.complexity import Complexity
from simaudit.attacks.derived.own_distance import OwnDistance
from simaudit.attacks.derived_attack import DerivedAttack, Known, Statistics, calibration_parts
from simaudit.data.split import Split, make_split, write_split
from simaudit.evaluation.statistics.intervals import Delong
from simaudit.evaluation.statistics.roc import Roc
from simaudit.plan.jobs import jobs
from simaudit.scoring.derived.derive import DERIVED_OF, derive_of_others
from simaudit.scoring.derived.jobs import derive_job
from simaudit.scoring.score_file import Scores, ScoreWriter
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json
from simaudit.storage.parquet import write_table
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Column, variant_text

N, MEMBERS = 600, 250
LEAK = 1.0
COLUMNS = [Column(20, {"norm": 2}, 1), Column(60, {"norm": 4}, 3)]
FITS = ("length", "slope", "ridge")
DERIVED = [name for name, kind in attack_types().items() if issubclass(kind, DerivedAttack)]


@pytest.fixture
def split(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(N)], MEMBERS, calibration=0.4, seed=1)
    return Split(tmp_path / "split.parquet", *(frame[name].to_numpy() for name in frame.columns))


def known(is_member, is_calibration, seed=0, noise=0.3, leak=LEAK, features=4):
    """Scores whose logarithm is complexity, which hides much, minus what a member has less, plus noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(features, len(is_member)))
    slopes = np.array([[1.0, 2.0], [-2.0, 0.5], [0.0, 1.0], [3.0, -1.0]])[:features]
    logs = (x.T @ slopes).T - leak * is_member + noise * rng.normal(size=(2, len(is_member)))
    names = ["png", *(f"x{number}" for number in range(1, features))]
    return Known(
        {"sima": Statistics(COLUMNS, np.exp(logs).astype(np.float32), "low")},
        dict(zip(names, x, strict=True)),
        is_member & is_calibration,
        ~is_member & is_calibration,
    )


def aucs(values, split, fold):
    """AUC of each statistic on the samples of a fold, and its limits."""
    return [
        Delong.of([roc.placements()], roc.is_member).interval()
        for roc in (Roc.of(row[fold], split.is_member[fold], "low") for row in values)
    ]


def test_ridge_takes_out_what_the_image_predicts_and_leaves_what_a_member_has_less(split):
    of = known(split.is_member, split.is_calibration)
    derived = Complexity(fits=("ridge",)).derive(of)
    evaluation = ~split.is_calibration
    for row, plain in zip(derived.values, of.statistics["sima"].values, strict=True):
        less = row[evaluation & ~split.is_member].mean() - row[evaluation & split.is_member].mean()
        assert less == pytest.approx(LEAK, abs=0.1)
        assert row[evaluation & ~split.is_member].mean() == pytest.approx(0, abs=0.1)
        assert row[evaluation & ~split.is_member].std() == pytest.approx(0.3, abs=0.05)
        (before,), (after,) = (aucs([values], split, evaluation) for values in (plain, row))
        assert before.high < 0.75 < 0.97 < after.low


def test_length_divides_and_slope_is_least_squares_on_one_feature(split):
    of = known(split.is_member, split.is_calibration, features=1)
    length, slope = (Complexity(fits=(fit,)).derive(of).values for fit in ("length", "slope"))
    logs = np.log(of.statistics["sima"].values.astype(np.float64))
    np.testing.assert_allclose(length, logs - of.features["png"])
    for row, log in zip(slope, logs, strict=True):
        line = np.polyfit(of.features["png"][of.heldout], log[of.heldout], 1)
        evaluation = ~split.is_calibration
        expected = log - np.polyval(line, of.features["png"])
        np.testing.assert_allclose(row[evaluation], expected[evaluation], atol=0.02)


def test_each_fit_is_a_variant_of_each_statistic_at_its_queries(split):
    of = known(split.is_member, split.is_calibration)
    columns = Complexity(fits=FITS).derive(of).columns
    assert columns == [
        Column(c.timestep, {**c.variant, "fit": fit}, c.queries) for fit in FITS for c in COLUMNS
    ]
    (only,) = Complexity(norms=[4], fits=["slope"]).derive(of).columns
    assert only.variant == {"norm": 4, "fit": "slope"}
    with pytest.raises(SimauditError, match="sima has no norm of 1"):
        Complexity(norms=[1]).derive(of)


def test_labels_of_the_evaluation_fold_change_no_bit(split):
    shuffled = split.is_member.copy()
    evaluation = ~split.is_calibration
    shuffled[evaluation] = np.random.default_rng(1).permutation(shuffled[evaluation])
    of = known(split.is_member, split.is_calibration)
    other = replace(of, members=shuffled & split.is_calibration, heldout=~shuffled & split.is_calibration)
    assert Complexity().derive(of).values.tobytes() == Complexity().derive(other).values.tobytes()


def test_statistics_and_features_of_the_evaluation_fold_change_no_other_sample(split):
    of = known(split.is_member, split.is_calibration)
    sample = np.flatnonzero(~split.is_calibration)[0]
    values, png = of.statistics["sima"].values.copy(), of.features["png"].copy()
    values[:, sample], png[sample] = 1e6, 100
    other = replace(
        of,
        statistics={"sima": Statistics(COLUMNS, values, "low")},
        features={**of.features, "png": png},
    )
    changed = Complexity().derive(of).values != Complexity().derive(other).values
    assert set(np.flatnonzero(changed.any(axis=0))) == {sample}


def test_labels_that_mean_nothing_give_chance_on_both_folds(split):
    """Held-out samples that were fitted to would lie nearer to 0 than members, so that more members would lie below."""
    rng = np.random.default_rng(77)
    found = {True: [], False: []}
    for seed in range(200):
        is_member = rng.permutation(split.is_member)
        of = known(is_member, split.is_calibration, seed, leak=0)
        noise = {f"noise{number}": rng.normal(size=N) for number in range(60)}
        values = Complexity(fits=("ridge",)).derive(replace(of, features={**of.features, **noise})).values
        for fold, rows in ((True, split.is_calibration), (False, ~split.is_calibration)):
            roc = Roc.of(values[0, rows], is_member[rows], "low")
            chance = (roc.heldout // 10 + 1) / (roc.heldout + 1)  # that a member lies below so many of them
            found[fold].append((roc.auc - 0.5, roc.found_at(0.1) / roc.members - chance))
    for fold in map(np.array, found.values()):
        error = fold.std(axis=0, ddof=1) / np.sqrt(len(fold))
        assert (abs(fold.mean(axis=0)) < 3 * error).all()


def test_a_sample_of_the_calibration_fold_is_judged_by_fits_without_it(split):
    of = known(split.is_member, split.is_calibration)
    sample = np.flatnonzero(of.heldout)[0]
    values = of.statistics["sima"].values.copy()
    values[:, sample] *= np.e**50
    other = replace(of, statistics={"sima": Statistics(COLUMNS, values, "low")})
    was, now = (Complexity(fits=("slope", "ridge")).derive(it).values for it in (of, other))
    np.testing.assert_allclose(
        now[:, sample] - was[:, sample], 50, atol=1e-3
    )  # its prediction stays what it was
    part = calibration_parts(of, 5)
    beside = (part == part[sample]) & (np.arange(N) != sample)
    np.testing.assert_array_equal(was[:, beside], now[:, beside])
    assert (was[:, part == -1] != now[:, part == -1]).all()


def test_parts_hold_equal_shares_of_both_sides_and_no_sample_of_the_evaluation_fold(split):
    of = known(split.is_member, split.is_calibration)
    part = calibration_parts(of, 5)
    np.testing.assert_array_equal(part == -1, ~split.is_calibration)
    for side in of.members, of.heldout:
        assert np.ptp(np.unique(part[side], return_counts=True)[1]) <= 1


def test_constant_features_say_nothing(split):
    of = known(split.is_member, split.is_calibration)
    constant = {"zero": np.zeros(N), "one": np.ones(N), "large": np.full(N, 1e9) + np.arange(N) % 2 * 1e-7}
    plain, more = (
        Complexity(fits=("ridge",)).derive(it).values
        for it in (of, replace(of, features={**of.features, **constant}))
    )
    np.testing.assert_allclose(plain, more)
    nothing = Complexity(fits=("ridge", "slope")).derive(
        replace(of, features={"png": np.zeros(N), **constant})
    )
    assert np.isfinite(nothing.values).all()


def test_fewer_held_out_samples_than_features_still_predict(split):
    few = np.flatnonzero(split.is_calibration & ~split.is_member)[:3]
    of = known(split.is_member, split.is_calibration)
    heldout = np.isin(np.arange(N), few)
    values = Complexity().derive(replace(of, heldout=heldout)).values
    assert np.isfinite(values).all()
    with pytest.raises(SimauditError, match="must have 2 held-out samples or more to fit to"):
        Complexity().derive(replace(of, heldout=np.isin(np.arange(N), few[:1])))


def test_a_statistic_of_zero_is_the_lowest_and_a_negative_one_is_refused(split):
    of = known(split.is_member, split.is_calibration)
    values = of.statistics["sima"].values.copy()
    sample = np.flatnonzero(split.is_member)[0]
    values[:, sample] = 0
    zero = Complexity(fits=("length",)).derive(
        replace(of, statistics={"sima": Statistics(COLUMNS, values, "low")})
    )
    assert (zero.values.argmin(axis=1) == sample).all()
    values[1, sample] = -1
    with pytest.raises(SimauditError, match=r"sima has negative statistics at timestep 60, variant \(l4\)"):
        Complexity().derive(replace(of, statistics={"sima": Statistics(COLUMNS, values, "low")}))


def test_ridge_is_the_closed_form_at_the_penalty_that_generalised_cross_validation_chooses():
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(40, 6)) * [1, 10, 0.1, 1, 1, 1] + 5, rng.normal(size=(40, 3))
    y = (x - 5) @ rng.normal(size=(6, 3)) + [0, 1, 30] * noise
    fitted = Ridge.fit(x, y)
    z, n = (x - x.mean(0)) / x.std(0), len(x)

    def solved(penalty, k):
        hat = z @ np.linalg.solve(z.T @ z + n * penalty * np.eye(6), z.T)
        ahead = y[:, k].mean() + hat @ (y[:, k] - y[:, k].mean())
        return ahead, np.mean((y[:, k] - ahead) ** 2) / (1 - (1 + np.trace(hat)) / n) ** 2

    for k in range(3):
        best = min(PENALTIES, key=lambda penalty: solved(penalty, k)[1])
        assert fitted.penalties[k] == best
        np.testing.assert_allclose(fitted.predict(x)[:, k], solved(best, k)[0])
    assert fitted.penalties[0] < fitted.penalties[2]


@pytest.mark.parametrize("rows", [2, 3, 10, 20])
def test_few_rows_are_not_fitted_beyond_a_quarter_of_their_number(rows):
    """Of twenty features of noise cross-validation alone now and then takes a fit that goes through all rows."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        x, y = rng.normal(size=(rows, 20)), rng.normal(size=(rows, 1))
        left = y - Ridge.fit(x, y).predict(x)
        assert np.square(left).sum() > 0.3 * np.square(y - y.mean()).sum()


@pytest.fixture
def derived(split, tmp_path, monkeypatch):
    """The job of `complexity`, in a folder where what it reads has been made; the scores of its base."""
    monkeypatch.chdir(tmp_path)
    frame = make_split([f"{i:064x}" for i in range(N)], MEMBERS, calibration=0.4, seed=1)
    paths.split("s").parent.mkdir(parents=True)
    write_split(paths.split("s"), frame)
    of = known(split.is_member, split.is_calibration)
    file = paths.scores("t", "sima")
    file.parent.mkdir(parents=True)
    metadata = {
        "attack": "sima",
        "kind": "sima",
        "member_when": "low",
        "target_sha256": "abc",
        "log_snr": json.dumps({20: 3.0, 60: 1.5}),
    }
    with ScoreWriter(file, metadata) as writer:
        writer.write(COLUMNS, split, slice(None), of.statistics["sima"].values)
    write_table(paths.features("s"), pd.DataFrame({"sample_id": np.arange(N), **of.features}))
    return derive_job("t", "complexity", Complexity(), "s", "d"), of


def test_the_job_writes_a_score_file_like_every_other_and_its_cost(derived):
    job, of = derived
    job.do()
    made, base = Scores.read(paths.scores("t", "complexity")), Scores.read(paths.scores("t", "sima"))
    assert made.same_samples(base)
    assert (made.attack, made.member_when, made.log_snr) == ("complexity", "low", {20: 3.0, 60: 1.5})
    assert (made.metadata["target_sha256"], made.kind) == ("abc", "complexity")
    assert json.loads(made.metadata[DERIVED_OF]) == {"sima": sha256_file(paths.scores("t", "sima"))}
    np.testing.assert_array_equal(made.statistic, Complexity().derive(of).values.astype(np.float32))
    cost = read_json(paths.cost("t", "complexity"))
    assert cost["target"] == "t"
    assert cost["attacks"]["complexity"]["cost"]["seconds"] > 0


def test_scores_or_features_of_other_samples_are_refused(derived):
    job, of = derived
    write_table(paths.features("s"), pd.DataFrame({"sample_id": np.arange(N) + 1, **of.features}))
    with pytest.raises(SimauditError, match=r"features/s\.parquet: is of other samples than the split"):
        job.do()
    write_table(paths.features("s"), pd.DataFrame({"sample_id": np.arange(N), **of.features}))
    write_split(
        paths.split("s"), make_split([f"{i:064x}" for i in range(N)], MEMBERS, calibration=0.4, seed=2)
    )
    with pytest.raises(SimauditError, match=r"sima\.parquet: is of other samples, roles or folds than"):
        job.do()


def test_other_images_get_what_the_same_images_of_the_evaluation_fold_have(derived, split):
    """Though not all of the base's statistics are known of them."""
    job, of = derived
    job.do()
    rows = ~split.is_calibration
    base = of.statistics["sima"]
    others = Statistics(base.columns[1:], base.values[1:, rows], "low")
    features = {name: values[rows] for name, values in of.features.items()}
    scores = {"sima": Scores.read(paths.scores("t", "sima"))}
    found = derive_of_others(Complexity(), scores, split, of.features, {"sima": others}, features)
    made = Scores.read(paths.scores("t", "complexity"))
    assert found.columns == [column for column in made.columns if column.timestep == 60]
    expected = [made.statistic_at(60, variant_text(c.variant))[rows] for c in found.columns]
    np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-6)


def test_an_attack_of_samples_reads_these_and_the_images_and_has_scores_like_every_other(derived, split):
    rng = np.random.default_rng(5)
    images, samples = (rng.uniform(-1, 1, (n, 1, 2, 2)).astype(np.float32) for n in (N, 60))
    job = derive_job("t", "own_distance", OwnDistance(neighbours=[1]), "s", "d")
    for role, content in (("images", images), ("samples", samples)):
        job.input(role).parent.mkdir(parents=True, exist_ok=True)
        np.save(job.input(role), content)
    job.do()
    made = Scores.read(paths.scores("t", "own_distance"))
    assert (made.attack, made.member_when, made.columns) == (
        "own_distance",
        "low",
        [Column(None, {"neighbours": 1}, 0)],
    )
    apart = np.square(images[:, None] - samples[None]).mean(axis=(2, 3, 4))
    np.testing.assert_allclose(made.statistic[0], np.sqrt(apart.min(axis=1)), rtol=1e-5)
    assert json.loads(made.metadata[DERIVED_OF]) == {}


WITH_COMPLEXITY = "attacks: {complexity: {of: sima}}"


def test_an_audit_of_everything_derives_what_its_target_can_be_asked():
    made = {job.name: job for job in jobs(small(WITH_COMPLEXITY))}
    assert "score/raw/derived/complexity" in made
    assert "score/net/derived/complexity" not in made  # this audit names its attacks
    assert made["score/raw/derived/complexity"].reads["scores"] == {"sima": paths.scores("raw", "sima")}
    assert paths.scores("raw", "complexity") in made["evaluate/raw"].inputs
    latent = {job.name for job in jobs(small("attacks: {complexity: {of: pullback}, pullback: {}}"))}
    assert not [name for name in latent if "derived" in name]  # no target here has a decoder


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            "audits: {net: {attacks: [complexity]}}",
            "audits.net.attacks: complexity is derived of sima; add sima",
        ),
        (
            "audits: {net: {intermediate_attacks: [complexity], attacks: [complexity, sima]}}",
            "complexity asks no model",
        ),
        (
            "attacks: {complexity_av: {kind: complexity, of: complexity}}",
            "attacks.complexity_av.of: complexity is itself derived",
        ),
        ("attacks: {complexity: {of: siam}}", "attacks.complexity.of: no such entry"),
    ],
)
def test_what_cannot_be_derived_is_refused_before_any_job(changes, line):
    assert any(line in shown for shown in lines_of(small, WITH_COMPLEXITY, changes))


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_attack_reads_scores_of_attacks_that_there_are(name):
    assert set(attack_types()[name]().bases) <= attack_types().keys() - set(DERIVED)
