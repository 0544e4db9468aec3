"""How good samples are: the distance against its closed form, what is compared with what, and the features."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDPMScheduler
from scipy.linalg import sqrtm
from storing import store

from simaudit.data.split import Split, make_split, write_split
from simaudit.data.store import Images
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.evaluation.jobs import quality_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.evaluation.numbers import ledger
from simaudit.evaluation.protocol.quality import DISTANCES, Moments, frechet_distance, quality
from simaudit.provenance import recompute, stamps
from simaudit.provenance.recompute import frechet_distances
from simaudit.provenance.records import read_records, write_record
from simaudit.provenance.verify import distances
from simaudit.samples.draw import draw_samples
from simaudit.samples.features import DESCRIBED, extractor
from simaudit.samples.gallery import SHOWN, gallery
from simaudit.samples.jobs import QualityKnobs
from simaudit.storage.array import save_array
from simaudit.storage.json import read_json, write_json
from simaudit.vocabulary.errors import SimauditError

RNG = np.random.default_rng(3)


def distance_of(first, second):
    """The Fréchet distance of two sets of features."""
    return frechet_distance(Moments.of(first), Moments.of(second))


def test_the_distance_is_the_one_of_the_papers_formula():
    a, b = RNG.normal(size=(200, 5)), RNG.normal(size=(300, 5)) @ RNG.normal(size=(5, 5)) + 1
    covariances = [np.cov(x, rowvar=False) for x in (a, b)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(sum(covariances) - 2 * root)
    assert distance_of(a, b) == pytest.approx(expected, rel=1e-6)
    assert distance_of(b, a) == pytest.approx(expected, rel=1e-6)
    assert distance_of(a, a) == pytest.approx(0, abs=1e-8)


def test_a_shift_counts_by_its_square():
    a = RNG.normal(size=(50, 3))
    assert distance_of(a, a + np.array([1.0, 2.0, 2.0])) == pytest.approx(9)


def test_features_with_fewer_images_than_dimensions_still_have_a_distance():
    assert np.isfinite(distance_of(RNG.normal(size=(5, 20)), RNG.normal(size=(6, 20))))


def test_copies_of_the_members_are_nearer_to_the_members():
    members, heldout = RNG.normal(size=(80, 20)), RNG.normal(size=(400, 20))
    found = quality(members + 0.01 * RNG.normal(size=members.shape), members, heldout, 200, 0, "in units")
    assert found["images"] == 80
    assert found["to_members"]["value"] < 0.01
    assert found["heldout_minus_members"]["low"] > 0
    difference = found["to_heldout"]["value"] - found["to_members"]["value"]
    assert found["heldout_minus_members"]["value"] == pytest.approx(difference)
    for name in ("to_members", "to_heldout", "members_to_heldout"):
        assert 0 <= found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_the_limits_cover_what_as_many_images_have_on_average():
    """Samples of the true distribution are as near to members as to held-out images, and as far as these two."""
    pairs = np.random.default_rng(0).normal(size=(500, 2, 100, 3))
    average = np.mean([distance_of(*pair) for pair in pairs])
    covered = dict.fromkeys(DISTANCES, 0)
    for seed in range(40):
        found = quality(*np.random.default_rng(seed).normal(size=(3, 100, 3)), 100, seed, "in units")
        for name in DISTANCES:
            truth = 0 if name == "heldout_minus_members" else average
            covered[name] += found[name]["low"] <= truth <= found[name]["high"]
    assert all(count >= 36 for count in covered.values()), covered


def labelled(labels, side=4):
    """Images whose first row tells two labels apart, and their labels as a table of items has them."""
    images = np.random.default_rng(3).normal(size=(len(labels), 1, side, side)).astype(np.float32)
    images[:, 0, 0, : side // 2] += np.where(np.equal(labels, 1), 2, -2)[:, None]
    return Images(images), pd.Series(labels, dtype=pd.Int64Dtype())


def test_the_classifiers_features_tell_the_classes_apart():
    images, labels = labelled(np.arange(400) % 2)
    features = extractor("classifier", images, np.arange(len(images)), labels, seed=0)
    ids = np.arange(400)
    apart = features.of(images, ids)[ids]
    assert apart.shape == (400, 32)
    of_one = labels == 1
    between = distance_of(apart[~of_one], apart[of_one])
    assert between > 10 * distance_of(apart[of_one][::2], apart[of_one][1::2])
    again = extractor("classifier", images, np.arange(len(images)), labels, seed=0)
    np.testing.assert_array_equal(again.of(images, ids)[ids], apart)


def test_features_are_computed_of_the_images_that_are_asked_for(monkeypatch):
    images, labels = labelled(np.arange(60) % 2)
    monkeypatch.setattr("simaudit.data.store.BLOCK", 5 * 16)
    features, asked = extractor("pca", images, np.arange(len(images)), labels, seed=0), []
    view = replace(features, compute=lambda block: asked.append(len(block)) or features.compute(block)).of(
        images, np.arange(60)[::-1]
    )
    found = view[np.array([3, 1, 40, 5, 6, 7, 0])]
    assert asked == [5, 2]
    np.testing.assert_allclose(found[0], features.compute(images[[56]])[0])
    assert len(view) == 60


def test_components_need_no_label_and_are_uncorrelated():
    images, _ = labelled([None] * 80, side=32)  # averaged down to 16 × 16
    features = extractor(
        "auto", images, np.arange(len(images)), pd.Series([None] * 80, dtype=pd.Int64Dtype()), seed=0
    )
    assert features.kind == "pca"
    found = features.of(images, np.arange(80))[np.arange(80)]
    assert found.shape == (80, 32)
    covariance = np.cov(found, rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (np.arange(80) % 2, "classifier"),
        ([*np.arange(60) % 2, *[None] * 20], "classifier"),  # some are unknown
        ([*[0] * 61, *[1] * 19], "pca"),  # too few of one
        ([None] * 80, "pca"),
        ([7] * 80, "pca"),
    ],
)
def test_without_a_word_labels_are_used_where_there_are_enough(labels, kind):
    images, column = labelled([0 if label is None else label for label in labels])
    column = pd.Series(labels, dtype=pd.Int64Dtype())
    assert extractor("auto", images, np.arange(len(images)), column, seed=0).kind == kind
    if kind == "classifier":
        assert extractor("classifier", images, np.arange(len(images)), column, seed=0).kind == kind
    else:
        with pytest.raises(SimauditError, match="classifier needs a dataset with two labels"):
            extractor("classifier", images, np.arange(len(images)), column, seed=0)


def test_the_classifier_is_taught_no_more_images_than_it_says(monkeypatch):
    images, labels = labelled(np.arange(400) % 2)
    monkeypatch.setattr("simaudit.samples.features.TAUGHT", 120)
    features, read = extractor("classifier", images, np.arange(len(images)), labels, seed=0), []
    blocks = Images.blocks
    monkeypatch.setattr(Images, "blocks", lambda self, ids: read.append(ids) or blocks(self, ids))
    for seed in (0, 1):
        extractor("classifier", images, np.arange(len(images)), labels, seed)
    assert [len(ids) for ids in read] == [120, 120]
    assert not np.array_equal(*read)
    apart = features.of(images, np.arange(400))[np.arange(400)]
    assert distance_of(apart[labels == 0], apart[labels == 1]) > 1


def test_a_dataset_without_labels_and_inception_without_weights_are_one_line():
    images, labels = Images(np.zeros((4, 1, 4, 4), dtype=np.float32)), pd.Series([0] * 4)
    with pytest.raises(SimauditError, match=r"quality.features: classifier needs a dataset .*; choose auto"):
        extractor("classifier", images, np.arange(len(images)), labels, 0)
    with pytest.raises(SimauditError, match=r"quality.features: inception needs torchmetrics"):
        extractor("inception", images, np.arange(len(images)), labels, 0)


def test_sampling_from_the_optimal_denoiser_of_one_image_gives_that_image(known_target, schedule):
    """ε̂ = (z − √ᾱ x)/σ leads every trajectory to x, whatever noise it begins with."""
    x = torch.linspace(-0.9, 0.9, 16).reshape(1, 1, 4, 4)
    target = known_target(lambda z, t: (z - schedule.signal(t, z) * x) / schedule.sigma(t, z))
    target.decode = lambda z: z
    samples = draw_samples(target, x, 7, steps=20, seed=0, batch_size=3)
    assert samples.shape == (7, 1, 4, 4)
    np.testing.assert_allclose(samples, x.expand(7, -1, -1, -1), atol=1e-3)
    assert [t for t, _ in target.seen[:20]] == np.linspace(999, 0, 20).round().tolist()


def test_a_schedule_that_ends_without_signal_is_entered_where_there_is_some(known_target):
    """The cosine schedule: an error of a thousandth, divided by its last √ᾱ, would be far outside any image."""
    schedule = NoiseSchedule.of(DDPMScheduler(beta_schedule="squaredcos_cap_v2"))
    x = torch.linspace(-0.9, 0.9, 16).reshape(1, 1, 4, 4)
    target = known_target(lambda z, t: (z - schedule.signal(t, z) * x) / schedule.sigma(t, z) + 0.001)
    target.schedule, target.decode = schedule, lambda z: z
    samples = draw_samples(target, x, 3, steps=50, seed=0, batch_size=3)
    assert np.abs(samples - x.numpy()).max() < 0.2
    assert target.seen[0][0] < 999


def test_a_sample_does_not_depend_on_its_batch(known_target):
    target = known_target(lambda z, t: torch.tanh(z.cumsum(-1)))
    like = torch.zeros(1, 1, 4, 4)
    whole, parts = (draw_samples(target, like, 7, 5, 0, size) for size in (7, 2))
    np.testing.assert_allclose(whole, parts, atol=1e-5)
    assert not np.allclose(whole[0], whole[1])
    assert np.abs(whole).max() <= 1


def test_the_gallery_puts_samples_beside_members_and_images_beside_their_reconstructions(
    known_target, tmp_path
):
    frame = make_split([f"{i:064x}" for i in range(60)], 25, calibration=0.4, seed=0)
    split = Split(tmp_path / "s.parquet", *(frame[name].to_numpy() for name in frame.columns))
    images = RNG.uniform(-1, 1, size=(60, 1, 4, 4)).astype(np.float32)
    copied = split.member_ids[[3, 9]]
    drawn = np.concatenate([images[copied] + 0.001, RNG.uniform(-1, 1, size=(12, 1, 4, 4))]).astype(
        np.float32
    )
    target = known_target(lambda z, t: z)
    target.encode, target.decode = lambda x: x / 2, lambda z: z + 0.25
    found = gallery(target, images, split, drawn, True, torch.device("cpu"))
    assert found["member_id"][:2].tolist() == copied.tolist()
    np.testing.assert_allclose(found["distance"][:2], 0.004, rtol=1e-3)
    assert found["drawn"].shape == found["nearest"].shape == (SHOWN, 1, 4, 4)
    np.testing.assert_array_equal(found["heldout"], images[split.sample_id[~split.is_member][:SHOWN]])
    np.testing.assert_allclose(found["members_reconstructed"], found["members"] / 2 + 0.25, rtol=1e-5)
    pixels = gallery(target, images, split, drawn, False, torch.device("cpu"))
    assert set(pixels) == {"drawn", "nearest", "member_id", "distance"}


@pytest.fixture(params=["classifier", "pca"])
def judged(request, tmp_path, monkeypatch):
    """A quality job, done in a folder of its own; samples, members and held-out images differ in number."""
    monkeypatch.chdir(tmp_path)
    recompute._features.cache_clear()  # another folder has the same paths
    job = quality_job("t", "s", "d", QualityKnobs(samples=50), EvaluationKnobs(bootstrap=100))
    images = np.random.default_rng(1).uniform(-1, 1, (140, 1, 4, 4)).astype(np.float32)
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype(np.int64).tolist()
    store("d", images, labels if request.param == "classifier" else None)
    save_array(job.input("samples"), images[:50] / 2)
    frame = make_split([f"{i:064x}" for i in range(140)], 60, calibration=0.4, seed=3)
    write_split(job.input("split"), frame)
    job.do()
    assert read_json(job.output("quality"))["features"] == request.param
    return job


def test_every_distance_says_by_which_features(judged):
    content = read_json(judged.output("quality"))
    words = f"in {DESCRIBED[content['features']]}"
    assert {name: content["frechet"][name]["unit"] for name in DISTANCES} == dict.fromkeys(DISTANCES, words)
    units = {row["metric"]: row["unit"] for row in ledger([judged.output("quality")]).values()}
    assert units == {**dict.fromkeys(DISTANCES, words), "images": "images"}


def test_distances_are_found_again_from_samples_and_images(judged):
    reported = read_json(judged.output("quality"))["frechet"]
    found = frechet_distances(judged)
    assert found.keys() == DISTANCES.keys()
    assert found == pytest.approx({name: reported[name]["value"] for name in found}, rel=1e-6)
    assert found["to_members"] > 0.1


def test_unused_images_change_no_distance(judged):
    """Whatever they show, and though nobody knows their label."""
    before, split = read_json(judged.output("quality")), pd.read_parquet(judged.input("split"))
    images = np.random.default_rng(1).uniform(-1, 1, (140, 1, 4, 4)).astype(np.float32)
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype(np.int64).tolist()
    labels = labels if before["features"] == "classifier" else [None] * 140
    store("d", np.concatenate([images, np.ones((9, 1, 4, 4), np.float32)]), [*labels, *[None] * 9])
    unused = pd.DataFrame({"sample_id": range(140, 149), "role": "unused", "sha256": "0"})
    write_split(judged.input("split"), pd.concat([split, unused]))
    judged.do()
    assert read_json(judged.output("quality")) == before
    found = frechet_distances(judged)
    assert found == pytest.approx({name: before["frechet"][name]["value"] for name in found}, rel=1e-6)


def test_a_distance_that_is_missing_is_named_and_the_others_are_found_again(judged):
    stamps.write([judged])
    write_record(stamps.read_job(judged.name), ["simaudit", "run", judged.name], {})
    (record,) = read_records().values()
    assert list(distances([record])) == []
    file, content = judged.output("quality"), read_json(judged.output("quality"))
    content["frechet"]["to_membes"] = content["frechet"].pop("to_members")
    content["frechet"]["to_heldout"]["value"] += 1.0
    write_json(file, content)
    assert [found.where for found in distances([record])] == [
        f"{name} in {file}" for name in ("to_members", "to_heldout")
    ]
