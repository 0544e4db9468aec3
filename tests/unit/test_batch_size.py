"""The batch size that is left to the machine, and the device of a shard."""

import pytest
import torch

from simaudit.data.store import Images
from simaudit.machine.devices import resolve_device
from simaudit.scoring import batch_size
from simaudit.scoring.batch_size import fitting

CPU = torch.device("cpu")
COMPUTED = (7 + 1 + 1 + 1) * 64 * 4
"""Bytes: the image seven times, a part of that, and its product with two numbers."""


@pytest.fixture
def target(known_target):
    """A model that computes ten images for each image that it is asked about."""
    return known_target(lambda z, t: z.repeat(7, 1, 1, 1)[: len(z)] * 1.0)


def test_a_number_wins_and_is_not_measured(target, images):
    assert fitting(48, target, Images(images), CPU) == 48
    assert target.queries == 0


@pytest.mark.parametrize(("room", "size"), [(10**9, 256), (160 * COMPUTED, 128), (3 * COMPUTED, 2), (1, 1)])
def test_auto_is_the_largest_power_of_two_that_fits_and_pays(target, images, room, size, monkeypatch):
    monkeypatch.setattr(batch_size, "ON_A_CPU", room)
    assert fitting("auto", target, Images(images), CPU) == size
    assert target.queries == 1


def test_shards_take_one_gpu_after_another_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(resolve_device("cuda", shard)) for shard in (1, 2, 3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert [str(resolve_device("auto", shard)) for shard in (1, 2)] == ["cuda:0", "cuda:1"]
    assert str(resolve_device("cuda:1", 1)) == "cuda:1"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert str(resolve_device("cuda", 2)) == "cuda"
