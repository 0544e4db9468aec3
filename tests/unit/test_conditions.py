"""Models of classes: asked for the right class, a wrong one and the empty one; what cannot be asked is refused."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from auditing import SAMPLES
from checkpoints import change, save_classes, save_dit, save_latent, vq
from diffusers import UNet2DModel
from planning import lines_of, small
from sklearn.metrics import roc_auc_score

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.attacks.decoder.reconstruction import Reconstruction
from simaudit.attacks.threshold.sima import SimA
from simaudit.data.classes import read_classes
from simaudit.data.store import ITEMS
from simaudit.diffusion.noise import SampleNoise
from simaudit.figures.figure import figure_types
from simaudit.plan.jobs import jobs
from simaudit.samples.draw import classes_to_draw, draw_samples
from simaudit.scoring.run import score_batch
from simaudit.scoring.score_file import Scores
from simaudit.storage.parquet import write_table
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
from simaudit.targets.classes import conditions_offered, known_classes
from simaudit.targets.optimal import OptimalTarget
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import KnobError, SimauditError
from simaudit.vocabulary.variant import variant_text

CPU = torch.device("cpu")
NOISE = SampleNoise(0, np.arange(6))


@pytest.fixture
def x(images):
    return torch.from_numpy(images[:6])


def test_a_unet_of_classes_gives_for_each_class_what_diffusers_gives(tmp_path, x):
    folder = save_classes(tmp_path / "m", classes=4)
    network = UNet2DModel.from_pretrained(folder / "unet").requires_grad_(False)
    target, attack = load(inspect(folder, empty_class=0), CPU), SimA(timesteps=[7], norms=[2])
    right, wrong = torch.tensor([1, 2, 3, 1, 2, 3]), torch.tensor([3, 3, 1, 2, 1, 1])
    asked = {}
    for name, labels in {"right": right, "wrong": wrong}.items():
        columns, values = score_batch(attack, target, x, NOISE, ("labels", "empty"), labels)
        assert [column.variant["condition"] for column in columns] == ["labels", "empty"]
        for row, given in zip(values, (labels, torch.zeros(6, dtype=torch.int64)), strict=True):
            expected = network(x, torch.full((6,), 7), given).sample.flatten(1).norm(dim=1)
            np.testing.assert_allclose(row, expected, rtol=1e-6)
        asked[name] = values
    assert (np.abs(asked["right"][0] - asked["wrong"][0]) > 1e-4).all()
    np.testing.assert_array_equal(asked["right"][1], asked["wrong"][1])  # the empty class knows no label


@pytest.mark.parametrize(
    ("count", "empty", "known", "offered"),
    [
        (0, None, (), set()),
        (3, None, (0, 1, 2), {"labels"}),
        (3, 3, (0, 1, 2), {"labels", "empty"}),  # as in a DiT
        (3, 1, (0, 2), {"labels", "empty"}),
        (1, 0, (), {"empty"}),
    ],
)
def test_the_empty_class_is_none_that_can_be_asked_for(count, empty, known, offered):
    assert known_classes(count, empty) == known
    assert conditions_offered(count, empty) == offered


def test_a_class_that_cannot_be_the_empty_one_is_refused(tmp_path):
    of_classes, plain = save_classes(tmp_path / "c", classes=4), save_latent(tmp_path / "l", vq())
    for folder, stated, words in (
        (of_classes, 4, "must be below 4, the model's num_class_embeds (got 4)"),
        (plain, 0, "needs a model of classes (got 0)"),
        (save_dit(tmp_path / "d", classes=3), 2, "is 3 in a DiT of 3 classes; leave it out (got 2)"),
    ):
        with pytest.raises(KnobError) as caught:
            inspect(folder, empty_class=stated)
        assert caught.value.key == "empty_class"
        assert words in caught.value.why
    assert inspect(tmp_path / "d", empty_class=3).empty_class == 3
    change(of_classes / "unet/config.json", class_embed_type="timestep")
    with pytest.raises(
        KnobError, match=r"unet/config.json: class_embed_type is 'timestep'; only classes by number"
    ):
        inspect(of_classes)


class Mixed(TargetAttack):
    """One statistic of the image alone, and one that asks the model."""

    def statistics(self, target, images, noise):
        yield Statistic(None, {"of": "image"}, 0, images.flatten(1).mean(1))
        yield Statistic(3, {"of": "model"}, 1, target.predict_noise(images, 3).flatten(1).mean(1))


def test_what_asks_the_model_nothing_appears_once_and_names_no_condition(tmp_path, x):
    pixels, latents = save_classes(tmp_path / "p", 4), save_dit(tmp_path / "l", classes=4)
    both, labels = ("labels", "empty"), torch.zeros(6, dtype=torch.int64)
    columns, _ = score_batch(Mixed(), load(inspect(pixels, empty_class=3), CPU), x, NOISE, both, labels)
    assert [dict(column.variant) for column in columns] == [
        {"of": "image"},
        {"of": "model", "condition": "labels"},
        {"of": "model", "condition": "empty"},
    ]
    columns, _ = score_batch(Reconstruction(), load(inspect(latents), CPU), x, NOISE, both, labels)
    assert [dict(column.variant) for column in columns] == [
        {"error": "mean_absolute"},
        {"error": "mean_squared"},
    ]


@dataclass
class OptimalOfClasses:
    """The closed form over the members of each class apart: the best that a model of classes can be."""

    by_class: dict
    labels: torch.Tensor | None = None

    @property
    def schedule(self):
        return self.by_class[0].schedule

    def conditioned(self, labels):
        return replace(self, labels=labels)

    def encode(self, images):
        return images

    def predict_noise(self, z, timestep):
        answers = zip(z.split(1), self.labels.tolist(), strict=True)
        return torch.cat([self.by_class[label].predict_noise(one, timestep) for one, label in answers])


def test_the_optimal_model_of_classes_finds_its_members_by_the_right_class_alone(schedule):
    images = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (120, 1, 4, 4)).astype(np.float32))
    labels, is_member = torch.arange(120) % 3, np.arange(120) < 60
    by_class = {k: OptimalTarget(images[:60][labels[:60] == k], schedule) for k in range(3)}
    target, attack = OptimalOfClasses(by_class), SimA(timesteps=[50], norms=[4], inputs=["scaled"])
    auc = {}
    for shift in range(3):
        noise = SampleNoise(0, np.arange(120))
        _, values = score_batch(attack, target, images, noise, ["labels"], (labels + shift) % 3)
        auc[shift] = roc_auc_score(is_member, -values[0])
    assert auc[0] == 1
    assert abs(auc[1] - 0.5) < 0.15
    assert abs(auc[2] - 0.5) < 0.15


def items(path, labels, files=True):
    """A table of items with these labels, None where there is none."""
    names = [f"{i}.png" if files else None for i in range(len(labels))]
    columns = {"sample_id": range(len(labels)), "file": names, "label": pd.array(labels, dtype="Int64")}
    write_table(path, pd.DataFrame({**columns, "caption": None, "origin": None, "sha256": "0"}), ITEMS)
    return path


def test_labels_are_those_of_the_samples_that_are_asked_for(tmp_path):
    path = items(tmp_path / "items.parquet", [3, None, 0, 1, 99])
    assert read_classes(path, np.array([3, 0, 2]), range(4)).tolist() == [1, 3, 0]


def test_all_labels_that_are_none_are_named_together(tmp_path):
    path = items(tmp_path / "items.parquet", [0, None, 5, 1, 2, None])
    with pytest.raises(SimauditError) as caught:
        read_classes(path, np.arange(6), known_classes(4, 1))
    assert str(caught.value) == (
        f"{path}: labels must be classes of the model, 0 to 3 without 1; without a label (2): 1.png, 5.png; of no such "
        "class (2): 2.png (5), 3.png (1); label each image with its class, or leave labels out of the conditions of "
        "the audit"
    )
    unnamed = items(tmp_path / "unnamed.parquet", [0, 9], files=False)
    with pytest.raises(SimauditError, match=r"the model, 0 to 3; of no such class \(1\): 1 \(9\);"):
        read_classes(unnamed, np.arange(2), range(4))


def test_a_dataset_without_labels_is_one_line(tmp_path):
    path = items(tmp_path / "items.parquet", [None, None])
    with pytest.raises(SimauditError, match=r"items.parquet: no image has a label; label each image"):
        read_classes(path, np.arange(2), range(4))


def experiment(folder, empty_class=None, conditions="", more=""):
    """An experiment that audits a checkpoint of classes."""
    stated = "" if empty_class is None else f", empty_class: {empty_class}"
    return f"""
