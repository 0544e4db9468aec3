"""The figures: drawn from files alone, the same bytes every time, nothing missing from the picture."""

import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from figuring import OF_TARGET, complexity, gallery, raw, results_for, sima
from PIL import Image
from sklearn.metrics import balanced_accuracy_score

from simaudit.attacks.derived.combined import Combined
from simaudit.attacks.derived.complexity import Complexity
from simaudit.attacks.threshold.sima import SimA
from simaudit.cli import simaudit
from simaudit.evaluation.numbers import Ledger, ledger
from simaudit.evaluation.results import Run
from simaudit.figures import style
from simaudit.figures.caption import Caption
from simaudit.figures.drawing import draw
from simaudit.figures.figure import figure_types
from simaudit.figures.jobs import figure_job
from simaudit.figures.legend import look
from simaudit.figures.of_run.mean_ranks import cliques
from simaudit.figures.printed import fill
from simaudit.provenance import stamps
from simaudit.report.jobs import report_job
from simaudit.storage.json import write_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.paths import FIGURE_SUFFIXES
from simaudit.vocabulary.variant import variant_text

AUCS = [0.5, 0.7, 0.9, 0.91, 0.93]
IN_PDF = {"closed_form_field", "roc_loglog", "samples"}
"""Figures of an image and arrows, of curves, and of pictures, whose PDF is compared."""


@pytest.mark.parametrize("name", figure_types())
def test_the_same_results_give_the_same_bytes_and_a_table_of_what_is_plotted(
    name, drawn, shared, tmp_path, monkeypatch
):
    first, again = (
        drawn(name),
        draw(figure_types()[name](), replace(shared[results_for(name)])),
    )
    monkeypatch.setattr(style, "PNG_DPI", 50)  # which takes little time
    written = {}
    for copy, drawing in (("a", first), ("b", again)):
        suffixes = [suffix for suffix in FIGURE_SUFFIXES if suffix != "pdf" or name in IN_PDF]
        drawing.save(tmp_path / f"{copy}.{suffix}" for suffix in suffixes)
        written[copy] = {suffix: (tmp_path / f"{copy}.{suffix}").read_bytes() for suffix in suffixes}
    assert written["a"] == written["b"]
    first.save([tmp_path / "a.pdf"])
    assert all((tmp_path / f"a.{suffix}").stat().st_size > 1000 for suffix in ("pdf", "png"))
    table = pd.read_csv(tmp_path / "a.csv")
    assert len(table) == len(again.values) > 1
    assert list(table.columns) == list(again.values.columns)


@pytest.mark.parametrize("name", figure_types())
def test_the_picture_sees_nothing_but_its_table(name, drawn, shared):
    """Drawn again from the table alone, while the results are away."""
    values = drawn(name).values
    roots = [of.root for of in shared.values()]
    files = [file for root in roots for end in ("parquet", "json", "npz") for file in root.rglob(f"*.{end}")]
    for file in files:
        file.rename(file.with_name(f"{file.name}.away"))
    try:
        assert figure_types()[name]().draw(values).axes
    finally:
        for file in files:
            file.with_name(f"{file.name}.away").rename(file)


@pytest.mark.parametrize("name", figure_types())
def test_a_drawing_writes_its_caption_and_what_it_says_is_in_the_ledger(
    name, drawn, compared, evaluated, derived, tmp_path
):
    results = derived if name == "complexity" else evaluated
    files = [results.file(file) for file in ("summary", "quality", "sets")]
    numbers = json.loads((compared.root / "numbers.json").read_text()) | ledger(files)
    write_json(tmp_path / "numbers.json", numbers)
    drawn(name).save([tmp_path / "f.json"])
    caption = Caption.read(tmp_path / "f.json")
    mentioned = []
    known = Ledger.read(tmp_path / "numbers.json")
    for text in (caption.sentence, caption.left_out):
        fill(text, known, lambda number, printed: mentioned.append(number) or printed)
    assert set(mentioned) <= set(numbers)
    assert caption.title[0].isupper()
    assert all(caption.reading)
    assert caption.sentence.endswith(".")
    if not name.startswith("closed_form"):
        assert mentioned


