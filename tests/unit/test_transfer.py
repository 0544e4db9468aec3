"""Arrays are made ahead of their use where a device is not the CPU, in the same order, and not one more than that."""

import threading

import numpy as np
import pytest
import torch

from simaudit.machine.transfer import sent_ahead

CPU, OTHER = torch.device("cpu"), torch.device("meta")
"""A device without memory stands for a GPU: it keeps shapes alone."""


@pytest.mark.parametrize("device", [CPU, OTHER])
def test_arrays_come_in_their_order(device):
    arrays = (np.zeros(size, np.float32) for size in (3, 1, 2))
    tensors = list(sent_ahead(arrays, device))
    assert [(len(tensor), tensor.device) for tensor in tensors] == [(3, device), (1, device), (2, device)]


def test_the_values_are_those_of_the_arrays():
    array = np.arange(6, dtype=np.float32)
    (tensor,) = sent_ahead([array], CPU)
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_the_next_one_is_made_while_one_is_worked_on():
    made = [threading.Event() for _ in range(4)]

    def arrays():
        for event in made:
            event.set()
            yield np.zeros(1, np.float32)

    ahead = sent_ahead(arrays(), OTHER)
    next(ahead)
    assert made[1].wait(10)
    assert not made[2].is_set()
    ahead.close()


def test_on_the_cpu_nothing_is_made_before_it_is_asked_for():
    made = []
    ahead = sent_ahead((made.append(k) or np.zeros(1, np.float32) for k in range(3)), CPU)
    next(ahead)
    assert made == [0]


def test_what_fails_in_the_thread_fails_where_it_is_asked_for():
    def arrays():
        yield np.zeros(1, np.float32)
        raise FileNotFoundError("images.npy")

    ahead = sent_ahead(arrays(), OTHER)
    next(ahead)
    with pytest.raises(FileNotFoundError, match=r"images\.npy"):
        next(ahead)
