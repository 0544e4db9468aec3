"""Principal components by blocks: those of the singular value decomposition, whatever the blocks."""

import numpy as np
import pytest

from simaudit.data.components import Components, thumbnails
from simaudit.data.store import Images


@pytest.mark.parametrize("size", [1, 7, 40])
def test_components_are_those_of_the_singular_value_decomposition(size):
    rows = np.random.default_rng(0).normal(size=(40, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5]) + 3
    found = Components.of(lambda: np.split(rows, range(size, 40, size)), 4)
    centred = rows - rows.mean(axis=0)
    expected = np.linalg.svd(centred)[2][:4]
    np.testing.assert_allclose(np.abs(expected @ found.axes), np.eye(4), atol=1e-10)
    np.testing.assert_allclose(found.project(rows), centred @ found.axes, atol=1e-10)
    assert (found.axes.max(axis=0) >= -found.axes.min(axis=0)).all()


def test_rows_with_few_numbers_have_as_many_components():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    assert Components.of(lambda: [rows], 10).axes.shape == (3, 3)


def test_a_thumbnail_is_the_mean_of_equal_blocks_also_at_a_ragged_edge():
    image = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    np.testing.assert_array_equal(thumbnails(image, 4), image.reshape(1, -1))
    # Blocks of 2 × 2; the third row is its own neighbour.
    np.testing.assert_allclose(thumbnails(image, 2), [[2.5, 4.5, 8.5, 10.5]])


def test_blocks_of_images_are_all_images_in_their_places(monkeypatch):
    monkeypatch.setattr("simaudit.data.store.BLOCK", 3 * 4)
    stored = np.random.default_rng(0).integers(0, 256, size=(9, 1, 2, 2), dtype=np.uint8)
    images, ids = Images(stored), np.array([5, 0, 7, 2, 8, 3, 1])
    blocks = list(images.blocks(ids))
    assert [len(block) for _, block in blocks] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), images[ids])
    assert [ids[place].tolist() for place, _ in blocks] == [[5, 0, 7], [2, 8, 3], [1]]