def test_the_curves_show_the_evaluation_fold_and_mark_the_selected_timestep(results):
    figure = draw(figure_types()["metrics_over_time"](), results).picture
    assert [axis.get_ylabel() for axis in figure.axes] == ["AUC", "TPR at 1 % FPR †", "balanced accuracy"]
    for axis, metric in zip(figure.axes, ("auc", "tpr_at_1pct_fpr", "balanced_accuracy"), strict=True):
        curves = {
            line.get_label().split()[0]: line
            for line in axis.lines
            if not line.get_label().startswith(("_", "Blind", "chance"))
        }
        markers = [line for line in axis.lines if line.get_markerfacecolor() == "white"]
        assert set(curves) == {"SimA", "Loss"}  # an attack without timesteps is no curve
        table = results.table[(results.table.attack == "sima") & (results.table.fold == "evaluation")]
        chosen = table[table.selected].iloc[0]
        np.testing.assert_allclose(
            curves["SimA"].get_ydata(), table.loc[table.variant == chosen.variant, metric]
        )
        assert (chosen.timestep, chosen[metric]) in [(m.get_xdata()[0], m.get_ydata()[0]) for m in markers]


def test_over_log_snr_the_curves_run_from_much_noise_to_little(results):
    table = results.table
    vars(results)["table"] = table.assign(log_snr=5 - table.timestep.astype(float) / 10)
    figure = draw(figure_types()["metrics_over_time"](over="log_snr"), results).picture
    (curve,) = (line for line in figure.axes[0].lines if line.get_label().startswith("SimA"))
    assert curve.get_xdata().tolist() == [2.0, 3.0, 4.0]
    assert "alpha" in figure.axes[-1].get_xlabel()


def test_the_histogram_has_a_panel_an_attack_and_both_roles(results):
    figure = draw(figure_types()["statistic_histogram"](), results).picture
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
    figure = draw(figure_types()["roc_loglog"](), results).picture
    (axis,) = figure.axes
    heldout = int(results.table[results.table.fold == "evaluation"].heldout.iloc[0])
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert axis.get_xlim()[0] == pytest.approx(1 / heldout)
    names = [text.get_text().split(",")[0] for text in figure.legends[0].get_texts()]
    assert names == ["SimA", "Loss", "Blind", "untimed", "chance"]
    (grey,) = axis.patches
    assert grey.get_x() + grey.get_width() == pytest.approx(10 / heldout)


def test_every_panel_has_bands_and_the_line_of_the_blind_classifiers(results):
    figure = draw(figure_types()["metrics_over_time"](), results).picture
    selected = results.selected
    blind, rows = selected.roc(BLIND), ~selected.is_calibration
    accepted = selected.statistics[BLIND][rows] <= selected.threshold(BLIND)
    accuracy = pytest.approx(balanced_accuracy_score(selected.is_member[rows], accepted))
    for axis, expected in zip(figure.axes, (blind.auc, None, accuracy), strict=True):
        assert len(axis.collections) == 2  # no more attacks than have bands
        (line,) = (line for line in axis.lines if line.get_label() == "Blind")
        assert expected is None or line.get_ydata()[0] == expected
    table = results.table[(results.table.attack == "sima") & (results.table.fold == "evaluation")]
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {*band[:, 1]} <= {*table.auc_low, *table.auc_high}


def test_a_tail_too_small_is_marked_on_the_picture(results):
    marked = draw(figure_types()["metrics_over_time"](), results).picture
    assert marked.axes[1].get_ylabel().endswith("†")
    assert "†" in marked.axes[2].get_xlabel()
    assert marked.get_supxlabel() == ""


def test_a_shifted_split_is_marked_on_every_picture(audit):
    audit.blind(2)
    gallery(audit, "target")
    shifted = audit.evaluate("target", {"sima": 2, "loss": 1}, sima=sima(audit))
    for name in OF_TARGET:
        if name == "complexity":
            shifted, _ = complexity(audit)
        figure = draw(figure_types()[name](), shifted).picture
        assert "shifted split" in figure.get_supxlabel()


