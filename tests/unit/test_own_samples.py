"""The model's own samples: which of them attacks accuse, and how far images are from them."""

import shutil

import numpy as np
import pytest
import torch
from planning import small

from simaudit.attacks.attack import Attack
from simaudit.attacks.derived.complexity import Complexity
from simaudit.attacks.derived.own_distance import OwnDistance
from simaudit.attacks.derived_attack import DerivedAttack, Known, Statistics
from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.attacks.threshold.sima import SimA
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.diffusion.noise import SampleNoise
from simaudit.evaluation.controls.jobs import left_out
from simaudit.evaluation.controls.own_samples import SCHEMA, accused, own_statistics, shares_accused
from simaudit.evaluation.numbers import ledger
from simaudit.evaluation.protocol.evaluate import ASSUMED
from simaudit.evaluation.protocol.measured import MeasuredAttack
from simaudit.evaluation.protocol.selection import selected_column
from simaudit.evaluation.statistics.bootstrap import Bootstrap
from simaudit.plan.jobs import jobs
from simaudit.samples.asked import OwnSamples
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import score_batch
from simaudit.scoring.score_file import Scores
from simaudit.storage.json import read_json
from simaudit.targets.families.optimal import Optimal
from simaudit.targets.family import family_type
from simaudit.targets.files import read_summary
from simaudit.targets.loaded import loaded
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import CONDITION, Column

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("threshold", "member_when", "count"),
    [(2.0, "low", 2), (2.0, "high", 3), (0.5, "low", 0), (4.5, "high", 0), (None, "low", 0), (9, "low", 4)],
)
def test_the_share_accused_is_that_of_samples_at_least_as_member_like_as_the_threshold(
    threshold, member_when, count
):
    share = accused(np.array([1, 2, 3, 4], np.float32), threshold, member_when)
    assert share["value"] == count / 4
    assert (share["low"] == 0) is (count == 0)
    assert (share["high"] == 1) is (count == 4)


def summed_up(timestep, variant, threshold):
    return {
        "selected": {"timestep": timestep, "variant": variant},
        "transferred": {"threshold": threshold},
    }


class OfReferences(DerivedAttack):
    """An attack that reads scores under references."""

    needs_references = True

    @property
    def bases(self):
        return ("sima",)

    def derive(self, known: Known) -> Statistics:
        raise AssertionError


class Learned(Attack):
    """A learned head."""

    learned = True


def test_each_attack_is_asked_at_its_chosen_knobs_alone_and_under_the_condition_chosen_for_it():
    asked = []

    def ask(asking):
        answers = {}
        for name, (attack, conditions) in asking.items():
            asked.append((type(attack).__name__, attack.grid, tuple(conditions)))
            columns = [
                Column(t, {"norm": p, CONDITION: c}, 1)
                for t in attack.grid
                for p in (2, 4)
                for c in conditions
            ]
            values = np.arange(10.0) + np.arange(len(columns))[:, None] * 100
            answers[name] = Statistics(columns, values, "low")
        return answers

    def derive(attack, of):
        (base,) = of.values()
        columns = [Column(c.timestep, {**c.variant, "fit": "slope"}, 1) for c in base.columns]
        return Statistics(columns, -base.values, "low")

    attacks = {"complexity": Complexity(), "sima": SimA(timesteps=[10, 40], norms=[2, 4])}
    chosen = {
        "complexity": Column(40, {"norm": 2, CONDITION: "empty", "fit": "slope"}, 1),
        "sima": Column(10, {"norm": 4, CONDITION: "labels"}, 1),
    }
    found = own_statistics(attacks, chosen, ask, derive)
    assert asked == [("SimA", (40,), ("empty",)), ("SimA", (10,), ("labels",))]
    assert list(found) == SCHEMA.names

    thresholds = {"complexity": -7.5, "sima": 103}
    summary = {
        name: summed_up(of.timestep, dict(of.variant), thresholds[name]) for name, of in chosen.items()
    }
    shares = {
        name: of["own_samples"]["accused"]
        for name, of in shares_accused(found, summary, {"tail_too_small": True}).items()
    }
    assert {name: share["value"] for name, share in shares.items()} == {"complexity": 0.2, "sima": 0.4}
    assert all(share["tail_too_small"] for share in shares.values())

    summary["sima"]["selected"]["timestep"] = 40
    with pytest.raises(SimauditError, match=r"^sima: the model's own samples were asked at other knobs"):
        shares_accused(found, summary, {})