targets:
  theirs: {{kind: checkpoint, path: {folder}, split: small{stated}}}
splits: {{small: {{heldout: 80, members: 80}}}}
quality: {{samples: 50, steps: 3}}
audits:
  theirs: {{target: theirs{conditions}}}
{more}
"""


def test_labels_are_asked_for_unless_the_audit_says_otherwise(tmp_path):
    folder, read = save_classes(tmp_path / "m"), {}
    for said in "", ", conditions: [labels]", ", conditions: [empty]", ", conditions: [labels, empty]":
        params = small(experiment(folder, 9, said))
        made = {job.name: job.reads for job in jobs(params)}
        read[params.conditions_of("theirs")] = [
            "items" in made[name] for name in ("score/theirs/sima", "sample/theirs")
        ]
    assert read == {("labels",): [True] * 2, ("empty",): [False] * 2, ("labels", "empty"): [True] * 2}


@pytest.mark.parametrize(
    ("model", "empty", "conditions", "words"),
    [
        (save_classes, None, "labels, empty", "targets.theirs has no empty class; leave empty out, or state"),
        (
            lambda folder: save_latent(folder, vq()),
            None,
            "labels, empty",
            "targets.theirs is no model of classes; leave",
        ),
        (
            lambda folder: save_latent(folder, vq()),
            None,
            "empty",
            "is no model of classes; leave conditions out",
        ),
        (save_classes, 9, "right", "must be 'labels' or 'empty' (got 'right')"),
        (save_classes, 9, "empty, empty", "must be different from one another"),
    ],
)
def test_a_condition_that_a_target_cannot_be_asked_under_is_one_line(
    tmp_path, model, empty, conditions, words
):
    folder = model(tmp_path / "m")
    lines = lines_of(small, experiment(folder, empty, f", conditions: [{conditions}]"))
    assert len(lines) == 1
    assert "audits.theirs.conditions" in lines[0]
    assert words in lines[0]


def test_an_empty_class_that_the_model_has_not_is_refused_with_the_parameters(tmp_path):
    (line,) = lines_of(small, experiment(save_classes(tmp_path / "m"), 10))
    assert "targets.theirs.empty_class: must be below 10, the model's num_class_embeds (got 10)" in line


def test_audits_that_ask_differently_are_not_seeds_of_one(tmp_path):
    other = "  asked-otherwise: {target: theirs, conditions: [empty]}"
    params = small(experiment(save_classes(tmp_path / "m"), 9, more=other))
    assert {"asked-otherwise", "theirs"} <= set(params.groups)


def test_knobs_of_an_audit_under_other_conditions_are_refused(tmp_path):
    more = "  empty: {target: theirs, conditions: [empty]}"
    folder = save_classes(tmp_path / "m")
    (line,) = lines_of(small, experiment(folder, 9, ", calibrate_on: empty", more=more))
    assert "audits.theirs.calibrate_on: asks under other conditions" in line
    small(experiment(folder, 9, ", calibrate_on: empty, conditions: [labels, empty]", more=more))


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """Runs the jobs of an audit of a checkpoint on digits, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(text, names):
        made = {job.name: job for job in jobs(small(text))}
        for name in names:
            made[name].do()

    return run


