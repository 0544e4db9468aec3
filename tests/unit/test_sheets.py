"""Sheets of pictures: each is found again where it is said to be."""

from pathlib import Path

import numpy as np
import pytest

from simaudit.storage.pictures import cut, levels, places, read_sheet, save_sheet

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_picture_is_found_again_in_its_place(tmp_path, channels):
    images = RNG.uniform(-1, 1, size=(5, channels, 4, 6)).astype(np.float32)
    arrays = {"one": images[:2], "number": np.arange(2), "other": images[2:]}
    save_sheet(tmp_path / "sheet.png", arrays)
    boxes = places(tmp_path / "sheet.png", arrays)
    assert [(box["row"], box["column"]) for box in boxes] == [
        *(("one", 0), ("one", 1), ("other", 0), ("other", 1), ("other", 2)),
    ]
    for box, image in zip(boxes, images, strict=True):
        picture = cut(read_sheet(Path(box["picture"])), box)
        seen = image.transpose(1, 2, 0) if channels == 3 else image.mean(axis=0)
        np.testing.assert_array_equal(picture, levels(seen))


def test_levels_are_the_nearest_of_256_and_nothing_lies_beyond_them():
    values = np.array([-3, -1, -1 + 0.49 * 2 / 255, 0.51 * 2 / 255 - 1, 1, 2], dtype=np.float32)
    assert levels(values).tolist() == [0, 0, 0, 1, 255, 255]
    stored = np.arange(256)
    assert levels((stored * (2 / 255) - 1).astype(np.float32)).tolist() == stored.tolist()
