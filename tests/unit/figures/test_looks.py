"""How attacks look: measured contrasts and differences of colours, in normal vision, under deuteranopia and in grey."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from simaudit.attacks.attack import attack_modules
from simaudit.figures import style
from simaudit.figures.legend import FAMILY_COLOURS, LONGEST, in_order, look, short

DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
"""Of linear RGB at full severity: Machado, Oliveira & Fernandes, IEEE TVCG 15 (2009), 1291, table of the supplement."""
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
"""Of linear sRGB under D65 (IEC 61966-2-1)."""
WORDS = {**FAMILY_COLOURS, **{f"ordinal {place}": colour for place, colour in enumerate(style.ORDINAL)}}
KNOWN = sorted({*attack_modules(), "complexity_av", "blind"})


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def deuteranopic(rgb):
    return np.clip(np.array(DEUTERANOPIA) @ rgb, 0, 1)


def grey(rgb):
    return np.full(3, np.array(TO_XYZ)[1] @ rgb)


def lab(rgb):
    """CIELAB of linear RGB under D65."""
    relative = np.array(TO_XYZ) @ rgb / np.array(TO_XYZ).sum(1)
    x, y, z = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def delta_e(one, other):
    """CIE76."""
    return np.linalg.norm(lab(one) - lab(other))


def contrast(colour):
    """Against white, by WCAG 2.2."""
    return 1.05 / (np.array(TO_XYZ)[1] @ linear(colour) + 0.05)


def test_the_measures_are_right_where_they_are_known():
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)  # WCAG's well-known lightest grey for text
    assert delta_e(linear("black"), linear("white")) == pytest.approx(100, abs=0.1)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert deuteranopic(linear("white")) == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("name", [*WORDS, *style.ROLE_COLOURS])
def test_every_colour_has_a_contrast_of_three_to_one_on_white(name):
    assert contrast((WORDS | style.ROLE_COLOURS)[name]) >= 3


@pytest.mark.parametrize("seen_as", [lambda rgb: rgb, deuteranopic], ids=["normal", "deuteranopia"])
@pytest.mark.parametrize("colours", [FAMILY_COLOURS, style.ROLE_COLOURS, dict(enumerate(style.ORDINAL))])
def test_colours_that_are_compared_stay_apart(colours, seen_as):
    for one, other in combinations(colours.values(), 2):
        assert delta_e(seen_as(linear(one)), seen_as(linear(other))) >= 15, (one, other)


def test_in_print_without_colours_families_differ_in_lightness():
    """All but the grey of attacks that a user added, whose names tell that they are of no family."""
    families = [colour for family, colour in FAMILY_COLOURS.items() if family != "other"]
    for one, other in combinations([*families], 2):
        assert delta_e(grey(linear(one)), grey(linear(other))) >= 4.5, (one, other)
    lightness = [lab(linear(colour))[0] for colour in style.ORDINAL]
    assert np.diff(lightness).min() >= 8


def test_any_two_attacks_differ_in_marker_or_dashes_even_where_colours_do_not_help():
    looks = [look(attack) for attack in KNOWN]
    assert (
        len({(one.marker, one.dash) for one in looks}) == len({one.name for one in looks}) == len(KNOWN) > 25
    )
    for one, other in combinations(looks, 2):
        assert one.colour != other.colour or (one.marker != other.marker and one.dash != other.dash)
    assert not {one.colour for one in looks} & {*style.ROLE_COLOURS.values()}


def test_an_attack_that_a_user_added_has_one_look_and_that_of_its_kin_where_it_is_named_after_it():
    assert look("mine") == look("mine")
    assert (look("mine").name, look("mine").colour) == ("mine", FAMILY_COLOURS["other"])
    assert look("sima_wide").colour == look("sima").colour
    assert look("complexity_av_2").colour == look("complexity").colour
    assert look("similar").colour == FAMILY_COLOURS["other"]
    assert len({(look(f"mine{place}").marker, look(f"mine{place}").dash) for place in range(9)}) > 6
    assert in_order(["mine", "blind", "pia", "sima"]) == ["sima", "pia", "blind", "mine"]


@pytest.mark.parametrize(
    ("name", "printed"), [("a" * LONGEST, "a" * LONGEST), ("a" * 20 + "b" * 20, "a" * 13 + "…" + "b" * 12)]
)
def test_a_long_name_loses_its_middle(name, printed):
    assert short(name) == printed
    assert look(name).label == printed
    assert look(name).name == name