def test_the_profile_of_each_side_is_its_mean_and_its_quartiles(results, audit):
    values = figure_types()["statistic_over_time"]().values(results)
    assert set(values.attack) == {"sima", "loss"}
    row = values[(values.attack == "sima") & (values.timestep == 20) & (values.role == "members")].iloc[0]
    assert row.variant == raw(4)
    statistic = sima(audit)[20, raw(4)][audit.split.is_member & ~audit.split.is_calibration]
    heldout = sima(audit)[20, raw(4)][~audit.split.is_member & ~audit.split.is_calibration]
    unit = np.subtract(*np.quantile(heldout, [0.75, 0.25])) / 1.349
    facts = np.array([statistic.mean(), *np.quantile(statistic, [0.25, 0.75])])
    assert (row["mean"], row.q25, row.q75) == pytest.approx((facts - heldout.mean()) / unit, rel=1e-5)
    assert (row.centre, row.unit) == pytest.approx((heldout.mean(), unit), rel=1e-5)
    assert row.samples == len(statistic)


def test_a_timestep_at_which_held_out_samples_are_all_alike_has_no_unit_and_is_left_out(results):
    profiles = results.profiles
    alike = (profiles.timestep == 20) & (profiles.role == "held-out")
    vars(results)["profiles"] = profiles.assign(q25=profiles.q25.where(~alike, profiles.q75))
    values = figure_types()["statistic_over_time"]().values(results)
    assert set(values.timestep) == {10, 30}


def test_an_attack_of_a_single_timestep_has_no_line_and_is_named_where_what_is_absent_stands(audit):
    audit.blind()
    columns = {(20, "v"): audit.telling(1, seed=3)}
    drawing = draw(
        figure_types()["statistic_over_time"](),
        audit.evaluate("target", {"sima": 1, "rediffuse": 1, "pia": 1}, rediffuse=columns, pia=columns),
    )
    assert set(drawing.values.attack) == {"sima"}
    assert drawing.caption.left_out == "it leaves out PIA, ReDiffuse, since a single timestep makes no line"


def test_norms_are_told_apart_and_the_rest_of_the_variant_is_the_chosen_one(audit):
    audit.blind()
    columns = sima(audit) | {(20, raw(4, "scaled")): audit.telling(0.1, seed=5)}
    values = figure_types()["norms"]().values(audit.evaluate("target", {"sima": 1}, sima=columns))
    assert set(values.variant) == {raw(1), raw(4)}
    assert set(values.norm) == {"1", "4"}
    assert values.groupby("norm").auc.mean().idxmax() == "4"
    assert values.groupby("norm").selected_in_variant.sum().tolist() == [1, 1]


def test_each_cost_has_the_knobs_that_calibration_chose_among_those_that_cost_no_more(results):
    table = results.table
    vars(results)["table"] = table.assign(queries=1 + 4 * table.timestep.eq(10).fillna(False))
    values = figure_types()["queries"]().values(results)
    of_sima = values[values.attack == "sima"].set_index("queries")
    assert set(of_sima.index) == {1, 5}
    measured = results.table[(results.table.attack == "sima") & (results.table.fold == "calibration")]
    for queries, row in of_sima.iterrows():
        assert row.auc_calibration == measured[measured.queries <= queries].auc.max()
        assert row.spent <= queries
    assert list(values.attack.unique()) == ["sima", "loss", "untimed"]


@pytest.mark.parametrize(("spent", "labels"), [((1, 2), ["1", "2"]), ((1, 30), ["1", "2", "5", "10", "20"])])
def test_queries_are_labelled_by_plain_numbers(results, spent, labels):
    kind = figure_types()["queries"]()
    values = kind.values(results)
    queries = [spent[place % 2] for place in range(len(values))]
    drawn = values.assign(queries=queries, spent=queries, at=queries)
    [axis] = kind.draw(drawn).axes
    low, high = axis.get_xlim()
    ticks = zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
    assert [label.get_text() for at, label in ticks if low <= at <= high] == labels
    assert not any(label.get_text() for label in axis.get_xticklabels(minor=True))


