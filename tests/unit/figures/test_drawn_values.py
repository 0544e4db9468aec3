"""What is drawn, read back from the axes of every figure, is what its table says: no mark more, and none less."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection
from matplotlib.colors import same_color
from matplotlib.image import AxesImage
from matplotlib.patches import StepPatch

from simaudit.figures import style
from simaudit.figures.figure import figure_types
from simaudit.figures.legend import look


def lines(axis, marked=None):
    """The points (x, y) of every line with a marker, or of every one without; levels and axes are none."""
    return [
        line
        for line in axis.lines
        if line.get_transform() == axis.transData
        and (marked is None or (line.get_marker() not in ("None", "", None)) == marked)
    ]


def points(found):
    """The finite points of lines, as a set."""
    pairs = np.concatenate([np.column_stack([line.get_xdata(), line.get_ydata()]) for line in found] or [[]])
    return rounded(pairs.reshape(-1, 2).astype(float))


def rounded(pairs):
    pairs = np.asarray(pairs, dtype=float)
    return {tuple(float(f"{part:.9g}") for part in pair) for pair in pairs[np.isfinite(pairs).all(1)]}


def bars(axis):
    """Both ends of every error bar."""
    segments = [s for c in axis.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    return rounded(np.concatenate(segments)) if segments else set()


def bands(axis):
    """The corners of every band, but not those that close it."""
    paths = [c.get_paths()[0].vertices for c in axis.collections if isinstance(c, FillBetweenPolyCollection)]
    return rounded(np.concatenate(paths)) if paths else set()


def scattered(axis):
    return rounded(
        np.concatenate([c.get_offsets() for c in axis.collections if isinstance(c, PathCollection)])
    )


def of(values, x, *ys):
    return set().union(*(rounded(values[[x, y]].astype(float)) for y in ys))


def metrics_over_time(axes, values):
    for axis, (_, rows) in zip(axes, values.groupby("metric", sort=False), strict=True):
        timed = rows[rows.timestep.notna()]
        assert points(lines(axis)) == of(timed, "timestep", "value")
        assert bands(axis) == of(timed[timed.has_band.astype(bool)], "timestep", "low", "high")
        (blind,) = (line for line in axis.lines if line.get_label() == "Blind")
        assert {*blind.get_ydata()} == {*rows.value[rows.attack == "blind"]}


def roc_loglog(axes, values):
    (axis,) = axes
    curves = [line for line in axis.lines if line.get_drawstyle() == "steps-post"]
    assert points(curves) == of(values, "fpr", "tpr")
    assert len(curves) == values.attack.nunique()


def statistic_histogram(axes, values):
    for axis, (_, panel) in zip(axes, values.groupby("attack", sort=False), strict=True):
        steps = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
        for step, (role, bins) in zip(steps, panel.groupby("role", sort=False), strict=True):
            assert same_color(step.get_facecolor()[:3], style.ROLE_COLOURS[role])
            assert step.get_data().values.tolist() == bins.density.tolist()
            assert step.get_data().edges.tolist() == [*bins["from"], bins["to"].iloc[-1]]
        (threshold,) = (line for line in axis.lines if line.get_label() == "threshold")
        assert threshold.get_xdata()[0] == panel.threshold.iloc[0]
        assert f"AUC {panel.auc.iloc[0]:.3f}" in axis.get_title(loc="left")


def statistic_over_time(axes, values):
    for axis, (_, panel) in zip(axes, values.groupby("attack", sort=False), strict=True):
        assert points(lines(axis)) == of(panel, "timestep", "mean")
        assert bands(axis) == of(panel, "timestep", "q25", "q75", "mean_low", "mean_high")
        (chosen,) = (line for line in axis.lines if line.get_label() == "selected")
        assert {*chosen.get_xdata()} == {*panel.timestep[panel.selected]}


def norms(axes, values):
    assert points(lines(axes[0])) == of(values, "timestep", "auc")
    assert bands(axes[0]) == of(values, "timestep", "auc_low", "auc_high")


def queries(axes, values):
    taken = values[values["spent"] == values.queries]
    assert points(lines(axes[0])) == of(values, "at", "auc")
    assert points(lines(axes[0], marked=True)) == of(taken, "at", "auc")
    assert bars(axes[0]) == of(taken, "at", "auc_low", "auc_high")
    assert (values["at"] / values.queries).between(1 / 1.25, 1.25).all()


def set_p_values(axes, values):
    shown = values.assign(**{name: values[name].clip(lower=1e-12) for name in values.columns[2:]})
    middle, *ends = shown.columns[2:]
    assert points(lines(axes[0])) == of(shown, "members", middle)
    assert bands(axes[0]) == of(shown, "members", *ends)


def nearest_member(axes, values):
    assert scattered(axes[0]) == of(values, "distance", "statistic")


def complexity(axes, values):
    assert scattered(axes[0]) == of(values, "predicted", "log_statistic")
    edges = axes[1].patches[0].get_data().edges
    for step, role in zip(axes[1].patches, style.ROLE_COLOURS, strict=True):
        rows = values.difference[values.role == role]
        counted = step.get_data().values * len(rows) * np.diff(edges)
        np.testing.assert_allclose(counted, np.histogram(rows, edges)[0])


def pictured(axes, values):
    shown = [axis for axis in axes if axis.images]
    assert len(shown) == len(values)
    sizes = [axis.images[0].get_array().shape[:2] for axis in shown]
    assert sizes == list(zip(values.height, values.width, strict=True))


def against_reference(axes, values):
    """The last panel repeats the better half of the first one, all of which it has room for."""
    by_metric = [rows for _, rows in values.groupby("metric", sort=False)]
    for axis, rows in zip(axes[:3], by_metric, strict=True):
        marks = [line for line in axis.lines if line.get_marker() not in ("None", "")]
        assert points(marks) == of(rows, "x", "y")
        across = rounded(np.concatenate([rows[[x, "y"]] for x in ("x_low", "x_high")]))
        assert bars(axis) == across | of(rows, "x", "y_low", "y_high")


def closed_form_field(axes, values):
    timesteps = list(values.timestep.unique())
    for row in (0, 1):
        for axis, timestep in zip(axes[3 * row : 3 * row + 3], timesteps, strict=True):
            at = values[values.timestep == timestep]
            assert points(lines(axis, marked=True)) == of(at[at.kind == "member"], "x", "y")
    for axis, timestep in zip(axes[:3], timesteps, strict=True):
        (image,) = (child for child in axis.get_children() if isinstance(child, AxesImage))
        density = values.log_density[(values.timestep == timestep) & (values.kind == "density")]
        assert image.get_array().ravel().tolist() == density.tolist()
    assert len({axis.images[0].get_clim() for axis in axes[:3]}) == 1
    for axis, timestep in zip(axes[3:6], timesteps, strict=True):
        arrows = values[(values.timestep == timestep) & (values.kind == "arrow")]
        (quiver,) = (child for child in axis.collections)
        assert rounded(quiver.get_offsets()) == of(arrows, "x", "y")
        assert quiver.get_array().tolist() == arrows.norm.tolist()
        np.testing.assert_allclose(np.arctan2(quiver.V, quiver.U), np.arctan2(arrows.score_y, arrows.score_x))


def closed_form_line(axes, values):
    """Every x that the table calls a member is shaded, and no other x of the table."""
    grid = values[values.kind == "grid"]
    for axis, column in zip(axes, ("log_density", "score", "norm"), strict=True):
        assert points(lines(axis)) == of(values, "x", column)
        spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axis.patches]
        shaded = [any(low <= x <= high for low, high in spans) for x in grid.x]
        assert shaded == grid.called_member.tolist()
        assert all(low < high for low, high in spans)  # as wide as can be seen
    (threshold,) = (line for line in axes[-1].lines if line.get_label() == "threshold")
    assert threshold.get_ydata()[0] == values.threshold.iloc[0]


def forest(axes, values):
    (axis,) = axes
    marks = [line for line in axis.lines if line.get_transform() == axis.transData]
    dots = {line.get_xdata()[0] for line in marks if line.get_marker() not in ("x", "None")}
    assert dots == {*values.value}
    (blind,) = (line for line in marks if line.get_marker() == "x")
    assert blind.get_xdata().tolist() == values.blind.tolist()
    assert {x for x, _ in bars(axis)} == {x for x, _ in of(values, "low", "high")} | {
        x for x, _ in of(values, "high", "low")
    }
    # Whole, since they are short.
    assert [text.get_text() for text in axis.get_yticklabels()] == [*values.target]
    assert [text.get_text() for text in axis.get_yticklabels(minor=True)] == [
        look(attack).name for attack in values.attack
    ]


def mean_ranks(axes, values):
    for axis, (_, rows) in zip(axes, values.groupby(["source", "metric"], sort=False), strict=True):
        marks = [line for line in axis.lines if line.get_marker() != "None"]
        assert sorted(line.get_xdata()[0] for line in marks) == sorted(rows.value)
        named = {text.get_text() for text in axis.texts}
        assert all(any(f"{value:.2f}" in name for name in named) for value in rows.value)


def over_beta(axes, values):
    betas = sorted(values.beta.dropna().unique())
    metrics = ("sima", "reconstruction", "frechet")
    panels = [values[values.metric == metric] for metric in metrics if (values.metric == metric).any()]
    for axis, rows in zip(axes, panels, strict=True):
        mean, seeds = (rows[rows.kind == kind] for kind in ("mean", "seeds"))
        found = points(lines(axis, marked=True))
        assert {y for _, y in found} == {y for _, y in of(mean, "beta", "value")}
        assert {betas[round(x)] for x, _ in found} == {*mean.beta}
        ends = {y for _, y in of(mean, "beta", "low", "high") | of(seeds, "beta", "low", "high")}
        assert {y for _, y in bars(axis)} == ends


def over_epochs(axes, values):
    assert points(lines(axes[0], marked=True)) == of(values, "epoch", "value")
    assert bars(axes[0]) == of(values, "epoch", "low", "high")


def published_beside(axes, values):
    for axis, (_, rows) in zip(axes, values.groupby("panel", sort=False), strict=True):
        found = points(lines(axis, marked=True))
        assert sorted(x for x, _ in found) == sorted(float(f"{value:.9g}") for value in rows.value)
        places = {of: place for place, of in enumerate(rows["of"].unique()[::-1])}
        at = {(float(f"{row.value:.9g}"), places[row.of]) for row in rows.itertuples()}
        assert {(x, round(y)) for x, y in found} == at
        ends = {float(f"{end:.9g}") for end in pd.concat([rows.low, rows.high]).dropna()}
        assert {x for x, _ in bars(axis)} == ends


READERS = {name: globals().get(name, pictured) for name in figure_types()}


def test_every_figure_but_those_of_pictures_has_a_reader_of_its_own():
    assert {name for name, reader in READERS.items() if reader is pictured} == {"samples", "nearest_pairs"}


@pytest.mark.parametrize("name", figure_types())
def test_the_picture_shows_what_its_table_says(name, drawn):
    READERS[name](drawn(name).picture.axes, drawn(name).values)
