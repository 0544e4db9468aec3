"""The closed form that is drawn: a mixture of normals around the members, held against other ways to compute it."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from simaudit.data.split import Split, make_split
from simaudit.targets import closed_form as closed_form_module
from simaudit.targets.closed_form import REACH, along_line, closed_form, over_field, project
from simaudit.training.knobs import Schedule

SCHEDULE = Schedule().noise()
MEMBERS = np.array([[-0.8, 0.1], [0.2, 0.3], [0.9, -0.5]])


@pytest.fixture
def split(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(60)], 20, calibration=0.5, seed=1)
    return Split(tmp_path / "s.parquet", *(frame[name].to_numpy() for name in frame.columns))


def log_density(points, timestep):
    """By scipy: the mean of the normal densities around the diffused members."""
    alpha_bar = float(SCHEDULE.signals[timestep]) ** 2
    normals = [multivariate_normal(np.sqrt(alpha_bar) * x, (1 - alpha_bar) * np.eye(2)) for x in MEMBERS]
    return np.log(np.mean([normal.pdf(points) for normal in normals], axis=0))


@pytest.mark.parametrize("timestep", [50, 400])
def test_density_and_score_are_those_of_the_mixture(timestep):
    points = np.random.default_rng(0).uniform(-1, 1, size=(20, 2))
    found = closed_form(points, MEMBERS, timestep, SCHEDULE)
    np.testing.assert_allclose(found.log_density, log_density(points, timestep), rtol=1e-9)
    step = 1e-5
    for axis in range(2):
        shift = step * np.eye(2)[axis]
        slope = (log_density(points + shift, timestep) - log_density(points - shift, timestep)) / (2 * step)
        np.testing.assert_allclose(found[f"score{axis}"], slope, rtol=1e-4, atol=1e-5)
    sigma = np.sqrt(1 - float(SCHEDULE.signals[timestep]) ** 2)
    np.testing.assert_allclose(found.norm, sigma * np.hypot(found.score0, found.score1), rtol=1e-9)


def test_early_on_the_norm_at_a_member_is_next_to_nothing():
    norms = closed_form(MEMBERS, MEMBERS, 10, SCHEDULE).norm
    between = closed_form(np.array([[-0.3, 0.2]]), MEMBERS, 10, SCHEDULE).norm
    assert norms.max() < 0.05 * between.item()


def test_the_line_holds_the_first_members_and_held_out_samples_within_its_reach(split):
    images = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    line = along_line(images, split, 6, 20, SCHEDULE)
    assert line.groupby("kind").size().drop("grid").to_dict() == {"heldout": 6, "member": 6}
    members = line.x[line.kind == "member"]
    assert (members.min(), members.max()) == pytest.approx((-1, 1))
    assert line.x.abs().max() <= REACH
    # The first principal component, by the singular value decomposition of the members.
    inside = images[split.member_ids].reshape(20, -1).astype(float)
    component = np.linalg.svd(inside - inside.mean(axis=0))[2][0]
    expected = (inside - inside.mean(axis=0))[:6] @ component
    found = line.x[line.kind == "member"].to_numpy()
    assert abs(np.corrcoef(expected, found)[0, 1]) == pytest.approx(1)
    away = np.abs(expected - expected[0]) / np.ptp(expected) * 2
    np.testing.assert_allclose(away, np.abs(found - found[0]), rtol=1e-6)


def test_no_more_members_than_stated_are_read_and_held_out_samples_come_by_blocks(split, monkeypatch):
    stored = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    every = project(stored, split, 5, 2)
    monkeypatch.setattr(closed_form_module, "BLOCK", 7)
    np.testing.assert_allclose(project(stored, split, 5, 2)[1], every[1], atol=1e-12)
    monkeypatch.setattr(closed_form_module, "MEMBERS", 10)
    inside, outside = project(stored, split, 5, 2)
    stored[split.member_ids[10:]] = np.nan  # nobody looks at them
    np.testing.assert_array_equal(project(stored, split, 5, 2)[0], inside)
    first = stored[split.member_ids[:10]].reshape(10, -1).astype(float)
    axes = np.linalg.svd(first - first.mean(axis=0))[2][:2]
    points = (first - first.mean(axis=0))[:5] @ axes.T
    np.testing.assert_allclose(
        np.ptp(points, axis=0) / np.ptp(points, axis=0).max() * 2, np.ptp(inside, axis=0)
    )
    away = np.abs(points - points[0]) / np.ptp(points, axis=0).max() * 2
    np.testing.assert_allclose(away, np.abs(inside - inside[0]), atol=1e-6)
    assert len(inside) == len(outside) == 5


def test_the_line_has_every_point_at_which_the_score_vanishes(split):
    """Between two members that is for less than a step of the line, where a grid alone misses it."""
    images = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    line = along_line(images, split, 2, 20, SCHEDULE)
    grid = line[line.kind == "grid"]
    assert grid.x.is_monotonic_increasing
    vanishing = grid[grid.norm < 1e-6]
    signal = float(SCHEDULE.signals[20])
    np.testing.assert_allclose(vanishing.x, [-signal, 0, signal], atol=1e-9)
    assert len(grid) <= 601 + len(vanishing)


def test_members_that_are_one_image_lie_at_one_point(split):
    images = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    images[split.member_ids[:3]] = images[split.member_ids[0]]
    assert (project(images, split, 3, 2)[0] == 0).all()


def test_more_members_than_stated_that_are_shown_are_read_all_the_same(split, monkeypatch):
    monkeypatch.setattr(closed_form_module, "MEMBERS", 3)
    images = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    assert project(images, split, 6, 1)[0].shape == (6, 1)


def test_the_field_has_every_timestep_on_the_same_points(split):
    images = np.random.default_rng(3).normal(size=(60, 1, 3, 3)).astype(np.float32)
    field = over_field(images, split, 7, (10, 50, 500), SCHEDULE)
    assert set(field.timestep) == {10, 50, 500}
    sizes = field.groupby(["timestep", "kind"]).size().unstack()
    assert (sizes.member == 7).all()
    assert sizes.density.nunique() == sizes.arrow.nunique() == 1
    late = field[(field.timestep == 500) & (field.kind == "density")]
    assert late.log_density.max() - late.log_density.min() < 3  # one broad hill
