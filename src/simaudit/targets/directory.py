"""Networks and noise schedules as diffusers saves them, read from files of this machine and from no others.

The files are those that a `Component` names, so that what is read is what was hashed. Weights are read here and not by
diffusers, which would take other files of the same folder, and leave weights that a file lacks at random numbers.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import diffusers
import safetensors
import torch

from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.machine.precision import placed
from simaudit.storage.reading import reading
from simaudit.targets.checkpoint.component import CONFIG, Component, component, with_weights
from simaudit.targets.checkpoint.schedulers import SCHEDULER, SCHEDULERS, forward_process
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.networks.classes import network_class
from simaudit.vocabulary.errors import FileError, some

RETRAIN = "train the target again"
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What the projections of attention were called in older files, and are called now."""
OLD_NAME = re.compile(rf"(?<=\.)({'|'.join(OLD_NAMES)})(?=\.(?:weight|bias)$)")


def read_network(part: Component, remedy: str = RETRAIN) -> Any:
    """Return the network of a part, on the CPU in single precision, to be used as it is and not trained.

    Raises SimauditError where its files hold no such network; `remedy` is what to do then.
    """
    weights = {
        OLD_NAME.sub(lambda old: OLD_NAMES[old[0]], name): value
        for file in part.tensors
        for name, value in _read_weights(file, remedy).items()
    }
    network = _of_diffusers(part, remedy)
    wanted = network.state_dict()
    for name, _ in network.named_buffers():
        if name not in wanted:  # it follows from the config, and older versions saved it
            weights.pop(name, None)
    lacking, more = wanted.keys() - weights.keys(), weights.keys() - wanted.keys()
    for what, names in ("lack", lacking), ("have in excess", more):
        if names:
            raise FileError(f"{part.folder}: the weights {what} {some(sorted(names), 3)}; {remedy}")
    for name, value in weights.items():
        if value.shape != wanted[name].shape or value.is_floating_point() != wanted[name].is_floating_point():
            got, want = (f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in (value, wanted[name]))
            raise FileError(f"{part.folder}: the weights {name} are {got}, and must be {want}; {remedy}")
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def read_schedule(part: Component, device: torch.device, remedy: str = RETRAIN) -> NoiseSchedule:
    """Return the noise schedule of a scheduler of diffusers, on `device`. Raises SimauditError where it is none."""
    return NoiseSchedule.of(_of_diffusers(part, remedy)).to(device)


def network_in(folder: Path, class_name: str, remedy: str = RETRAIN) -> Any:
    """Return the network of that class in a folder, as `read_network` does."""
    return read_network(with_weights(folder / CONFIG, (class_name,), remedy), remedy)


def own_schedule(directory: Path, device: torch.device) -> NoiseSchedule:
    """Return the noise schedule in the directory of a target that was made here, on `device`."""
    return read_schedule(_own_scheduler(directory), device)


def own_denoiser(directory: Path, device: torch.device) -> Denoiser:
    """Return the denoiser in the directory of a target that was trained here, on `device`."""
    prediction, _ = forward_process(_own_scheduler(directory))
    network = network_in(directory / "unet", "UNet2DModel")
    return Denoiser(placed(network, device), own_schedule(directory, device), prediction)


def _own_scheduler(directory: Path) -> Component:
    return component(directory / "scheduler" / SCHEDULER, SCHEDULERS, RETRAIN)


def _of_diffusers(part: Component, remedy: str) -> Any:
    """Return the object of diffusers that a config describes: a network without its weights, or a scheduler."""
    diffusers.utils.logging.set_verbosity_error()  # it would tell of each setting that it does not know
    with reading(part.file, f"the config of a {part.class_name}", remedy):
        return network_class(part.class_name).from_config(dict(part.config))


def _read_weights(file: Path, remedy: str) -> dict[str, torch.Tensor]:
    """Return the tensors in a file by name. Of a pickle nothing but tensors is ever made."""
    with reading(file, "a whole file of weights", remedy):
        if file.suffix == ".safetensors":
            with safetensors.safe_open(file, "pt") as content:
                return {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (no mapping)
        try:
            loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise FileError(
                f"{file}: no pickle of weights alone, and nothing else in it is run; get the model as safetensors"
            ) from None
        if not isinstance(loaded, dict) or not all(map(torch.is_tensor, loaded.values())):
            raise ValueError("it is no mapping of names to tensors")
        return {str(name): value for name, value in loaded.items()}