def test_a_points_distance_and_statistic_are_the_samples_own(results, audit):
    values = figure_types()["nearest_member"]().values(results)
    assert len(values) == (~audit.split.is_calibration).sum()
    row = values.iloc[3]
    at = int(np.flatnonzero(audit.split.sample_id == row.sample_id)[0])
    assert row.statistic == results.selected.statistics["sima"][at]
    assert row.distance == pd.read_parquet(audit.nearest()).distance[at]
    assert (row.role == "members") == audit.split.is_member[at]


def test_the_prediction_is_what_lies_between_log_s_and_what_is_left_of_it(audit):
    audit.blind()
    of, predicted = complexity(audit)
    drawing = draw(figure_types()["complexity"](), of)
    values, rows = drawing.values, ~audit.split.is_calibration
    np.testing.assert_allclose(values.predicted, predicted[rows], atol=1e-5)
    np.testing.assert_allclose(values.log_statistic - values.predicted, values.difference, atol=1e-6)
    assert ((values.role == "members") == audit.split.is_member[rows]).all()
    threshold = of.summary["attacks"]["complexity"]["transferred"]["threshold"]
    called = values.difference <= threshold
    transferred = of.summary["attacks"]["complexity"]["transferred"]
    assert called[values.role == "members"].mean() == pytest.approx(transferred["tpr"]["value"])
    before, after = drawing.picture.axes
    assert [line.get_xy1() for line in before.lines] == [(0, 0), (0, threshold)]
    assert after.lines[0].get_xdata()[0] == threshold


def test_the_figure_of_complexity_reads_the_scores_of_the_attack_and_of_its_base():
    attacks = {"sima": SimA(timesteps=[10]), "complexity": Complexity()}
    figure = figure_types()["complexity"]()
    job = figure_job("net", "complexity", figure, {}, attacks=attacks)
    assert {paths.scores("net", attack) for attack in attacks} < set(job.inputs)
    assert (figure.missing(attacks, False), figure.missing({"sima": None}, False)) == (
        None,
        "needs complexity",
    )


def test_figures_of_one_attack_are_not_drawn_of_a_head_or_of_an_attack_that_takes_all_norms():
    nearest, norms = (figure_types()[name](attack="one") for name in ("nearest_member", "norms"))
    assert nearest.missing({"one": Combined()}, False) == "one is a learned head"
    assert nearest.missing({"one": Complexity()}, False) is None
    assert norms.missing({"one": Complexity()}, False) == "needs one with two norms or more"


def test_the_figure_of_complexity_refuses_an_attack_of_another_kind(audit):
    audit.blind()
    of, _ = complexity(audit)
    figure = figure_types()["complexity"](attack="sima")
    assert figure.missing({"sima": SimA(timesteps=[10])}, False) == "sima is no attack of kind complexity"
    with pytest.raises(SimauditError, match="sima is no attack of kind complexity; name one that is"):
        draw(figure, of)


def test_samples_stand_above_the_members_that_they_are_nearest_to(results):
    drawing = draw(figure_types()["samples"](), results)
    values, figure = drawing.values, drawing.picture
    assert list(values.row.unique()) == ["drawn", "nearest"]
    assert len(figure.axes) == 8
    assert [axis.get_xlabel() for axis in figure.axes[4:]] == ["1.50", "2.00", "0.00", "3.25"]
    np.testing.assert_allclose(
        figure.axes[1].images[0].get_array() / 255,
        (results.gallery["drawn"][1, 0] + 1) / 2,
        atol=0.5 / 255,
    )


def test_the_table_of_samples_has_a_row_per_picture_and_names_files_that_anybody_opens(results, tmp_path):
    figure_types()["samples"]().values(results).to_csv(tmp_path / "f.csv", index=False)
    table = pd.read_csv(tmp_path / "f.csv")
    assert len(table) == 8
    assert table.member_id.dropna().tolist() == [0, 1, 2, 3]
    assert table.distance.dropna().tolist() == [1.5, 2.0, 0.0, 3.25]
    last = table.iloc[-1]
    with Image.open(last.picture) as sheet:
        shown = np.asarray(sheet)[last.y : last.y + last.height, last.x : last.x + last.width]
    np.testing.assert_allclose(shown / 127.5 - 1, results.gallery["nearest"][3, 0], atol=0.5 / 127.5)


