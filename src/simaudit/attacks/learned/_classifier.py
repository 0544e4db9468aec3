"""A small convolutional network that tells members from held-out samples by one map of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

BATCH = 64
WEIGHT_DECAY = 1e-2


def fit_network(
    maps: np.ndarray,
    is_member: np.ndarray,
    *,
    width: int,
    epochs: int,
    learning_rate: float,
    device: torch.device,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train on maps (n, C, H, W) and `is_member` (n,) bool; return what gives the log-odds (m,) of other maps.

    Both sides count alike in the loss, however many samples they have. Maps are standardised by the mean and standard
    deviation of those that are learned from, channel by channel. The same arguments give the same network on one
    machine: its seed is fixed, and the order of samples is drawn on the CPU.
    """
    mean = maps.mean(axis=(0, 2, 3), keepdims=True)
    scale = np.maximum(maps.std(axis=(0, 2, 3), keepdims=True), np.finfo(np.float32).tiny)

    def standardised(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(((rows - mean) / scale).astype(np.float32)).to(device)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = _network(maps.shape[1], width).to(device)
    order = torch.Generator().manual_seed(0)
    x, y = standardised(maps), torch.from_numpy(is_member.astype(np.float32)).to(device)
    loss = torch.nn.BCEWithLogitsLoss(pos_weight=(1 - y).sum() / y.sum())
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(x), generator=order), BATCH):
                optimizer.zero_grad()
                loss(network(x[rows])[:, 0], y[rows]).backward()
                optimizer.step()
                schedule.step()

    @torch.no_grad()
    def log_odds(rows: np.ndarray) -> np.ndarray:
        answers: np.ndarray = network(standardised(rows))[:, 0].cpu().numpy()
        return answers

    return log_odds


def _network(channels: int, width: int) -> torch.nn.Module:
    """Return three convolutions with group norms, the last two of stride two, and the mean over places."""
    layers: list[torch.nn.Module] = []
    for before, after, stride in (
        (channels, width, 1),
        (width, 2 * width, 2),
        (2 * width, 2 * width, 2),
    ):
        layers += [
            torch.nn.Conv2d(before, after, 3, stride, padding=1),
            torch.nn.GroupNorm(1, after),
            torch.nn.SiLU(),
        ]
    pooled = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(2 * width, 1)]
    return torch.nn.Sequential(*layers, *pooled)
