"""The knobs of a noise schedule and of a training."""

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.bounds import (
    MOST_EPOCHS,
    MOST_STEPS,
    STEPS,
    BatchSize,
    Factor,
    Most,
    Steps,
)
from simaudit.vocabulary.knobs import Device, Epochs, Knobs, Precision, Seed, Speed, Threads

if TYPE_CHECKING:
    from diffusers import DDPMScheduler

    from simaudit.diffusion.schedule import NoiseSchedule


POWERS = {"linear": 1, "scaled_linear": 2}
SMALLEST_LOG_SIGNAL = -69.0  # ᾱ of 1e-30; single precision ends at 1e-38


class Schedule(Knobs):
    """The forward process, in diffusers' names (DDPMScheduler)."""

    num_train_timesteps: Annotated[int, Field(ge=2), Most(STEPS, "tables hold timesteps in 16 bits")] = 1000
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: Annotated[float, Field(ge=1e-6, lt=1)] = 1e-4  # of less, 1 − β is 1 in single precision
    beta_end: Annotated[float, Field(ge=1e-6, lt=1)] = 0.02

    @model_validator(mode="after")
    def _noise_grows(self) -> "Schedule":
        if self.beta_start > self.beta_end:
            raise PydanticCustomError(
                "betas", "beta_start must be at most beta_end ({end})", {"end": self.beta_end}
            )
        if self.beta_schedule in POWERS and self._last_log_signal() < SMALLEST_LOG_SIGNAL:
            raise PydanticCustomError(
                "signal",
                "after {steps} steps single precision holds nothing of an image; lower beta_end or num_train_timesteps",
                {"steps": self.num_train_timesteps},
            )
        return self

    def _last_log_signal(self) -> float:
        """Return log ᾱ at the last timestep, where β^(1/power) grows linearly."""
        power, steps = POWERS[self.beta_schedule], self.num_train_timesteps
        first, last = self.beta_start ** (1 / power), self.beta_end ** (1 / power)
        return sum(
            math.log1p(-((first + (last - first) * step / (steps - 1)) ** power)) for step in range(steps)
        )

    def scheduler(self) -> "DDPMScheduler":
        """Return it as diffusers' scheduler, which is saved with a target."""
        from diffusers import DDPMScheduler

        return DDPMScheduler(**self.model_dump())

    def noise(self) -> "NoiseSchedule":
        """Return it as the tables of a_t = √ᾱ_t and s_t = √(1 − ᾱ_t)."""
        from simaudit.diffusion.schedule import NoiseSchedule

        return NoiseSchedule.of(self.scheduler())


class Fitting(Knobs):
    """How one network is trained. With 0 epochs it stays at its initialisation.

    `checkpoint_every`, in steps, decides nothing but what a killed run loses.
    """

    epochs: Annotated[int, Field(ge=0), MOST_EPOCHS]
    batch_size: BatchSize = 128
    learning_rate: Annotated[float, Field(gt=0), Most(10, "longer steps undo what was learned")]
    warmup_steps: Steps = 0
    gradient_clip: Factor = 1.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    horizontal_flip: bool = False
    checkpoint_every: Annotated[int, Field(gt=0), MOST_STEPS, Speed()] = 500


class Training(Fitting):
    """How a target is trained: its denoiser, and its autoencoder with the same seed, precision, device and threads."""

    seed: Seed = 0
    precision: Precision = "float32"
    """What networks compute in; weights, their averages and the optimiser are float32."""
    intermediate_epochs: Epochs = ()
    """Epochs after which an intermediate checkpoint of the denoiser is written, to show the leak over training."""
    device: Device = "auto"
    threads: Threads = 1

    @model_validator(mode="after")
    def _intermediate_epochs_come_before_the_end(self) -> "Training":
        if self.intermediate_epochs and self.intermediate_epochs[-1] >= self.epochs:
            raise PydanticCustomError(
                "intermediate_epochs",
                "intermediate_epochs must be below epochs ({epochs}), after which the target itself is saved",
                {"epochs": self.epochs},
            )
        return self
