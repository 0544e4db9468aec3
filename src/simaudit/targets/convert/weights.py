"""The weights in a checkpoint file, read without running anything that the file may hold."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError, SimauditError, printable, some

GLOBAL = re.compile(r"GLOBAL (\S+)")
WRAPPED = "module."  # what torch's DataParallel puts before every name
REMEDY = "get the file again, or name another"


@dataclass(frozen=True)
class Weights:
    """One network's tensors in a checkpoint file, float32 on the CPU, by name.

    `chosen` is the name under which the file holds them; None where it holds nothing else.
    """

    file: Path
    chosen: str | None
    tensors: Mapping[str, torch.Tensor]

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """Return the shape of a tensor. Raises SimauditError when it is missing or has another number of dimensions."""
        if name not in self.tensors:
            raise self.wrong(f"has no {name}")
        shape = tuple(self.tensors[name].shape)
        if len(shape) != dimensions or 0 in shape:
            raise self.wrong(f"{name} has the shape {shape}, and needs {dimensions} dimensions")
        return shape

    def count(self, prefix: str) -> int:
        """Return how many different words follow `prefix.` in the names."""
        words = {
            name.removeprefix(f"{prefix}.").split(".")[0]
            for name in self.tensors
            if name.startswith(f"{prefix}.")
        }
        return len(words)

    def wrong(self, why: str) -> SimauditError:
        """Return the error of a file whose tensors are not those of its format."""
        return SimauditError(f"{self.file}: {why}; name a checkpoint of that format")


def read_weights(file: Path, wanted: str | None, preferred: str | None) -> Weights:
    """Return the weights of a checkpoint: those under the name `wanted`, or else under `preferred`.

    A file that is a state dict itself has no such names. Raises SimauditError when it cannot be read without running
    code, is not whole, or holds no such weights.
    """
    chosen, state = _choose(_content(file), file, wanted, preferred)
    is_wrapped = all(str(name).startswith(WRAPPED) for name in state)
    tensors = {
        str(name).removeprefix(WRAPPED if is_wrapped else ""): tensor for name, tensor in state.items()
    }
    if unfit := [name for name, tensor in tensors.items() if not _is_finite(tensor)]:
        raise SimauditError(f"{file}: not finite numbers: {some(unfit)}; name another checkpoint")
    # Each is a tensor of its own, as diffusers saves them, even where the file has one stand in two places.
    own = {name: tensor.to(torch.float32, copy=True).contiguous() for name, tensor in tensors.items()}
    return Weights(file, chosen, own)


def _choose(
    content: Mapping[Any, Any], file: Path, wanted: str | None, preferred: str | None
) -> tuple[str | None, Mapping[Any, torch.Tensor]]:
    """Return the name of the weights that are taken, if they have one, and the weights."""
    if _is_state(content):
        if wanted:
            raise SimauditError(f"--weights {wanted}: {file} holds one network alone; leave --weights out")
        return None, content
    states = {str(name): value for name, value in content.items() if _is_state(value)}
    if not states:
        raise FileError(f"{file}: holds no weights by name; {REMEDY}")
    chosen = wanted or preferred
    if chosen not in states:
        without = f"has no {chosen}" if chosen else "holds several things"
        raise SimauditError(f"{file}: {without}; name one of these with --weights: {some(states)}")
    return chosen, states[chosen]


def _content(file: Path) -> Mapping[Any, Any]:
    """Return what a file of torch.save holds, if that is a mapping."""
    with reading(file, "a whole checkpoint", REMEDY), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about files of older versions; a refusal is one line
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if not (name := GLOBAL.search(str(error))):
                raise ValueError("torch.load reads no tensors from it") from None
            raise FileError(
                f"{file}: holds {printable(name[1])} beside tensors, and reading that could run code, so it was not "
                "read; save its state dict alone with torch.save"
            ) from None
    if not isinstance(content, Mapping):
        raise FileError(f"{file}: holds no weights by name; {REMEDY}")
    return content


def _is_state(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(torch.is_tensor(one) for one in value.values())


def _is_finite(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isfinite().all())
