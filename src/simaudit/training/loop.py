"""The one training loop: Adam, warm-up, gradient clipping, EMA, checkpoints that resume to the same weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.optimization import get_constant_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch.nn.utils import clip_grad_norm_

from simaudit.errors import SimauditError
from simaudit.files import atomic_path, remove
from simaudit.progress import Progress, log
from simaudit.targets import Training

READ_LOSS_EVERY = 20  # steps; reading a loss makes a GPU wait

Objective = Callable[[torch.Tensor], torch.Tensor]
"""Images of a batch (B, C, H, W) → the loss to minimise, a scalar. Draws its noise from torch's global generator."""


def train(
    model: torch.nn.Module,
    objective: Objective,
    images: np.ndarray,
    ids: np.ndarray,
    knobs: Training,
    checkpoint: Path,
    identity: str,
) -> list[float]:
    """Minimise `objective` over images[ids] and leave the EMA weights in `model`; returns each epoch's mean loss.

    No epochs leave the weights as they are.

    Every step draws its randomness from (seed, step) and every epoch its order from (seed, epoch), so that a run
    resumed from `checkpoint` ends at the same weights as an uninterrupted one (on the same machine and threads).
    A checkpoint of another `identity` is ignored. The checkpoint is left in place: the caller removes it once the
    weights are saved.
    Raises SimauditError, naming the step and the last good checkpoint, when the loss is not finite.
    """
    run = _Run.start(model, knobs, identity)
    run.resume(checkpoint)
    device = next(model.parameters()).device
    batches = -(-len(ids) // knobs.batch_size)
    total = knobs.epochs * batches
    model.train()
    with Progress("training", total, done=run.step) as progress:
        while run.step < total:
            epoch, batch = divmod(run.step, batches)
            order = np.random.default_rng([knobs.seed, epoch]).permutation(ids)
            parts = np.split(order, range(knobs.batch_size, len(ids), knobs.batch_size))
            for batch_ids in parts[batch:]:
                torch.manual_seed(_step_seed(knobs.seed, run.step))
                x = torch.from_numpy(images[batch_ids]).to(device)
                loss = run.update(objective(_flip(x) if knobs.horizontal_flip else x))
                run.unread.append(loss)
                if run.step % knobs.checkpoint_every == 0 or run.step == total:
                    run.save(checkpoint)
                elif run.step % READ_LOSS_EVERY == 0:
                    run.read_losses(checkpoint)
                progress.advance(facts=run.facts)
    run.ema.copy_to(model.parameters())
    model.eval()
    losses = np.array(run.losses)
    if not total:
        return []
    return [float(part.mean()) for part in np.split(losses, range(batches, total, batches))]


@dataclass
class _Run:
    """All state of a training run: what a checkpoint holds, and what it is written from."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    warmup: Any
    ema: EMAModel
    clip: float
    identity: str
    step: int = 0
    losses: list[float] = field(default_factory=list)  # one a step
    unread: list[torch.Tensor] = field(default_factory=list)  # the latest, still on the device

    @classmethod
    def start(cls, model: torch.nn.Module, knobs: Training, identity: str) -> "_Run":
        optimizer = torch.optim.Adam(model.parameters(), lr=knobs.learning_rate, fused=True)
        warmup = get_constant_schedule_with_warmup(optimizer, knobs.warmup_steps)
        ema = EMAModel(model.parameters(), decay=knobs.ema_decay, foreach=True)
        return cls(model, optimizer, warmup, ema, knobs.gradient_clip, identity)

    def update(self, loss: torch.Tensor) -> torch.Tensor:
        """One step of gradient descent; returns the loss, detached."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.warmup.step()
        self.ema.step(self.model.parameters())
        self.step += 1
        return loss.detach()

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
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "warmup": self.warmup.state_dict(),
            "ema": self.ema.state_dict(),
        }
        with atomic_path(checkpoint) as temporary:
            torch.save(state, temporary)

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
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.warmup.load_state_dict(state["warmup"])
        self.ema.load_state_dict(state["ema"])
        self.ema.to(next(self.model.parameters()).device)
        self.step, self.losses = state["step"], state["losses"]
        log.info("%s: resuming at step %d", checkpoint, self.step)


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def _flip(x: torch.Tensor) -> torch.Tensor:
    """Mirror each image with probability one half."""
    mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(-1), x)