def test_the_sentence_of_samples_says_by_which_features(results):
    assert "this target's samples, in components, is [[target.frechet" in figure_types()[
        "samples"
    ]().sentence(results)


def test_pictures_that_are_missing_or_cut_off_are_one_line(results):
    values, path = figure_types()["samples"]().values(results), results.file("sheet")
    path.write_bytes(path.read_bytes()[:-30])
    for words in ("not a whole picture .*; delete it and run again", "missing; make it with: snakemake"):
        with pytest.raises(SimauditError, match=rf"target\.png: {words}"):
            figure_types()["samples"]().draw(values)
        path.unlink(missing_ok=True)


def test_a_latent_target_shows_reconstructions_too(audit):
    audit.blind()
    colours = np.zeros((4, 3, 6, 6), np.float32)
    sides = {f"{side}{what}": colours for side in ("members", "heldout") for what in ("", "_reconstructed")}
    gallery(audit, "target", **sides, drawn=colours, nearest=colours)
    drawing = draw(figure_types()["samples"](), audit.evaluate("target", {"sima": 1}))
    assert drawing.values.row.nunique() == 6
    assert drawing.picture.axes[-1].images[0].get_array().shape == (6, 6, 3)


def test_a_target_is_held_against_its_reference_attack_by_attack(run):
    values = figure_types()["against_reference"]().values(run)
    assert set(values.target) == {"ldm"}
    row = values[(values.metric == "auc") & (values.attack == "sima")].iloc[0]
    assert (row.x, row.y) == (
        run.ledger.numbers["net.sima.auc"].value,
        run.ledger.numbers["ldm.sima.auc"].value,
    )
    assert row.y_low < row.y < row.y_high
    other = figure_types()["against_reference"](target="ldm-beta1").values(run)
    assert set(other.target) == {"ldm-beta1"}


def test_a_target_whose_autoencoder_was_trained_elsewhere_is_held_against_its_reference_too(run):
    """It is latent and has no place in a sweep of autoencoders."""
    pretrained = replace(run.contexts["ldm"], arm=None, attacks=("sima", "loss"))
    net = replace(run.contexts["net"], attacks=("loss", "sima"))
    figure = figure_types()["against_reference"]()
    assert figure.missing({"net": net, "ldm": pretrained}) is None
    values = figure.values(Run(run.root, {"net": net, "ldm": pretrained}))
    assert set(values.target) == {"ldm"}


def test_a_pair_that_a_run_does_not_have_is_one_line(run):
    for figure, words in (
        (
            figure_types()["against_reference"](target="net"),
            "net shares no attack with an audited target before it",
        ),
        (figure_types()["against_reference"](target="nobody"), "nobody shares no attack"),
    ):
        with pytest.raises(SimauditError, match=words):
            figure.values(run)


def test_beta_has_one_mark_a_target_and_one_a_group(run):
    values = figure_types()["over_beta"]().values(run)
    of_sima = values[(values.metric == "sima") & (values.kind == "mean")].set_index("beta")
    assert of_sima.value.to_dict() == {
        0.01: run.ledger.numbers["ldm.sima.auc"].value,
        1.0: run.ledger.numbers["ldm-beta1.sima.auc"].value,
    }
    assert of_sima.arm.to_dict() == {0.01: "standard", 1.0: "adversarial"}
    assert set(values.metric) == {"sima", "frechet"}  # no attack on the autoencoder alone was run
    said = figure_types()["over_beta"]().sentence(run)
    auc = "Without a discriminator, the AUC of SimA is [[ldm.sima.auc]] at β = 0.01."  # the arm has one β
    assert said == f"{auc} Fréchet distances are measured in components."


