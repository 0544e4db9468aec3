"""Reading the layout of a model's folder, or saying in one line why it is none that can be audited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simaudit.targets.checkpoint.component import (
    CONFIG,
    SAVED,
    Component,
    component,
    read_object,
    with_weights,
)
from simaudit.targets.checkpoint.conditions import classes_of
from simaudit.targets.checkpoint.hub import fetching, revision_of
from simaudit.targets.checkpoint.latents import (
    DEFAULT_HALVINGS,
    DEFAULTS,
    autoencoder_file,
    image_shape,
    scaling_of,
)
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.schedulers import SCHEDULER, SCHEDULERS, forward_process
from simaudit.targets.checkpoint.transformer import DIT, OLDER, latent_shape
from simaudit.targets.checkpoint.unets import Sampled, has_variance, sampled_by, times_told
from simaudit.targets.networks.classes import OWN
from simaudit.vocabulary.errors import FileError, KnobError, shown

INDEX, UNETS = "model_index.json", ("UNet2DModel", *OWN)
NETWORKS = (*UNETS, DIT, OLDER)
OF_PIPELINE, OF_TRAINING = ("unet", "transformer", "unet_ema"), ("unet_ema", "unet", "transformer")
"""The folders of networks, the one that is taken first: a pipeline names its own, and a training keeps an average."""
NAMED = "name a file scheduler_config.json as diffusers saves it"


def inspect(
    folder: Path, part: str | None = None, scheduler: Path | None = None, empty_class: int | None = None
) -> Layout:
    """Return the layout of a folder in which diffusers saved a model.

    `part` names the network among several; `scheduler` is a scheduler_config.json, which is taken instead of the
    folder's; `empty_class` is what the user says of a U-Net of classes. Raises KnobError, of the key that is wrong,
    where it is none that can be audited.
    """
    with _wrong("path"):
        if not folder.is_dir():
            state = "is a file" if folder.is_file() else "no such folder"
            raise FileError(f"{folder}: {state}; {SAVED}{fetching(str(folder))}")
        index = read_object(folder / INDEX) if (folder / INDEX).is_file() else {}
        _require_no_text(folder, index)
        name, beside = _network(folder, part, index)
        network = with_weights(folder / name / CONFIG, NETWORKS)
        sampled = _sampled(network)
        coder = autoencoder_file(folder)
        autoencoder = with_weights(coder, tuple(DEFAULTS)) if coder else None
        shape = image_shape(autoencoder, sampled.shape) if autoencoder else sampled.shape
        classes, empty_class = classes_of(network, empty_class)
    with _wrong("scheduler" if scheduler else "path"):
        noise = component(scheduler or _scheduler(folder), SCHEDULERS, NAMED if scheduler else None)
        prediction, timesteps = forward_process(noise)
        if (rows := times_told(network)) is not None:
            if prediction == "flow_velocity":
                raise FileError(f"{network.file}: has a table of whole times, and flows have none")
            if rows < timesteps:
                raise FileError(
                    f"{network.file}: has a table of {rows} timesteps, and {noise.file} has {timesteps}; name the "
                    f"{SCHEDULER} that the model was trained with"
                )
    return Layout(
        folder=folder,
        pipeline=_pipeline(index),
        part=name,
        beside=beside,
        revision=revision_of(folder, network.files),
        network=network,
        scheduler=noise,
        autoencoder=autoencoder,
        scaling=scaling_of(autoencoder) if autoencoder else None,
        prediction=prediction,
        timesteps=timesteps,
        shape=shape,
        sampled=sampled.shape,
        halvings=sampled.halvings + (autoencoder.halvings(DEFAULT_HALVINGS) if autoencoder else 0),
        learned_variance=sampled.learned_variance,
        classes=classes,
        empty_class=empty_class,
    )


@contextmanager
def _wrong(key: str) -> Iterator[None]:
    """Name the key by which a file is found that cannot be used."""
    try:
        yield
    except FileError as error:
        raise KnobError(key, str(error)) from None
    except OSError as error:
        raise KnobError(key, f"{error.filename}: cannot be read ({error.strerror}); {SAVED}") from None


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
        raise FileError(
            f"{folder}: has no {CONFIG}, and none in a folder {OF_PIPELINE[0]}; {SAVED}, or make one of a checkpoint "
            "of another kind with: simaudit convert"
        )
    taken = part or here[0]
    return taken, tuple(name for name in here if name not in ("", taken))


def _sampled(network: Component) -> Sampled:
    """Return what a network takes, a U-Net or a DiT."""
    if network.class_name in UNETS:
        return sampled_by(network)
    shape = latent_shape(network)
    return Sampled(shape, 0, has_variance(network, shape[0], shape[0]))


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
