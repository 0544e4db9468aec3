"""Pictures in two columns that end at one height."""

from dataclasses import replace
from itertools import combinations

import pytest

from simaudit.figures.caption import Caption
from simaudit.report.page.columns import BETWEEN, CAPTION, COLUMN, FRAME, READING, in_two_columns
from simaudit.report.page.pictures import Picture

BESIDE = round(FRAME + BETWEEN + CAPTION[1])  # a picture's frame, links, and a caption of one line


def pictures(*heights):
    return [
        Picture("net", str(place), Caption("Title", "", []), "data:", 400, height, {})
        for place, height in enumerate(heights)
    ]


@pytest.mark.parametrize(
    "heights",
    [(300, 900, 200, 1500, 400, 350, 800), (1000, 100, 100), (500,), (), (700, 700), (100, 2000, 90, 80)],
)
def test_the_columns_differ_as_little_as_they_can_and_the_first_stays_first(heights):
    ordered = in_two_columns(pictures(*heights), str)
    places = [int(picture.name) for picture in ordered]
    assert sorted(places) == list(range(len(heights)))
    if not heights:
        return
    assert places[0] == 0
    sizes = [height + BESIDE for height in heights]
    filled = [abs(sum(sizes) - 2 * sum(sizes[p] for p in places[:n])) for n in range(1, len(places) + 1)]
    possible = [
        abs(sum(sizes) - 2 * (sizes[0] + sum(sizes[p] for p in chosen)))
        for n in range(len(heights))
        for chosen in combinations(range(1, len(heights)), n)
    ]
    assert min(filled) == min(possible)
    first = places[: filled.index(min(filled)) + 1]
    assert first == sorted(first)
    assert places[len(first) :] == sorted(places[len(first) :])


def test_words_take_room_and_a_picture_that_is_wider_than_a_column_is_shown_smaller():
    def order(*given):
        return [int(picture.name) for picture in in_two_columns(given, str)]

    first, second, third = pictures(300, 300, 600)
    assert order(first, second, third) == [0, 1, 2]
    tall = replace(second, height=900)
    assert order(first, tall, third) == [0, 2, 1]
    assert order(first, replace(tall, width=3 * (COLUMN - FRAME)), third) == [0, 1, 2]
    lines = Caption("Title", "", ["x" * 25 * READING[0]])
    assert order(first, replace(second, caption=lines), third) == [0, 2, 1]
    assert order(replace(first, data=""), replace(tall, data=""), third) == [0, 1, 2]
