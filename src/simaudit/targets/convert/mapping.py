"""Which tensors of the network each tensor of a checkpoint becomes, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from simaudit.targets.convert.weights import Weights
from simaudit.vocabulary.errors import named

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Arrangement:
    """How one tensor of a checkpoint is cut into those of the network, and how these are put together again."""

    cut: Callable[[torch.Tensor], Sequence[torch.Tensor]]
    join: Callable[[Sequence[torch.Tensor]], torch.Tensor]


SAME = Arrangement(lambda whole: (whole,), lambda parts: parts[0])


def pointwise(dimensions: int) -> Arrangement:
    """Take the weight (C, D, 1, …) of a convolution of size 1, over so many dimensions, as that of a linear map."""
    return Arrangement(
        lambda whole: (whole.flatten(1),), lambda parts: parts[0].reshape(*parts[0].shape, *(1,) * dimensions)
    )


def query_key_value(groups: int, dimensions: int) -> Arrangement:
    """Cut one tensor (3C, …) into queries, keys and values (C, …) that stand in this order within each group of heads.

    `dimensions` is how many of size 1 the weight of a convolution has at its end; 0 for a bias.
    """

    def cut(whole: torch.Tensor) -> Sequence[torch.Tensor]:
        plain = whole.flatten(1) if dimensions else whole
        parts = plain.reshape(groups, 3, -1, *plain.shape[1:]).unbind(1)
        return [part.flatten(0, 1).contiguous() for part in parts]

    def join(parts: Sequence[torch.Tensor]) -> torch.Tensor:
        grouped = [part.reshape(groups, -1, *part.shape[1:]) for part in parts]
        plain = torch.stack(grouped, dim=1).flatten(0, 2)
        return plain.reshape(*plain.shape, *(1,) * dimensions)

    return Arrangement(cut, join)


@dataclass(frozen=True)
class Entry:
    """One tensor of a checkpoint, and the tensors of the network that it becomes."""

    source: str
    targets: tuple[str, ...]
    arrangement: Arrangement = SAME


def entries_of(
    source: str, *targets: str, weight: Arrangement = SAME, bias: Arrangement = SAME
) -> Iterator[Entry]:
    """Yield the entries of a module with a weight and a bias."""
    for name, arrangement in (("weight", weight), ("bias", bias)):
        yield Entry(f"{source}.{name}", tuple(f"{target}.{name}" for target in targets), arrangement)


def filled(
    entries: Iterable[Entry], weights: Weights, given: Tensors, places: Tensors
) -> dict[str, torch.Tensor]:
    """Return the state of a network that has these `places`, from the weights of a checkpoint and what is `given`.

    Entries whose places the network lacks, such as the shortcut of a block that needs none, are none of it. Raises
    SimauditError naming every tensor that is missing, of another shape, or in no entry.
    """
    used = [entry for entry in entries if set(entry.targets) <= places.keys()]
    shapes = {entry.source: tuple(joined(entry, places).shape) for entry in used}
    tensors = weights.tensors
    other = [
        f"{name} {tuple(tensors[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    wrong = [
        *named("missing", [name for name in shapes if name not in tensors]),
        *named("of another shape", other),
        *named("of no known use", [name for name in tensors if name not in shapes]),
    ]
    if wrong:
        raise weights.wrong(f"not the weights of such a network: {'; '.join(wrong)}")
    return {
        **given,
        **{
            target: part
            for entry in used
            for target, part in zip(entry.targets, entry.arrangement.cut(tensors[entry.source]), strict=True)
        },
    }


def joined(entry: Entry, state: Tensors) -> torch.Tensor:
    """Return the tensor of the checkpoint that an entry stands for, from the state of the network."""
    return entry.arrangement.join([state[target] for target in entry.targets])