def test_where_no_attack_can_be_asked_nobody_is_accused():
    nothing = own_statistics({}, {}, lambda asking: {}, lambda attack, of: None)
    assert list(nothing) == SCHEMA.names
    assert shares_accused(nothing, {}, {}) == {}


def test_attacks_are_left_out_each_for_a_reason_of_its_own():
    attacks = [OwnDistance(), OfReferences(), Learned()]
    assert len({left_out(attack) for attack in attacks} - {None}) == 3
    assert left_out(Complexity()) is left_out(SimA(timesteps=[0])) is None


def test_what_is_selected_early_is_what_evaluation_selects():
    """Among equals too: the second and the third statistic rank all samples alike."""
    rng = np.random.default_rng(0)
    is_member, is_calibration = rng.random(400) < 0.5, rng.random(400) < 0.5
    better = rng.normal(size=400) + is_member
    columns = [Column(t, {"norm": 2}, 1) for t in (0, 10, 20)]
    statistic = np.stack([rng.normal(size=400), better, np.exp(better)])
    scores = Scores("sima", "high", columns, np.arange(400), is_member, is_calibration, statistic)
    measured = MeasuredAttack.of(
        scores, Bootstrap(is_member[~is_calibration], 20, 0), threads=1, assumed=ASSUMED
    )
    assert selected_column(scores).timestep == measured.knobs.timestep == 10


def test_an_attack_at_one_timestep_has_the_same_statistic_there(known_target, images):
    target = known_target(lambda z, t: torch.tanh(z.cumsum(-1)) / (1 + t))
    for attack, t in ((SimA(timesteps=[0, 30, 60]), 30), (SecMI(timesteps=[0, 30, 60]), 30)):
        whole, alone = (
            score_batch(of, target, torch.from_numpy(images), SampleNoise(0, np.arange(24)))
            for of in (attack, attack.at(t))
        )
        rows = [k for k, column in enumerate(whole[0]) if column.timestep == t]
        assert alone[0] == [whole[0][k] for k in rows]
        np.testing.assert_array_equal(alone[1], whole[1][rows])
    assert SimA(timesteps=[0, 30]).at(None).grid == (0, 30)


def test_samples_are_asked_with_noise_of_their_own_whatever_the_batch(known_target, images):
    target, attack = known_target(lambda z, t: torch.tanh(z)), Loss(timesteps=[30], draws=[1])
    whole, parts, other = (
        OwnSamples(target, Images(images), None, 5, first, size, CPU)
        .statistics({"loss": Asking(attack)})["loss"]
        .values
        for first, size in ((100, 24), (100, 7), (0, 24))
    )
    np.testing.assert_allclose(whole, parts, rtol=1e-6)
    assert (whole != other).all()
    _, expected = score_batch(attack, target, torch.from_numpy(images), SampleNoise(5, 100 + np.arange(24)))
    np.testing.assert_array_equal(whole, expected)


def test_own_distance_is_the_mean_rms_to_the_nearest_samples():
    images = np.array([[0.0, 0.0], [1.0, 1.0]]).reshape(2, 1, 1, 2)
    samples = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0]]).reshape(3, 1, 1, 2)
    nobody = np.zeros(2, dtype=bool)
    known = Known({}, {}, nobody, nobody, images=images, samples=samples)
    derived = OwnDistance(neighbours=[1, 2]).derive(known)
    root = np.sqrt(0.5)
    np.testing.assert_allclose(
        derived.values,
        [[0, root], [root / 2, (root + 1) / 2]],  # of (1, 1) the two nearest lie at 1 and √2
    )
    assert derived.columns == [Column(None, {"neighbours": k}, 0) for k in (1, 2)]
    assert derived.member_when == "low"


