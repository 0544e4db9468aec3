"""Writing a checkpoint of another code base as a folder that diffusers loads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import diffusers

from simaudit.storage.atomic import atomic_path
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json, write_json
from simaudit.targets.convert.flags import Flags
from simaudit.targets.convert.format import Format
from simaudit.targets.convert.guided_diffusion import GUIDED_DIFFUSION
from simaudit.targets.convert.mapping import Entry, filled, joined
from simaudit.targets.convert.pytorch_ddpm import PYTORCH_DDPM
from simaudit.targets.convert.weights import Weights, read_weights
from simaudit.targets.networks.classes import network_class
from simaudit.vocabulary.errors import SimauditError, shown

FORMATS = {one.name: one for one in (PYTORCH_DDPM, GUIDED_DIFFUSION)}
EDM = "a network of EDM is a pickle that holds its own program, which would run while it is read"
NOTE = "conversion.json"  # what was converted, beside the files of diffusers


@dataclass(frozen=True)
class Converted:
    """What was written: the class of the network, how many weights it has, and the name of those that were taken."""

    network: str
    parameters: int
    timesteps: int
    chosen: str | None


def convert(
    name: str, checkpoint: Path, flagfile: Path | None, weights_name: str | None, output: Path
) -> Converted:
    """Write a checkpoint of the format of that name as a folder of diffusers' DDPMPipeline, and compare every weight.

    The folder appears when it is whole. Raises SimauditError, naming the file, tensor or flag, where anything of the
    checkpoint is not as the format has it, and for an output that is not free.
    """
    kind = _format(name, checkpoint)
    _require_free(output)
    flags, weights = Flags.read(flagfile), read_weights(checkpoint, weights_name, kind.preferred)
    conversion = kind.read(weights, flags)
    if why := conversion.architecture.why_impossible():
        raise SimauditError(f"{checkpoint}: {why}; name a checkpoint and the flags that belong to it")
    network = conversion.architecture.network()
    state = filled(conversion.entries, weights, conversion.given, network.state_dict())
    network.load_state_dict(state, assign=True)
    with atomic_path(output) as folder:
        diffusers.DDPMPipeline(network, conversion.scheduler).save_pretrained(folder)
        note = {
            "format": name,
            "checkpoint": {"file": checkpoint.name, "sha256": sha256_file(checkpoint)},
            "weights": weights.chosen,
            "flags": {flag: list(texts) for flag, texts in flags.texts.items()},
        }
        write_json(folder / NOTE, note)
        _require_same(folder / "unet", conversion.entries, weights)
    return Converted(
        type(network).__name__, network.num_parameters(), len(conversion.scheduler), weights.chosen
    )


def _format(name: str, checkpoint: Path) -> Format:
    if name.lower() == "edm" or checkpoint.suffix == ".pkl":
        raise SimauditError(f"{checkpoint}: cannot be converted: {EDM}; name a .pt of another format")
    if name not in FORMATS:
        raise SimauditError(
            f"simaudit convert: FORMAT must be one of {', '.join(FORMATS)} (got {shown(name)})"
        )
    return FORMATS[name]


def _require_free(output: Path) -> None:
    """Raise SimauditError when something is in the output folder."""
    if (output.is_dir() and any(output.iterdir())) or (output.exists() and not output.is_dir()):
        raise SimauditError(f"{output}: exists and is not an empty folder; name another for --output")


def _require_same(folder: Path, entries: Iterable[Entry], weights: Weights) -> None:
    """Raise RuntimeError when a network, read back from its folder, is not to the bit that of the checkpoint."""
    kind = network_class(read_json(folder / "config.json")["_class_name"])
    state = kind.from_pretrained(folder, low_cpu_mem_usage=False, local_files_only=True).state_dict()
    for entry in entries:
        is_of_it = entry.source in weights.tensors
        if is_of_it and not joined(entry, state).equal(weights.tensors[entry.source]):
            raise RuntimeError(f"{folder}: {entry.source} was written as other numbers")
