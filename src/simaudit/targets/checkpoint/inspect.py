"""Reading the layout of a model's folder, or saying in one line why it is none that can be audited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simaudit.targets.checkpoint.component import (
    CONFIG,
    SAVED,
    component,
    read_object,
    with_weights,
)
from simaudit.targets.checkpoint.hub import fetching, revision_of
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.schedulers import SCHEDULER, SCHEDULERS, forward_process
from simaudit.targets.checkpoint.unets import sampled_by
from simaudit.vocabulary.errors import FileError, KnobError, shown

INDEX = "model_index.json"
NETWORKS = ("UNet2DModel",)
OF_PIPELINE, OF_TRAINING = ("unet", "unet_ema"), ("unet_ema", "unet")
"""The folders of networks, the one that is taken first: a pipeline names its own, and a training keeps an average."""


def inspect(folder: Path, part: str | None = None, scheduler: Path | None = None) -> Layout:
    """Return the layout of a folder in which diffusers saved a model.

    `part` names the network among several; `scheduler` is a scheduler_config.json, which is taken instead of the
    folder's. Raises KnobError, of the key that is wrong, where it is none that can be audited.
    """
    if not folder.is_dir():
        state = "is a file" if folder.is_file() else "no such folder"
        raise KnobError("path", f"{folder}: {state}; {SAVED}{fetching(str(folder))}")
    with _wrong("path"):
        index = read_object(folder / INDEX) if (folder / INDEX).is_file() else {}
        _require_no_text(folder, index)
    name, beside = _network(folder, part, index)
    with _wrong("network" if part else "path"):
        network = with_weights(folder / name / CONFIG, NETWORKS)
        sampled = sampled_by(network)
    with _wrong("scheduler" if scheduler else "path"):
        noise = component(scheduler or _scheduler(folder), SCHEDULERS)
        prediction, timesteps = forward_process(noise)
    if prediction == "flow_velocity" and network.config.get("time_embedding_type") == "learned":
        raise KnobError(
            "path", f"{network.file}: time_embedding_type is 'learned', and flows have no whole times"
        )
    return Layout(
        folder=folder,
        pipeline=_pipeline(index),
        part=name,
        beside=beside,
        revision=revision_of(folder, network.files),
        network=network,
        scheduler=noise,
        prediction=prediction,
        timesteps=timesteps,
        shape=sampled.shape,
        sampled=sampled.shape,
        halvings=sampled.halvings,
        learned_variance=sampled.learned_variance,
        classes=sampled.classes,
    )


@contextmanager
def _wrong(key: str) -> Iterator[None]:
    try:
        yield
    except FileError as error:
        raise KnobError(key, str(error)) from None


def _require_no_text(folder: Path, index: Mapping[str, Any]) -> None:
    if texts := sorted(key for key in index if key.startswith(("text_encoder", "tokenizer"))):
        raise FileError(
            f"{folder / INDEX}: has a {texts[0]}; text-conditional models are not audited, name a model without a "
            "condition or one of classes"
        )


def _network(folder: Path, part: str | None, index: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the folder of the network in a model's folder, empty where it is that itself, and those of others."""
    here = [name for name in (OF_PIPELINE if index else OF_TRAINING) if (folder / name / CONFIG).is_file()]
    here += [""] if (folder / CONFIG).is_file() else []
    if part and part not in here:
        raise KnobError(
            "network", f"{folder / part / CONFIG}: missing; leave network out, or name another folder"
        )
    if not here:
        raise KnobError(
            "path",
            f"{folder}: has no {CONFIG}, and none in a folder {OF_PIPELINE[0]}; {SAVED}, or make one of a checkpoint "
            "of another kind with: simaudit convert",
        )
    taken = part or here[0]
    return taken, tuple(name for name in here if name not in ("", taken))


def _scheduler(folder: Path) -> Path:
    """Return the config of a folder's scheduler. Raises FileError when it has none."""
    for file in (folder / "scheduler" / SCHEDULER, folder / SCHEDULER):
        if file.is_file():
            return file
    raise FileError(
        f"{folder / 'scheduler' / SCHEDULER}: missing; name the {SCHEDULER} that the model was trained with by the "
        "knob scheduler"
    )


def _pipeline(index: Mapping[str, Any]) -> str | None:
    """Return the name of the class of the whole pipeline, which is never made: it may be code of the folder's own."""
    name = index.get("_class_name")
    last = name[-1] if isinstance(name, list) and name else name
    return last if last is None or isinstance(last, str) else shown(last)