def test_over_epochs_the_last_state_is_the_target_itself(run):
    values = figure_types()["over_epochs"]().values(run)
    assert values.target.tolist() == ["ldm", "ldm"]
    assert values.epoch.tolist() == [3, 7]
    assert values.value.iloc[-1] == run.ledger.numbers["ldm.sima.auc"].value
    assert figure_types()["over_epochs"]().sentence(run) == (
        "Between the first and the last epoch shown, the AUC of SimA goes from [[ldm.epochs.3.sima.auc]] to "
        "[[ldm.sima.auc]] on ldm."
    )


def test_published_numbers_are_in_panels_of_their_own_and_have_no_limits(run):
    numbers = json.loads((run.root / "numbers.json").read_text())
    for metric in ("auc", "asr", "tpr_at_1pct_fpr"):
        numbers[f"ranks.{metric}.critical_difference"]["value"] = 0.5
    write_json(run.root / "numbers.json", numbers)
    for name, column in (("published_beside", "panel"), ("mean_ranks", "source")):
        drawing = draw(figure_types()[name](), Run(run.root, run.contexts, run.splits))
        values, figure = drawing.values, drawing.picture
        ours = values[column].str.startswith("this run")
        assert 0 < ours.sum() < len(values)
        assert len(figure.axes) >= values[column].nunique() > 1
    published = figure_types()["published_beside"]().values(run)
    published = published[~published.panel.str.startswith("this run")]
    assert published.low.isna().all()
    of_cifar = published[(published["of"] == "CIFAR-10") & (published.attack == "sima")]
    assert of_cifar.value.tolist() == [0.9045]


def test_without_ranks_of_its_own_a_run_shows_the_published_ones_alone(run):
    numbers = json.loads((run.root / "numbers.json").read_text())
    write_json(run.root / "numbers.json", {k: v for k, v in numbers.items() if not k.startswith("ranks.")})
    alone = Run(run.root, run.contexts, run.splits)
    drawing = draw(figure_types()["mean_ranks"](), alone)
    assert set(drawing.values.source) == {"published, 16 experiments"}
    assert drawing.caption.left_out.endswith("since too few of its targets share attacks")


def test_ranks_that_could_not_differ_are_left_out_and_so_it_is_said_where_what_is_absent_stands(run):
    """Two attacks have mean ranks at most one apart, which is less than the critical difference over two targets."""
    assert run.ledger.numbers["ranks.auc.critical_difference"].value >= 1
    drawing = draw(figure_types()["mean_ranks"](), run)
    assert set(drawing.values.source) == {"published, 16 experiments"}
    assert drawing.caption.left_out == (
        "ranks of this run are left out, since mean ranks of 2 attacks lie at most 1 apart, and only those differ that "
        "lie [[#ranks.auc.critical_difference]] apart"
    )
    assert "of this run" not in drawing.caption.sentence


@pytest.mark.parametrize(
    ("ranks", "difference", "joined"),
    [
        ([1, 2, 3], 0.5, []),
        ([1, 2, 3], 1, []),  # exactly the critical difference apart: these differ
        ([1, 2, 3], 1.5, [(1, 2), (2, 3)]),
        ([1, 1.5, 2, 4, 4.25], 1.25, [(1, 2), (4, 4.25)]),  # no part of a larger set
        ([1, 2, 3], 5, [(1, 3)]),
    ],
)
def test_a_bar_joins_the_largest_sets_of_attacks_that_do_not_differ(ranks, difference, joined):
    assert cliques(pd.Series(ranks, dtype=float), difference) == joined


def test_the_line_is_shaded_where_the_best_threshold_calls_members(run):
    values = figure_types()["closed_form_line"]().values(run)
    asked = values[values.kind != "grid"]
    right = (asked.called_member == (asked.kind == "member")).groupby(asked.kind).mean().mean()
    for threshold in asked.norm:
        other = ((asked.norm <= threshold) == (asked.kind == "member")).groupby(asked.kind).mean().mean()
        assert right >= other


