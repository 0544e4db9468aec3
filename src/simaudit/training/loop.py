"""The one training loop: Adam, warm-up, gradient clipping, EMA, checkpoints that resume to the same weights."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.optimization import get_constant_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch.nn.utils import clip_grad_norm_

from simaudit.machine.progress import Progress, log
from simaudit.storage.atomic import atomic_path, remove
from simaudit.training.knobs import Training
from simaudit.vocabulary.errors import SimauditError

READ_LOSS_EVERY = 20  # steps; reading a loss makes a GPU wait

Objective = Callable[[torch.Tensor, int], torch.Tensor | None]
"""A batch (B, C, H, W) and the step's number → the loss to minimise, a scalar, or None to sit this step out.

It draws its noise from torch's global generator.
"""


class Player(NamedTuple):
    """A network and what it minimises."""

    network: torch.nn.Module
    objective: Objective


def train(
    players: Sequence[Player],
    images: np.ndarray,
    ids: np.ndarray,
    knobs: Training,
    checkpoint: Path,
    identity: str,
) -> list[float]:
    """Train on images[ids] and leave the EMA weights in the first player's network; returns its mean loss by epoch.

    Each step the players move in turn, each its own weights alone. The others are opponents: only the first is
    averaged, and must have a loss at every step. No epochs leave the weights as they are.

    Every step draws its randomness from (seed, step) and every epoch its order from (seed, epoch), so that a run
    resumed from `checkpoint` ends at the same weights as an uninterrupted one (on the same machine and threads).
    After each epoch of `knobs.snapshots` the EMA weights are written to `snapshot_path`.
    A checkpoint of another `identity` is ignored. The checkpoint is left in place: the caller removes it once the
    weights are saved.
    Raises SimauditError, naming the step and the last good checkpoint, when the loss is not finite.
    """
    run = _Run.start(players, knobs, identity)
    run.resume(checkpoint)
    device = next(run.weights).device
    batches = -(-len(ids) // knobs.batch_size)
    total = knobs.epochs * batches
    for player in players:
        player.network.train()
    with Progress(checkpoint.stem, total, done=run.step) as progress:
        while run.step < total:
            epoch, batch = divmod(run.step, batches)
            order = np.random.default_rng([knobs.seed, epoch]).permutation(ids)
            parts = np.split(order, range(knobs.batch_size, len(ids), knobs.batch_size))
            for batch_ids in parts[batch:]:
                torch.manual_seed(_step_seed(knobs.seed, run.step))
                x = torch.from_numpy(images[batch_ids]).to(device)
                run.update(_flip(x) if knobs.horizontal_flip else x)
                if run.step % batches == 0 and epoch + 1 in knobs.snapshots:  # before a checkpoint is past it
                    run.save_weights(snapshot_path(checkpoint, epoch + 1))
                if run.step % knobs.checkpoint_every == 0 or run.step == total:
                    run.save(checkpoint)
                elif run.step % READ_LOSS_EVERY == 0:
                    run.read_losses(checkpoint)
                progress.advance(facts=run.facts)
    run.ema.copy_to(run.weights)
    for player in players:
        player.network.eval()
    losses = np.array(run.losses)
    if not total:
        return []
    return [float(part.mean()) for part in np.split(losses, range(batches, total, batches))]


def snapshot_path(checkpoint: Path, epoch: int) -> Path:
    """Where the EMA weights after that many epochs are kept, beside the checkpoint."""
    return checkpoint.with_name(f"{checkpoint.stem}-{epoch}.pt")


@dataclass
class _Seat:
    """A player with its optimiser."""

    network: torch.nn.Module
    objective: Objective
    optimizer: torch.optim.Optimizer
    warmup: Any

    @classmethod
    def of(cls, player: Player, knobs: Training) -> "_Seat":
        optimizer = torch.optim.Adam(player.network.parameters(), lr=knobs.learning_rate, fused=True)
        return cls(*player, optimizer, get_constant_schedule_with_warmup(optimizer, knobs.warmup_steps))

    def move(self, x: torch.Tensor, step: int, clip: float) -> torch.Tensor | None:
        """One step of gradient descent, of this network's weights alone; returns the loss, detached."""
        loss = self.objective(x, step)
        if loss is None:
            return None
        weights = list(self.network.parameters())
        self.optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=weights)
        clip_grad_norm_(weights, clip)
        self.optimizer.step()
        self.warmup.step()
        return loss.detach()

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name).state_dict() for name in ("network", "optimizer", "warmup")}

    def restore(self, state: dict[str, Any]) -> None:
        for name, own in state.items():
            getattr(self, name).load_state_dict(own)