FIRST = ("prepare/digits", "split/small", "train/theirs")
ATTACKS = """
attacks:
  sima_mc: {timesteps: [10], draws: [1, 2]}
  pullback: {knobs: {timesteps: [10]}}
  distortion: {singular_values: 2}
  reconstruction: {}
"""


def test_a_dit_is_audited_under_both_conditions(whole, tmp_path):
    text = experiment(save_dit(tmp_path / "dit"), conditions=", conditions: [labels, empty]") + ATTACKS
    scored = ("sima", "sima_mc", "pullback", "distortion", "reconstruction")
    whole(text, [*FIRST, *(f"score/theirs/{name}" for name in scored), "sample/theirs"])
    variants = {
        name: Counter(variant_text(c.variant) for c in Scores.read(paths.scores("theirs", name)).columns)
        for name in scored
    }
    for condition in "labels", "empty":
        assert variants["sima"][f'{{"condition": "{condition}", "input": "raw", "norm": 4}}'] == 2
        assert variants["sima_mc"][f'{{"condition": "{condition}", "draws": 2, "norm": 4}}'] == 1
        assert (
            variants["pullback"][f'{{"condition": "{condition}", "dropped": 0.4, "input": "raw", "norm": 4}}']
            == 1
        )
    assert variants["distortion"] == {'{"singular_values": 2}': 1}
    assert sum(variants["reconstruction"].values()) == 2
    assert np.load(paths.samples("theirs")).shape == (50, 1, 8, 8)
    with np.load(paths.of_target("gallery", "theirs")) as gallery:
        assert gallery["members_reconstructed"].shape == (8, 1, 8, 8)


