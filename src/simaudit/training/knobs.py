"""How networks are trained: the knobs of a schedule and of a training."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from simaudit.vocabulary.knobs import Device, Epochs, Knobs, Seed, Speed, Threads

if TYPE_CHECKING:
    from simaudit.diffusion.schedule import NoiseSchedule


class Schedule(Knobs):
    """The forward process, in diffusers' names (DDPMScheduler)."""

    num_train_timesteps: Annotated[int, Field(ge=2, le=32767)] = 1000
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 0.02

    def noise(self) -> "NoiseSchedule":
        """Its ᾱ_t."""
        from diffusers import DDPMScheduler

        from simaudit.diffusion.schedule import NoiseSchedule

        return NoiseSchedule.of(DDPMScheduler(**self.model_dump()))


class Fitting(Knobs):
    """How a network's weights are found. 0 epochs leave it at its initialisation."""

    epochs: NonNegativeInt
    batch_size: PositiveInt = 128
    learning_rate: float = Field(gt=0)
    warmup_steps: NonNegativeInt = 0
    gradient_clip: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.9999, ge=0, lt=1)
    horizontal_flip: bool = False
    checkpoint_every: Annotated[PositiveInt, Speed()] = 500


class Training(Fitting):
    """How a target is trained: its denoiser, and with the same seed, device and threads whatever else it has."""

    seed: Seed = 0
    intermediate_epochs: Epochs = ()
    """Epochs after which the denoiser's state is kept, so that leakage can be drawn over training."""
    device: Device = "auto"
    threads: Threads = 1

    @model_validator(mode="after")
    def _snapshots_come_before_the_end(self) -> "Training":
        if self.intermediate_epochs and self.intermediate_epochs[-1] >= self.epochs:
            raise PydanticCustomError(
                "snapshots",
                "intermediate_epochs must be below epochs ({epochs}), whose state is the target itself",
                {"epochs": self.epochs},
            )
        return self
