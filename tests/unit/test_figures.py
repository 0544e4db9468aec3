"""The figures: drawn from files alone, the same bytes every time, nothing missing from the picture."""

import numpy as np
import pytest

from simaudit.evaluation.evaluate import BLIND
from simaudit.figures import figure_types, style


@pytest.fixture
def results(audit):
    audit.blind()
    return audit.evaluate(
        "target", {"loss": 1, "sima": 2, "untimed": 1}, untimed={(None, "all"): audit.telling(1)}
    )


@pytest.mark.parametrize("name", figure_types())
def test_the_same_results_gives_the_same_bytes(results, tmp_path, name):
    for suffix in ("pdf", "png"):
        paths = [tmp_path / f"{copy}.{suffix}" for copy in (1, 2)]
        for path in paths:
            style.save(figure_types()[name]().draw(results), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert paths[0].stat().st_size > 5000


def test_the_curves_show_the_evaluation_fold_and_mark_the_selected_timestep(results):
    figure = figure_types()["metrics_over_time"]().draw(results)
    assert [axis.get_ylabel() for axis in figure.axes] == ["AUC", "TPR at 1 % FPR †", "ASR"]
    for axis, metric in zip(figure.axes, ("auc", "tpr_at_1pct_fpr", "asr"), strict=True):
        curves = {
            line.get_label().split()[0]: line
            for line in axis.lines
            if not line.get_label().startswith(("_", "Blind"))
        }
        markers = [line for line in axis.lines if line.get_marker() == "o"]
        assert set(curves) == {"SimA", "Loss"}  # an attack without timesteps is no curve
        table = results.table[(results.table.attack == "sima") & (results.table.fold == "evaluation")]
        np.testing.assert_allclose(curves["SimA"].get_ydata(), table[metric])
        chosen = table[table.selected].iloc[0]
        assert (chosen.timestep, chosen[metric]) in [(m.get_xdata()[0], m.get_ydata()[0]) for m in markers]


def test_over_log_snr_the_curves_run_from_much_noise_to_little(results):
    table = results.table
    vars(results)["table"] = table.assign(log_snr=5 - table.timestep.astype(float) / 10)
    figure = figure_types()["metrics_over_time"](over="log_snr").draw(results)
    (curve,) = (line for line in figure.axes[0].lines if line.get_label().startswith("SimA"))
    assert curve.get_xdata().tolist() == [2.0, 3.0, 4.0]
    assert "alpha" in figure.axes[-1].get_xlabel()


def test_the_histogram_has_a_panel_an_attack_and_both_roles(results):
    figure = figure_types()["statistic_histogram"]().draw(results)
    assert len(figure.axes) == 3
    for axis in figure.axes:
        areas = [
            (patch.get_data().values * np.diff(patch.get_data().edges)).sum()
            for patch in axis.patches
            if hasattr(patch, "get_data")
        ]
        assert len(areas) == 2
        assert all(0.8 < area <= 1 + 1e-9 for area in areas)  # densities, a few outliers beyond the axis


def test_the_roc_axes_are_logarithmic_and_start_at_one_false_positive(results):
    (axis,) = figure_types()["roc_loglog"]().draw(results).axes
    heldout = int(results.table[results.table.fold == "evaluation"].heldout.iloc[0])
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert axis.get_xlim()[0] == pytest.approx(1 / heldout)
    assert [text.get_text().split()[0] for text in axis.get_legend().get_texts()] == [
        "SimA",
        "Loss",
        "Blind",
        "untimed",
    ]


def test_the_roc_is_grey_where_fewer_than_ten_false_positives_are_allowed(results):
    (axis,) = figure_types()["roc_loglog"]().draw(results).axes
    (grey,) = axis.patches
    assert grey.get_x() + grey.get_width() == pytest.approx(10 / results.selected.roc("sima").heldout)


def test_every_panel_has_bands_and_the_line_of_the_blind_classifiers(results):
    figure = figure_types()["metrics_over_time"]().draw(results)
    blind = results.selected.roc(BLIND)
    for axis, expected in zip(figure.axes, (blind.auc, None, blind.asr), strict=True):
        assert len(axis.collections) == 2
        (line,) = (line for line in axis.lines if line.get_label() == "Blind")
        assert expected is None or line.get_ydata()[0] == expected
    table = results.table[(results.table.attack == "sima") & (results.table.fold == "evaluation")]
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {*table.auc_low, *table.auc_high} <= {*band[:, 1]}


def test_a_tail_too_small_is_marked_on_the_picture(results):
    marked = figure_types()["metrics_over_time"]().draw(results)
    assert marked.axes[1].get_ylabel().endswith("†")
    assert "†" in marked.axes[2].get_xlabel()
    assert marked.get_suptitle() == ""


def test_a_shifted_split_is_marked_on_every_picture(audit):
    audit.blind(2)
    shifted = audit.evaluate("target", {"sima": 2})
    for drawing in figure_types().values():
        assert "shifted split" in drawing().draw(shifted).get_suptitle()


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
