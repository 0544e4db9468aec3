"""Figures of few and of many targets and attacks, with short and long names: nothing overlaps or leaves the page."""

import numpy as np
import pandas as pd
import pytest
from figuring import OF_RUN, OF_TARGET
from matplotlib.legend import Legend
from matplotlib.text import Text

from simaudit.attacks.attack import attack_modules
from simaudit.figures import style
from simaudit.figures.figure import figure_types

FEW, MANY = 3, 25
LONG = "-".join(["a-name-that-says-all-that-there-is-to-say-of-one-target-or-attack"] * 3)
NAMES = {
    "few": ["sima", "pia", "secmi"],
    "many": sorted(attack_modules())[:MANY],
    "long": [f"{LONG}-{number}-of-{MANY}" for number in range(MANY)],
}
TARGETS = {
    "few": ["net", "ldm"],
    "many": [f"digits-ldm-beta{number}" for number in range(30)],
    "long": [f"{LONG}-{number}-of-30" for number in range(30)],
}
BY_ATTACK = ("metrics_over_time", "roc_loglog", "statistic_histogram", "statistic_over_time", "queries")
GROWING = ("forest", "over_epochs", "against_reference", "mean_ranks", "published_beside")
A4 = 8.27, 11.69
SLACK = 1.0  # points


def texts(figure):
    """Every text that is drawn, a legend's together, with its box in points: of axes, only those that are in view."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    hidden |= {tick.label1, tick.label2}
    parts = {text for legend in figure.findobj(Legend) for text in legend.findobj(Text)}
    shown = [text for text in figure.findobj(Text) if text not in parts | hidden]
    for part in (*shown, *figure.findobj(Legend)):
        box = part.get_window_extent()
        is_shown = part.get_visible() and (not isinstance(part, Text) or part.get_text().strip())
        if is_shown and box.width > 1 and box.height > 1:
            yield part, np.array(box.extents) * 72 / figure.dpi


def overlaps(boxes):
    """Pairs of texts whose boxes share more than a hair's breadth."""
    places = np.array([box for _, box in boxes])
    low, high = places[:, :2], places[:, 2:]
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    for pair in np.argwhere(np.triu((shared > SLACK).all(-1), 1)):
        yield tuple(getattr(boxes[place][0], "get_text", lambda: "legend")() for place in pair)


def outside(figure, boxes):
    """Texts that leave the figure."""
    end = np.array(figure.bbox.size) * 72 / figure.dpi
    for part, box in boxes:
        if (box[:2] < -SLACK).any() or (box[2:] > end + SLACK).any():
            yield getattr(part, "get_text", lambda: "legend")()


def laid_out(figure):
    """Assert that a figure fits a page, and that no text of it overlaps another or is cut."""
    width, height = figure.get_size_inches()
    assert width <= A4[0] - 1
    assert height <= A4[1] - 0.9
    boxes = list(texts(figure))
    assert list(overlaps(boxes)) == []
    assert list(outside(figure, boxes)) == []
    for axes in figure.axes:
        assert axes.get_window_extent().height * 72 / figure.dpi > 14, "a panel is squeezed"


def repeated(values, column, names):
    """The rows of the first name once for each of `names`, in place of all other rows."""
    rows = values[values[column] == values[column].dropna().iloc[0]]
    rest = values[values[column] == "blind"]  # which stands beside the attacks
    return pd.concat([rows.assign(**{column: name}) for name in names] + [rest], ignore_index=True)


@pytest.mark.parametrize("size", ["few", "long"])
@pytest.mark.parametrize("name", BY_ATTACK)
def test_a_figure_of_attacks_is_laid_out(name, size, results):
    kind = figure_types()[name]()
    values = repeated(kind.values(results), "attack", NAMES[size])
    figure = kind.draw(values.assign(has_band=values.attack.isin(NAMES[size][:3])))
    style.mark_shifted(figure)
    laid_out(figure)


@pytest.mark.parametrize("name", [name for name in OF_TARGET if name not in BY_ATTACK])
def test_a_figure_of_one_attack_is_laid_out(name, request):
    of = request.getfixturevalue("derived" if name == "complexity" else "results")
    kind = figure_types()[name]()
    values = kind.values(of)
    if "attack" in values:
        values = values.assign(attack=LONG, **({"base": LONG} if "base" in values else {}))
    figure = kind.draw(values)
    style.mark_shifted(figure)
    laid_out(figure)


def many_of(kind, run, size):
    """The values of a figure of a run with targets and attacks of these names."""
    values, attacks, targets = kind.values(run), NAMES[size], TARGETS[size]
    match type(kind).__name__:
        case "Forest":
            audited = repeated(values, "target", targets[:-1])
            control = audited.iloc[:1].assign(target=targets[-1], control="untrained")
            rows = pd.concat([audited, control], ignore_index=True).astype({"control": "string"})
            return rows.assign(attack=np.resize(attacks, len(rows)))
        case "OverEpochs":
            return repeated(values, "target", targets)
        case "AgainstReference":
            rows = repeated(values, "attack", attacks).sort_values("metric", kind="stable")
            return rows.assign(reference=targets[0], target=targets[1])
        case "MeanRanks":
            ranks = pd.DataFrame({"attack": attacks, "value": np.linspace(1, len(attacks), len(attacks))})
            ours = [
                ranks.assign(source="this run, 30 targets", metric=metric, critical_difference=1.9)
                for metric in values.metric.unique()
            ]
            return pd.concat([*ours, values], ignore_index=True)
        case "PublishedBeside":
            is_ours = values.panel == "this run"
            return pd.concat([values[~is_ours], repeated(values[is_ours], "of", targets)], ignore_index=True)
    return values


@pytest.mark.parametrize(
    ("name", "size"),
    [(name, size) for name in OF_RUN for size in NAMES if size == "few" or name in GROWING],
)
def test_a_figure_of_a_run_is_laid_out(name, size, run):
    kind = figure_types()[name]()
    laid_out(kind.draw(many_of(kind, run, size)))


@pytest.mark.parametrize("size", ["few", "many", "long"])
def test_the_forest_has_a_row_per_target_controls_below_a_rule_and_whole_names_in_its_table(size, run):
    kind = figure_types()["forest"]()
    values = many_of(kind, run, size)
    axis = kind.draw(values).axes[0]
    places = [tick.get_loc() for tick in axis.yaxis.get_major_ticks()]
    rule = [
        line.get_ydata()[0]
        for line in axis.lines
        if line.get_linestyle() == "-" and line.get_color() == "0.2"
    ]
    assert len(places) == len(values) == len(TARGETS[size])
    assert len(rule) == 1
    assert places[-2] < rule[0] < places[-1]
    assert max(len(label.get_text()) for label in axis.get_yticklabels()) <= 32
    assert list(values.target) == TARGETS[size]


def test_the_layout_test_finds_what_overlaps_and_what_is_cut():
    figure = style.new_figure()
    for x, words in ((0.4, "first"), (0.42, "second"), (0.98, "beyond the edge")):
        figure.text(x, 0.5, words)
    boxes = list(texts(figure))
    assert list(overlaps(boxes)) == [("first", "second")]
    assert list(outside(figure, boxes)) == ["beyond the edge"]
