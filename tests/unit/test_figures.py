"""The figures: drawn from files alone, the same bytes every time, nothing missing from the picture."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simaudit.evaluation.evaluate import SCHEMA, evaluate
from simaudit.figures import Evidence, figure_types, style
from simaudit.scores import Column, Scores, ScoreWriter


@pytest.fixture
def evidence(tmp_path, split):
    rng = np.random.default_rng(0)
    files = []
    for attack, columns in {
        "loss": [Column(t, "n=1", 1) for t in (10, 20, 30)],
        "sima": [Column(t, "raw,l4", 1) for t in (0, 10, 20)],
        "untimed": [Column(None, "all", 9)],
    }.items():
        path = tmp_path / f"{attack}.parquet"
        with ScoreWriter(path, {"attack": attack, "member_when": "low"}) as writer:
            values = rng.normal(size=(len(columns), 24)) - 2 * split.is_member
            writer.write(columns, split, slice(0, 24), values)
        files.append(path)
    table = evaluate([Scores.read(path) for path in files])
    pq.write_table(pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False), tmp_path / "e.parquet")
    return Evidence.read("target", tmp_path / "e.parquet", files)


@pytest.mark.parametrize("name", figure_types())
def test_the_same_evidence_gives_the_same_bytes(evidence, tmp_path, name):
    for suffix in ("pdf", "png"):
        paths = [tmp_path / f"{copy}.{suffix}" for copy in (1, 2)]
        for path in paths:
            style.save(figure_types()[name]().draw(evidence), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert paths[0].stat().st_size > 5000


def test_the_curves_show_the_evaluation_fold_and_mark_the_selected_timestep(evidence):
    figure = figure_types()["metrics_over_time"]().draw(evidence)
    assert [axis.get_ylabel() for axis in figure.axes] == ["AUC", "TPR at 1 % FPR", "ASR"]
    for axis, metric in zip(figure.axes, ("auc", "tpr_at_1pct_fpr", "asr"), strict=True):
        curves = {
            line.get_label().split()[0]: line for line in axis.lines if not line.get_label().startswith("_")
        }
        markers = [line for line in axis.lines if line.get_marker() == "o"]
        assert set(curves) == {"SimA", "Loss"}  # an attack without timesteps is no curve
        table = evidence.table[(evidence.table.attack == "sima") & (evidence.table.fold == "evaluation")]
        np.testing.assert_allclose(curves["SimA"].get_ydata(), table[metric])
        chosen = table[table.selected].iloc[0]
        assert (chosen.timestep, chosen[metric]) in [(m.get_xdata()[0], m.get_ydata()[0]) for m in markers]


def test_the_histogram_has_a_panel_an_attack_and_both_roles(evidence):
    figure = figure_types()["statistic_histogram"]().draw(evidence)
    assert len(figure.axes) == 3
    for axis in figure.axes:
        areas = [
            (patch.get_data().values * np.diff(patch.get_data().edges)).sum()
            for patch in axis.patches
            if hasattr(patch, "get_data")
        ]
        assert len(areas) == 2
        assert all(0.8 < area <= 1 + 1e-9 for area in areas)  # densities, a few outliers beyond the axis


def test_the_roc_axes_are_logarithmic_and_start_at_one_false_positive(evidence):
    (axis,) = figure_types()["roc_loglog"]().draw(evidence).axes
    heldout = int(evidence.table[evidence.table.fold == "evaluation"].heldout.iloc[0])
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert axis.get_xlim()[0] == pytest.approx(1 / heldout)
    assert [text.get_text().split()[0] for text in axis.get_legend().get_texts()] == [
        "SimA",
        "Loss",
        "untimed",
    ]


def test_a_selection_is_the_selected_statistic_on_the_evaluation_fold(evidence, split):
    selection = next(s for s in evidence.selections() if s.attack == "sima")
    frame = pd.read_parquet(evidence.score_files["sima"])
    expected = frame[(frame.timestep == selection.timestep) & (frame.fold == "evaluation")].sort_values(
        "sample_id"
    )
    np.testing.assert_array_equal(selection.statistic, expected.statistic)
    assert selection.is_member.tolist() == (expected.role == "member").tolist()


def test_every_attack_has_its_own_colour_apart_from_the_roles():
    colours = [
        style.attack_colour(attack) for attack in ("sima", "loss", "pia", "secmi", "sima_av", "sima_mc")
    ]
    assert len({*colours, style.MEMBER_COLOUR, style.HELDOUT_COLOUR}) == len(colours) + 2
    assert style.attack_colour("mine") == style.attack_colour("mine")


@pytest.mark.parametrize(
    ("variant", "timestep", "label"),
    [
        ("raw,l4", 50, r"raw, $\ell_{4}$, $t$ = 50"),
        ("scaled,linf", None, r"scaled, $\ell_{\infty}$"),
        ("n=5", 60, "n=5, $t$ = 60"),
    ],
)
def test_knobs_are_printed_as_the_paper_writes_them(variant, timestep, label):
    assert style.knobs_label(variant, timestep) == label