REMEMBERED = """
targets: {exact: }
audits: {exact: {attacks: [complexity, own_distance, sima], figures: []}}
attacks: {complexity: {of: sima, fits: [slope]}, own_distance: {}, sima: {norms: [2, 4]}}
quality: {samples: 60, steps: 20}
evaluation: {bootstrap: 100, permutations: 20, blind: {folds: 2, side: 2}}
"""


@pytest.fixture(scope="module")
def remembered(tmp_path_factory):
    """The jobs of an audit of the optimal denoiser, done in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("remembered"))
        planned = {job.name: job for job in jobs(small(REMEMBERED))}
        for name, job in planned.items():
            if name == "compare":
                break
            job.do()
        yield planned


def test_a_model_that_remembers_accuses_its_samples_of_being_what_they_are_copies_of(remembered):
    found = read_json(remembered["own_samples/exact"].output("own_samples"))
    shares = {name: of["own_samples"]["accused"] for name, of in found["attacks"].items()}
    assert shares["sima"]["value"] > 0.9
    assert shares["sima"]["low"] > 0.8
    assert set(shares) == {"complexity", "sima"}
    assert set(found["left_out"]) == {"own_distance"}
    numbers = ledger([remembered["own_samples/exact"].output("own_samples")])
    assert numbers["exact.own_samples.drawn"]["value"] == 60
    assert numbers["exact.own_samples.drawn"]["unit"] == "samples"
    assert numbers["exact.sima.own_samples.accused"]["value"] == shares["sima"]["value"]


def test_a_target_is_loaded_once_for_all_jobs_of_a_process_and_anew_where_its_files_are_others(
    remembered, monkeypatch, tmp_path
):
    folders, load = [], Optimal.load
    monkeypatch.setattr("simaudit.targets.loaded._kept", {})
    monkeypatch.setattr(Optimal, "load", lambda *given: folders.append(given[0]) or load(*given))
    for name in ("score/exact/sima", "sample/exact", "own_statistics/exact"):
        remembered[name].do()
    folder = paths.target("exact")
    assert folders == [folder]
    same = loaded(folder, read_summary(folder), CPU)
    assert loaded(folder, read_summary(folder), CPU) is same
    summary = read_summary(folder)
    assert loaded(folder, summary | {"files": summary["files"] | {"more": "0"}}, CPU) is not same
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    same = loaded(folder, summary, CPU)
    assert loaded(copy, read_summary(copy), CPU) is not same


def test_the_share_is_counted_again_from_the_model_itself(remembered):
    facts = read_json(paths.of_target("summary", "exact"))["attacks"]["sima"]
    variant, t = facts["selected"]["variant"], facts["selected"]["timestep"]
    target = family_type("optimal").load(paths.target("exact"), CPU)
    samples = torch.from_numpy(np.load(paths.samples("exact")))
    norms = torch.linalg.vector_norm(target.predict_noise(samples, t).flatten(1), ord=variant["norm"], dim=1)
    count = sum(float(norm) <= facts["transferred"]["threshold"] * (1 + 1e-5) for norm in norms)
    found = read_json(remembered["own_samples/exact"].output("own_samples"))
    assert found["attacks"]["sima"]["own_samples"]["accused"]["value"] == count / len(samples)


def test_own_distance_finds_members_that_were_drawn(remembered):
    facts = read_json(paths.of_target("summary", "exact"))["attacks"]["own_distance"]["selected"]
    assert (facts["queries"], facts["timestep"]) == (0, None)
    assert facts["auc"]["low"] > 0.6
    assert Split.read(remembered["score/exact/derived/own_distance"].input("split")).is_member.any()