@dataclass
class _Run:
    """All state of a training run: what a checkpoint holds, and what it is written from."""

    seats: list[_Seat]
    ema: EMAModel
    clip: float
    identity: str
    step: int = 0
    losses: list[float] = field(default_factory=list)  # one a step
    unread: list[torch.Tensor] = field(default_factory=list)  # the latest, still on the device

    @classmethod
    def start(cls, players: Sequence[Player], knobs: Training, identity: str) -> "_Run":
        seats = [_Seat.of(player, knobs) for player in players]
        ema = EMAModel(seats[0].network.parameters(), decay=knobs.ema_decay, foreach=True)
        return cls(seats, ema, knobs.gradient_clip, identity)

    @property
    def weights(self) -> Iterator[torch.nn.Parameter]:
        """Those that are averaged: the first player's."""
        return self.seats[0].network.parameters()

    def update(self, x: torch.Tensor) -> None:
        """One move of every player; keeps the first one's loss."""
        loss, *_ = [seat.move(x, self.step, self.clip) for seat in self.seats]
        assert loss is not None
        self.unread.append(loss)
        self.ema.step(self.weights)
        self.step += 1

    @property
    def facts(self) -> dict[str, float]:
        """What the progress bar shows: the mean loss of the last steps that were read."""
        return {"loss": float(np.mean(self.losses[-READ_LOSS_EVERY:]))} if self.losses else {}

    def read_losses(self, checkpoint: Path) -> None:
        """Fetch the unread losses from the device and refuse one that is not finite."""
        losses = torch.stack(self.unread).tolist()
        for step, loss in enumerate(losses, start=len(self.losses)):
            if not math.isfinite(loss):
                kept = (
                    f"the last good checkpoint is {checkpoint}"
                    if checkpoint.exists()
                    else "no checkpoint yet"
                )
                raise SimauditError(
                    f"training: the loss is {loss} at step {step}; lower the learning_rate ({kept})"
                )
        self.losses += losses
        self.unread.clear()

    def save(self, checkpoint: Path) -> None:
        """Write everything that `resume` needs, atomically, after the losses so far were found finite."""
        self.read_losses(checkpoint)
        state = {
            "identity": self.identity,
            "step": self.step,
            "losses": self.losses,
            "players": [seat.state() for seat in self.seats],
            "ema": self.ema.state_dict(),
        }
        with atomic_path(checkpoint) as temporary:
            torch.save(state, temporary)

    def save_weights(self, path: Path) -> None:
        """Write the EMA weights of the first player's network, atomically. Training goes on with its own."""
        self.ema.store(self.weights)
        self.ema.copy_to(self.weights)
        with atomic_path(path) as temporary:
            torch.save(self.seats[0].network.state_dict(), temporary)
        self.ema.restore(self.weights)

    def resume(self, checkpoint: Path) -> None:
        if not checkpoint.exists():
            return
        try:
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load raises many kinds for a damaged file
            log.warning("%s: not a whole checkpoint (%s); starting anew", checkpoint, type(error).__name__)
            remove(checkpoint)
            return
        if state["identity"] != self.identity:
            log.info("%s: belongs to other parameters, code or members; starting anew", checkpoint)
            return
        for seat, own in zip(self.seats, state["players"], strict=True):
            seat.restore(own)
        self.ema.load_state_dict(state["ema"])
        self.ema.to(next(self.weights).device)
        self.step, self.losses = state["step"], state["losses"]
        log.info("%s: resuming at step %d", checkpoint, self.step)


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def _flip(x: torch.Tensor) -> torch.Tensor:
    """Mirror each image with probability one half."""
    mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(-1), x)