def test_the_forest_of_a_single_target_has_a_row_per_attack_with_its_number(run):
    one = Run(run.root, {"ldm": run.contexts["ldm"]}, run.splits)
    drawing = draw(figure_types()["forest"](), one)
    values = drawing.values
    aucs = [run.ledger.numbers[f"ldm.{attack}.auc"].value for attack in values.attack]
    assert sorted(values.attack) == ["loss", "sima"]
    assert values.value.tolist() == aucs == sorted(aucs, reverse=True)
    (axis,) = drawing.picture.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == [look(name).name for name in values.attack]
    (right,) = axis.child_axes
    assert right.get_yticklabels()[0].get_text().startswith(f"{aucs[0]:.3f} [")
    (blind,) = (line for line in axis.lines if line.get_label() == "images alone")
    assert {*blind.get_xdata()} == {values.blind.iloc[0]}
    (weak,) = (text for text in axis.texts if text.get_text() == "weak")
    assert (
        min(blind.get_ydata()) > weak.get_position()[1]
    )  # the axis runs downwards: no word is struck through
    assert values.blind.max() == pytest.approx(values.blind.min())


def test_the_crowded_half_of_the_attacks_is_enlarged_in_a_panel_of_its_own(run):
    kind = figure_types()["against_reference"]()
    values = kind.values(run)
    first = values[values.attack == "sima"]
    parts = [
        first.assign(attack=name, x=x, x_low=x - 0.02, x_high=x + 0.02, y=x, y_low=x - 0.02, y_high=x + 0.02)
        for name, x in zip("abcde", AUCS, strict=True)
    ]
    axes = kind.draw(pd.concat(parts, ignore_index=True)).axes
    assert axes[3].get_title() == "AUC, enlarged"
    shown = [line.get_xdata()[0] for line in axes[3].lines if line.get_marker() not in ("None", "")]
    assert shown == AUCS[2:]
    (square,) = axes[0].patches
    ends = axes[3].get_xlim()
    assert (square.get_x(), square.get_x() + square.get_width()) == pytest.approx(ends)
    assert ends[0] < min(shown) < max(shown) < ends[1]
    few = kind.draw(values[values.attack == "sima"])
    assert not few.axes[3].axison


def test_where_the_image_predicts_nothing_the_axis_of_p_is_no_magnifying_glass(audit):
    audit.blind()
    of, _ = complexity(audit)
    kind = figure_types()["complexity"]()
    values = kind.values(of)
    flat = values.assign(predicted=0.8 + 1e-9 * values.predicted)
    before = kind.draw(flat).axes[0]
    low, high = before.get_xlim()
    bottom, top = before.get_ylim()
    assert high - low == pytest.approx(0.2 * (top - bottom))
    assert low < 0.8 < high
    assert "predicts nothing" not in kind.sentence(of)


def declare(audit, name):
    """Write the stamps of a figure of the target, and of the page that shows it."""
    drawn = figure_job("target", name, figure_types()[name](), {}, attacks={"complexity": Complexity()})
    page = report_job({}, {"run": [], "target": [name]}, {}, {}, {}, [])
    stamps.write([drawn, page], audit.path / "params", audit.path / "speed.json")


def test_one_figure_is_drawn_by_name_for_a_paper(results, audit, tmp_path):
    declare(audit, "metrics_over_time")
    command = ["figure", "metrics_over_time", "--target", "target", "--results", str(audit.path)]

    def call(*more):
        return CliRunner().invoke(simaudit, [*command, *more])

    done = call("--output", str(tmp_path / "f.pdf"), "--output", str(tmp_path / "f.csv"))
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.glob("f.*")} == {"f.pdf", "f.csv"}
    assert "must end in one of .pdf, .png, .csv, .json" in str(call("--output", "f.svg").exception)
    wrong = call("--set", "over=days", "--output", str(tmp_path / "g.png"))
    assert str(wrong.exception).startswith("--set over: must be 'timestep' or 'log_snr' (got 'days')")
    command[1] = "queries"
    assert "figure queries of target: not drawn" in str(call("--output", str(tmp_path / "q.png")).exception)


