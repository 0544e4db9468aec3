"""Norms of one sample, taken over all of its channels and pixels."""

from collections.abc import Iterator, Sequence

import torch

from simaudit.vocabulary.knobs import Order


def sample_norms(values: torch.Tensor, orders: Sequence[Order]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield (label, ‖values‖_p) for each p: `values` is (B, …), a norm is (B,), a label is l1, l2, l4 or linf."""
    flat = values.flatten(1)
    for order in orders:
        yield f"l{order}", torch.linalg.vector_norm(flat, ord=float(order), dim=1)
