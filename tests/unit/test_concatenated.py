"""Several sources as one dataset: where each image comes from is kept, and each source is part of the job."""

from pathlib import Path

import numpy as np
import pytest
from planning import SMALL, lines_of
from preparing import assert_prepare_refuses, prepared, source

from simaudit.data.jobs import prepare_job
from simaudit.plan.jobs import jobs
from simaudit.plan.load import parse
from simaudit.provenance.stamps import Stamp, read_job, write
from simaudit.storage.yaml import parse_yaml
from simaudit.vocabulary.errors import SimauditError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 4, 4), dtype=np.uint8)
OF = {
    "ours": {"source": "array", "path": "ours.npy", "layout": "NHW"},
    "digits": {"source": "array", "path": "digits.npz", "layout": "NHW", "images": "x", "labels": "y"},
}


@pytest.fixture(autouse=True)
def given(here):
    np.save("ours.npy", IMAGES[:4])
    np.savez("digits.npz", x=IMAGES[4:], y=[7, 8, 9])


def test_sources_follow_each_other_by_name_and_keep_their_own_labels():
    _, items = prepared("concatenated", of=OF)
    assert np.array_equal(np.load("data/prepared/d/images.npy")[:, 0], IMAGES[[4, 5, 6, 0, 1, 2, 3]])
    assert items.origin.tolist() == ["digits"] * 3 + ["ours"] * 4
    assert items.label[:3].tolist() == [7, 8, 9]
    assert items.label[3:].isna().all()
    assert items.file.tolist() == [*(f"digits/{n}" for n in range(3)), *(f"ours/{n}" for n in range(4))]


def test_files_and_origins_of_a_source_are_under_its_name():
    photos = {"source": "photos", "side": 32, "reduction": 8}
    _, items = prepared(
        "concatenated", of={"b": {"source": "concatenated", "of": {"c": photos}}, "a": photos}
    )
    assert items.origin.tolist() == ["a"] * 4 + ["b"] * 4
    assert items.file.tolist() == [*(f"a/{n}" for n in range(4)), *(f"b/c/{n}" for n in range(4))]


def test_every_source_is_part_of_the_job():
    job = prepare_job("d", source("concatenated", of={**OF, "more": {"source": "photos"}}))
    names = ("concatenated", "array", "photos")
    assert sorted(job.plugins) == sorted(f"simaudit.data.sources.{name}" for name in names)
    assert job.given == (Path("ours.npy"), Path("digits.npz"))
    code = Stamp.of(job).code
    assert {f"simaudit.data.sources.{name}" for name in ("array", "photos", "_rows")} <= set(code)


def test_a_stamp_gives_the_job_that_it_was_written_of():
    job = prepare_job("d", source("concatenated", of=OF))
    write([job])
    read = read_job("prepare/d")
    assert read.params == job.params
    read.do()
    assert len(np.load("data/prepared/d/images.npy")) == 7


def test_a_change_of_one_source_changes_the_job():
    def identity():
        return Stamp.of(prepare_job("d", source("concatenated", of=OF))).identity

    before = identity()
    np.save("ours.npy", IMAGES[:3])
    assert identity() != before


def test_images_of_different_shapes_are_named_by_their_source():
    np.save("ours.npy", RNG.integers(0, 256, (2, 5, 4), dtype=np.uint8))
    with pytest.raises(
        SimauditError, match=r"2 images cannot be used: ours/0, ours/1: each has 1 channel of 5×4 pixels"
    ):
        prepared("concatenated", of=OF)


def test_an_image_that_cannot_be_used_is_named_under_its_source():
    np.save("ours.npy", np.array([[[0.0, np.nan], [1.0, 0.5]]]))
    with pytest.raises(SimauditError, match=r"1 image cannot be used: ours/image 0 has the value nan"):
        prepared("concatenated", of={"ours": {**OF["ours"], "range": [0, 1]}})


def test_the_job_names_the_key_of_the_source_that_is_wrong():
    wrong = {**OF, "ours": {**OF["ours"], "layout": "NHWC"}}
    words = "params.yaml: datasets.d: of.ours: ours.npy: has shape (4, 4, 4)"
    assert_prepare_refuses("concatenated", {"of": wrong}, words, "state layout: NHW")


def test_a_damaged_file_of_a_source_is_named_alone():
    Path("ours.npy").write_bytes(b"")
    with pytest.raises(SimauditError, match=r"^ours\.npy: not a NumPy file"):
        prepared("concatenated", of=OF)


def params(of):
    values = parse_yaml(SMALL, "params.yaml")
    values["datasets"] = {"digits": {"source": "concatenated", "of": of}}
    return parse([(Path("params.yaml"), values)])


def test_an_entry_is_planned_as_any_other():
    planned = {job.name: job for job in jobs(params(OF))}
    assert planned["prepare/digits"].params["of"]["ours"]["path"] == "ours.npy"


@pytest.mark.parametrize(
    ("of", "line"),
    [
        ({"a": {"source": "photos", "side": 33}}, "of.a.side: must be less than or equal to 32 (got 33)"),
        ({"a": {"source": "photo"}}, "of.a.source: must be one of 'array', "),
        ({"a": {"path": "x.npy"}}, "of.a.source: missing; add it"),
        (
            {"a": {"source": "photos", "like": "b"}},
            "of.a.like: unknown key; remove it or correct its spelling",
        ),
        ({"a": {**OF["ours"], "layout": "HWC"}}, "of.a.layout: must be 'NHWC', 'NCHW' or 'NHW' (got 'HWC')"),
        ({"a": {"source": "idx"}}, "of.a.path: missing; add it"),
        ({"a": "photos"}, "of.a: must be a mapping of keys to values (got 'photos')"),
        ({"a": None}, "of.a: must be a mapping of keys to values (got None)"),
        ({"A b": {"source": "photos"}}, "of.A b: must match "),
        ({}, "of: must have 1 or more"),
        (["photos"], "of: must be a mapping of keys to values"),
    ],
)
def test_a_mistake_inside_an_entry_is_one_line_with_its_key(of, line):
    [found] = lines_of(params, of)
    assert found.startswith(f"params.yaml: datasets.digits.{line}")