@pytest.mark.parametrize("name", [n for n, kind in figure_types().items() if "attack" in kind.model_fields])
def test_an_attack_that_was_not_run_is_one_line_that_names_those_that_were(name, results, audit, tmp_path):
    declare(audit, name)
    command = ["figure", name, "--target", "target", "--results", str(audit.path), "--set", "attack=foo"]
    done = CliRunner().invoke(simaudit, [*command, "--output", str(tmp_path / "f.png")])
    assert isinstance(done.exception, SimauditError)
    assert str(done.exception) == "attack foo has no scores on target; it has: loss, sima, untimed"


def test_knobs_that_leave_nothing_to_draw_are_one_line(results):
    with pytest.raises(
        SimauditError, match=r'AUC over the timestep by norm: there is nothing to draw .*"loss"'
    ):
        draw(figure_types()["norms"](attack="loss"), results)


def test_a_file_that_is_no_caption_is_one_line(tmp_path):
    write_json(tmp_path / "norms.json", {"title": "AUC"})
    with pytest.raises(SimauditError, match=r"norms\.json: not a caption .*delete it and run again"):
        Caption.read(tmp_path / "norms.json")


def test_a_picture_is_laid_out_whatever_else_is_written_before_it(results, tmp_path):
    written = {}
    for order in ((".png", ".csv"), (".csv", ".png")):
        draw(figure_types()["roc_loglog"](), results).save([tmp_path / f"f{suffix}" for suffix in order])
        written[order] = (tmp_path / "f.png").read_bytes()
    assert len(set(written.values())) == 1
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.width >= 1000  # twice what a page shows of one column


def test_a_gallery_that_lost_its_end_is_one_line(results):
    path = results.file("gallery")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SimauditError, match=r"target\.npz: not a whole file .*delete it and run again"):
        results.gallery  # noqa: B018


@pytest.mark.parametrize(
    ("variant", "timestep", "label"),
    [
        ({"input": "raw", "norm": 4}, 50, r"raw, $\ell_{4}$, $t$ = 50"),
        ({"norm": "inf", "input": "scaled"}, None, r"scaled, $\ell_{\infty}$"),
        ({"draws": 5}, float("nan"), "n=5"),
        ({"draws": 5}, 60, "n=5, $t$ = 60"),
    ],
)
def test_knobs_are_printed_as_the_paper_writes_them(variant, timestep, label):
    assert style.knobs_label(variant_text(variant), timestep) == label


def test_the_nearest_pairs_are_the_held_out_samples_most_like_a_member_and_near_duplicates_are_marked(run):
    values = figure_types()["nearest_pairs"]().values(run)
    marked = pd.read_parquet(run.root / "evaluation/nearest/s.parquet").set_index("sample_id")
    shown = values[values.row == "heldout"]
    assert shown.sample_id.tolist() == values[values.row == "members"].sample_id.tolist()
    assert len(shown) == 8
    assert shown.rms.tolist() == sorted(shown.rms)
    assert shown.near_duplicate.tolist() == marked.near_duplicate[shown.sample_id].tolist()
    drawn = figure_types()["nearest_pairs"]().draw(values)
    words = [axis.get_xlabel() for axis in drawn.axes if axis.get_xlabel()]
    assert words == [
        f"{row.rms:.2f}\n{row.correlation:.2f}{'*' if row.near_duplicate else ''}"
        for row in shown.itertuples()
    ]


@pytest.mark.parametrize(
    ("label", "columns"), [("SimA (raw)", 2), ("Pullback, random (dropped=0.4, own class)", 1)]
)
def test_a_legend_that_is_wider_than_its_figure_has_fewer_columns(label, columns):
    figure = style.new_figure(height=2)
    axis = figure.subplots()
    for number in range(4):
        axis.plot([0, 1], [0, number], label=f"{label} {number}")
    style.legend_above(figure, axis, 2)
    figure.savefig(BytesIO(), format="png", dpi=figure.dpi)
    (shown,) = figure.legends
    box = shown.get_window_extent()
    assert len({round(text.get_window_extent().x0) for text in shown.get_texts()}) == columns
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
