"""Norms of one sample, taken over all of its channels and pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from simaudit.vocabulary.knobs import Order


def sample_norms(values: torch.Tensor, orders: Sequence[Order]) -> Iterator[tuple[Order, torch.Tensor]]:
    """Yield (p, ‖values‖_p) for each order p: `values` is (B, …), a norm is (B,)."""
    flat = values.flatten(1)
    for order in orders:
        yield order, torch.linalg.vector_norm(flat, ord=float(order), dim=1)
