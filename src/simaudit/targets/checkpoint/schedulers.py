"""What the scheduler of a model says of its forward process, by its config alone."""

from __future__ import annotations

from simaudit.diffusion.prediction import Prediction
from simaudit.targets.checkpoint.component import Component
from simaudit.vocabulary.bounds import STEPS
from simaudit.vocabulary.errors import FileError, shown, some

OF_BETAS = (
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDIMScheduler",
    "DDPMParallelScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepInverseScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)
"""Schedulers of diffusers with β_t. They differ in how they draw samples, which an audit does not ask them to do."""
OF_FLOW = "FlowMatchEulerDiscreteScheduler"
"""The scheduler of flow matching. What a network predicts under it is the velocity, whatever its config says."""
SCHEDULER = "scheduler_config.json"
SCHEDULERS = (*OF_BETAS, OF_FLOW)

PREDICTED: dict[str, Prediction] = {
    "epsilon": "epsilon",
    "sample": "sample",
    "v_prediction": "v_prediction",
}
BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace")
OTHER_PROCESS = {
    "use_flow_sigmas": "name a scheduler_config.json of FlowMatchEulerDiscreteScheduler by the knob scheduler",
    "invert_sigmas": "only models that are told the time of the noise can be audited",
}
"""Settings that make another forward process of it when they are true, and what to do then."""


def forward_process(part: Component) -> tuple[Prediction, int]:
    """Return what a network predicts under a scheduler, and how many timesteps there are.

    Raises FileError when its config is not that of a forward process that can be audited.
    """
    for setting, remedy in OTHER_PROCESS.items():
        if part.config.get(setting):
            raise FileError(f"{part.file}: {setting} is {shown(part.config[setting])}; {remedy}")
    if part.class_name == OF_FLOW:
        return "flow_velocity", part.count("num_train_timesteps", 1000, STEPS)
    _require_one_of(part, "beta_schedule", BETA_SCHEDULES, "linear")
    _require_one_of(part, "timestep_type", ("discrete",), "discrete")
    return PREDICTED[_require_one_of(part, "prediction_type", tuple(PREDICTED), "epsilon")], _steps(part)


def _require_one_of(part: Component, key: str, known: tuple[str, ...], default: str) -> str:
    value = part.config.get(key, default)
    if value not in known:
        raise FileError(f"{part.file}: {key} is {shown(value)}; what can be audited: {some(known)}")
    return str(value)


def _steps(part: Component) -> int:
    """Return the number of timesteps, which is that of trained betas where there are any."""
    steps, betas = part.count("num_train_timesteps", 1000, STEPS), part.config.get("trained_betas")
    if betas is None:
        return steps
    if (
        not isinstance(betas, list)
        or not all(_is_share(beta) for beta in betas)
        or not 2 <= len(betas) <= STEPS
    ):
        raise FileError(
            f"{part.file}: trained_betas must be 2 to {STEPS} numbers from 0 to 1 (got {shown(betas)})"
        )
    return len(betas)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