def test_samples_are_of_the_members_classes_or_of_the_empty_one(whole, tmp_path):
    folder = save_classes(tmp_path / "m", 11)
    drawn = {}
    for conditions in "[labels, empty]", "[empty]":
        whole(experiment(folder, 10, f", conditions: {conditions}"), [*FIRST, "sample/theirs"])
        drawn[conditions] = np.load(paths.samples("theirs"))
    target, like = load(inspect(folder, empty_class=10), CPU), torch.zeros(1, 1, 8, 8)
    members = pd.read_parquet(paths.split("small")).query("role == 'member'").sample_id
    labels = pd.read_parquet(paths.items("digits")).label[members].to_numpy()
    expected = draw_samples(target, like, 50, 3, 0, 256, classes_to_draw(labels, 50, 0))
    np.testing.assert_allclose(drawn["[labels, empty]"], expected, atol=1e-6)
    nothing = draw_samples(target, like, 50, 3, 0, 256, np.full(50, 10))
    np.testing.assert_allclose(drawn["[empty]"], nothing, atol=1e-6)


def test_samples_have_the_classes_of_the_members_as_often_as_these():
    of_members = np.repeat([0, 1, 2], [10, 20, 30])  # sorted, as a folder of folders is
    assert Counter(classes_to_draw(of_members, 120, 3).tolist()) == {0: 20, 1: 40, 2: 60}
    assert len(set(classes_to_draw(of_members, 12, 3).tolist())) == 3
    np.testing.assert_array_equal(classes_to_draw(of_members, 12, 3), classes_to_draw(of_members, 12, 3))


def test_digits_whose_labels_are_no_classes_of_the_model_end_the_job(whole, tmp_path):
    text = experiment(save_classes(tmp_path / "m", 9))
    with pytest.raises(
        SimauditError, match=r"items.parquet: labels must be classes of the model, 0 to 8; of no such"
    ):
        whole(text, [*FIRST, "score/theirs/sima"])
    assert not paths.scores("theirs", "sima").exists()


def test_a_condition_is_chosen_on_calibration_and_no_figure_mixes_two(audit):
    """By its own class the model tells most with one draw and norm 4; elsewhere by the empty class."""
    audit.blind()
    strengths = {("labels", 1, 4): 3, ("labels", 2, 4): 0.5, ("empty", 1, 4): 1, ("empty", 2, 4): 2}
    strengths |= {("labels", 1, 2): 0.5, ("empty", 1, 2): 2}
    columns = {
        (10, variant_text({"condition": condition, "draws": draws, "norm": norm})): audit.telling(
            strength, seed
        )
        for seed, ((condition, draws, norm), strength) in enumerate(strengths.items())
    }
    results = audit.evaluate("net", {"sima": 3}, sima=columns)
    selected = results.summary["attacks"]["sima"]["selected"]
    assert selected["variant"] == {"condition": "labels", "draws": 1, "norm": 4}
    draws = results.table.variant.str.extract(r'"draws": (\d)')[0].astype(int)
    vars(results)["table"] = results.table.assign(queries=draws)
    for name, rows in {"queries": 2, "norms": 2, "metrics_over_time": 3}.items():
        values = figure_types()[name]().values(results)
        values = values[values.attack == "sima"]
        assert len(values) == rows
        assert values.variant.str.contains('"condition": "labels"').all()
    values = figure_types()["queries"]().values(results)
    assert values.queries.tolist() == [1, 2]
    assert (
        results.summary["members"] + results.summary["heldout"] + audit.split.is_calibration.sum() == SAMPLES
    )
