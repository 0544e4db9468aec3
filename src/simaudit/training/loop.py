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

from simaudit.data.store import Images
from simaudit.machine.precision import placed
from simaudit.machine.progress import Progress, log
from simaudit.machine.transfer import sent_ahead
from simaudit.storage.atomic import atomic_path, remove
from simaudit.training.knobs import Training
from simaudit.vocabulary.errors import SimauditError, is_out_of_memory

READ_LOSS_EVERY = 20  # steps; reading a loss makes a GPU wait
STATE = ("identity", "step", "losses", "trainables", "ema")  # what a checkpoint holds

Objective = Callable[[torch.Tensor, int], torch.Tensor | None]
"""A batch (B, C, H, W) and the step's number → the loss to minimise, a scalar; None leaves the network as it is.

An objective draws its noise from torch's global generator.
"""


class Trainable(NamedTuple):
    """A network, and the objective that it minimises."""

    network: torch.nn.Module
    objective: Objective


def train(
    trainables: Sequence[Trainable],
    images: Images | np.ndarray,
    ids: np.ndarray,
    knobs: Training,
    checkpoint: Path,
    identity: str,
) -> list[float]:
    """Train on images[ids] (…, C, H, W), leave the EMA weights in the first network, return its mean loss per epoch.

    Networks are updated in turn; each update changes that network's own weights only. The first network is the one
    that the training is for: it alone is averaged, and its objective gives a loss at every step. Without epochs the
    weights stay as they are.

    Every step draws its randomness from (seed, step) and every epoch its order from (seed, epoch), so that a run
    resumed from `checkpoint` ends at the same weights as an uninterrupted one (on the same machine and threads; on a
    GPU if the network uses no operation that CUDA adds up in any order, see `set_precision`).
    A checkpoint of another `identity` is ignored; it stands for everything that decides the weights, and therefore
    not for `checkpoint_every`, `threads` and `device`, which may have changed when a run resumes.
    After each epoch of `knobs.intermediate_epochs` the EMA weights are written to `intermediate_path`. The checkpoint
    is left in place: the caller removes it once the weights are saved.
    Raises SimauditError, naming the step and the last good checkpoint, when the loss is not finite.
    """
    device = next(trainables[0].network.parameters()).device
    networks = [placed(trainable.network, device).train() for trainable in trainables]
    run = _Run.start(trainables, knobs, identity)
    run.resume(checkpoint)
    batches = -(-len(ids) // knobs.batch_size)
    total = knobs.epochs * batches
    with Progress(checkpoint.stem, total, done=run.step) as progress:
        while run.step < total:
            epoch, batch = divmod(run.step, batches)
            order = np.random.default_rng([knobs.seed, epoch]).permutation(ids)
            parts = np.split(order, range(knobs.batch_size, len(ids), knobs.batch_size))
            for x in sent_ahead((images[batch_ids] for batch_ids in parts[batch:]), device):
                torch.manual_seed(_step_seed(knobs.seed, run.step))
                run.update(_flip(x) if knobs.horizontal_flip else x)
                if run.step % batches == 0 and epoch + 1 in knobs.intermediate_epochs:
                    # Before the checkpoint: a run that resumes from it does not come by this epoch again.
                    run.save_weights(intermediate_path(checkpoint, epoch + 1))
                if run.step % knobs.checkpoint_every == 0 or run.step == total:
                    run.save(checkpoint)
                elif run.step % READ_LOSS_EVERY == 0:
                    run.read_losses(checkpoint)
                progress.advance(facts=run.facts)
    run.ema.copy_to(run.weights)
    for network in networks:
        network.to(memory_format=torch.contiguous_format).eval()  # as files hold weights
    losses = np.array(run.losses)
    if not total:
        return []
    return [float(part.mean()) for part in np.split(losses, range(batches, total, batches))]


def intermediate_path(checkpoint: Path, epoch: int) -> Path:
    """Return where the EMA weights after that many epochs are written, beside the checkpoint."""
    return checkpoint.with_name(f"{checkpoint.stem}-{epoch}.pt")


@dataclass
class _Optimised:
    """A trainable with its optimiser."""

    network: torch.nn.Module
    objective: Objective
    optimizer: torch.optim.Optimizer
    warmup: Any

    @classmethod
    def of(cls, trainable: Trainable, knobs: Training) -> "_Optimised":
        optimizer = torch.optim.Adam(trainable.network.parameters(), lr=knobs.learning_rate, fused=True)
        return cls(*trainable, optimizer, get_constant_schedule_with_warmup(optimizer, knobs.warmup_steps))

    def step(self, x: torch.Tensor, step: int, clip: float) -> torch.Tensor | None:
        """Take one step of gradient descent with this network's weights only; return the loss, detached."""
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
    """All state of a training run, which a checkpoint holds."""

    optimised: list[_Optimised]
    ema: EMAModel
    clip: float
    identity: str
    step: int = 0
    losses: list[float] = field(default_factory=list)  # one per step
    unread: list[torch.Tensor] = field(default_factory=list)  # the latest, still on the device

    @classmethod
    def start(cls, trainables: Sequence[Trainable], knobs: Training, identity: str) -> "_Run":
        optimised = [_Optimised.of(trainable, knobs) for trainable in trainables]
        ema = EMAModel(optimised[0].network.parameters(), decay=knobs.ema_decay, foreach=True)
        return cls(optimised, ema, knobs.gradient_clip, identity)

    @property
    def weights(self) -> Iterator[torch.nn.Parameter]:
        """The weights that are averaged: those of the first network."""
        return self.optimised[0].network.parameters()

    def update(self, x: torch.Tensor) -> None:
        """Update every network once; append the first one's loss to the unread ones."""
        loss, *_ = [trainable.step(x, self.step, self.clip) for trainable in self.optimised]
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
                last = (
                    f"the last good checkpoint is {checkpoint}"
                    if checkpoint.exists()
                    else "no checkpoint yet"
                )
                raise SimauditError(
                    f"training: the loss is {loss} at step {step}; lower the learning_rate ({last})"
                )
        self.losses += losses
        self.unread.clear()

    def save(self, checkpoint: Path) -> None:
        """Write everything that `resume` needs, atomically, once the losses so far are known to be finite."""
        self.read_losses(checkpoint)
        trainables = [trainable.state() for trainable in self.optimised]
        values = (self.identity, self.step, self.losses, trainables, self.ema.state_dict())
        with atomic_path(checkpoint) as temporary:
            torch.save(dict(zip(STATE, values, strict=True)), temporary)

    def save_weights(self, path: Path) -> None:
        """Write the EMA weights of the first network, atomically. Training goes on with the network's own weights."""
        self.ema.store(self.weights)
        self.ema.copy_to(self.weights)
        with atomic_path(path) as temporary:
            torch.save(self.optimised[0].network.state_dict(), temporary)
        self.ema.restore(self.weights)

    def resume(self, checkpoint: Path) -> None:
        """Go on from the checkpoint, on whatever device the networks are now, if it is a whole one of this run."""
        state = _read(checkpoint)
        if state is None:
            return
        if state["identity"] != self.identity:
            log.info("%s: belongs to other parameters, code or members; starting anew", checkpoint)
            return
        for trainable, own in zip(self.optimised, state["trainables"], strict=True):
            trainable.restore(own)
        self.ema.load_state_dict(state["ema"])
        self.ema.to(next(self.weights).device)
        self.step, self.losses = state["step"], state["losses"]
        log.info("%s: resuming at step %d", checkpoint, self.step)


def _read(checkpoint: Path) -> dict[str, Any] | None:
    """Return what a checkpoint holds, or None where there is none; remove a file that is no whole checkpoint."""
    if not checkpoint.exists():
        return None
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds for a damaged file
        if is_out_of_memory(error) or isinstance(error, PermissionError):
            raise
        problem = type(error).__name__
    else:
        if isinstance(content, dict) and content.keys() >= set(STATE):
            return content
        problem = "it holds something else"
    log.warning("%s: not a whole checkpoint (%s); starting anew", checkpoint, problem)
    remove(checkpoint)
    return None


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def _flip(x: torch.Tensor) -> torch.Tensor:
    """Mirror each image with probability one half."""
    mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(-1), x)
