"""Bringing arrays to the device of a model, so that a GPU does not wait for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch


def sent(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return an array on `device`. Towards CUDA it goes from pinned memory, and nobody waits until it is there."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def sent_ahead(arrays: Iterable[np.ndarray], device: torch.device) -> Iterator[torch.Tensor]:
    """Yield arrays on `device`, one after another: a thread makes and sends the next one while one is worked on.

    On the CPU, where a thread would only take a core from that work, each is made when it is asked for.
    """
    tensors = (sent(array, device) for array in arrays)
    return tensors if device.type == "cpu" else _made_ahead(tensors)


def _made_ahead(tensors: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, tensors, None)
        while (tensor := coming.result()) is not None:
            coming = thread.submit(next, tensors, None)
            yield tensor
