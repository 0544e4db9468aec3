"""Reading the layout of a model's folder, or saying in one line why it is none that can be audited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simaudit.targets.checkpoint.conditions import classes_of
from simaudit.targets.checkpoint.latents import autoencoder_file, image_shape, scaling_of
from simaudit.targets.checkpoint.layout import Component, Layout
from simaudit.targets.checkpoint.transformer import latent_shape
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import KnobError

LARGEST_JSON = 2**24  # bytes; the index of a sharded model may list some thousand weights
TRANSFORMER = "transformer"
WEIGHTS = "diffusion_pytorch_model.safetensors"


def inspect(
    folder: Path, part: str | None = None, scheduler: Path | None = None, empty_class: int | None = None
) -> Layout:
    """Return the layout of a folder in which diffusers saved a model.

    `part` names the network among several; `scheduler` is a scheduler_config.json, where the folder has none;
    `empty_class` is what the user says of a U-Net of classes. Raises KnobError, of the key that is wrong, where it is
    none that can be audited.
    """
    if not folder.is_dir():
        raise KnobError("path", f"{folder}: no such folder; name one in which diffusers saved a model")
    index = _json(folder / "model_index.json") if (folder / "model_index.json").is_file() else {}
    part = part or (
        "unet" if (folder / "unet").is_dir() or not (folder / TRANSFORMER).is_dir() else TRANSFORMER
    )
    network = component(folder / part / "config.json")
    noise = component(scheduler or folder / "scheduler" / "scheduler_config.json")
    sampled = latent_shape(network) if part == TRANSFORMER else _sampled(network)
    file = autoencoder_file(folder)
    autoencoder = component(file) if file else None
    shape = image_shape(autoencoder, sampled) if autoencoder else sampled
    classes, empty_class = classes_of(network, empty_class)
    return Layout(
        folder=folder,
        pipeline=index.get("_class_name"),
        part=part,
        network=network,
        scheduler=noise,
        autoencoder=autoencoder,
        scaling=scaling_of(autoencoder) if autoencoder else None,
        prediction=noise.config.get("prediction_type", "epsilon"),
        timesteps=noise.config.get("num_train_timesteps", 1000),
        shape=shape,
        sampled=sampled,
        classes=classes,
        empty_class=empty_class,
    )


def _sampled(network: Component) -> Shape:
    side = network.config["sample_size"]
    return network.config["in_channels"], side, side


def component(file: Path) -> Component:
    """Return the part of a model whose config is this file, with its weights. Raises KnobError where there is none."""
    config = _json(file)
    single, index = file.parent / WEIGHTS, file.parent / f"{WEIGHTS}.index.json"
    weights: tuple[Path, ...] = (single,) if single.is_file() else ()
    if not weights and index.is_file():
        shards = sorted(set(_json(index)["weight_map"].values()))
        weights = (index, *(file.parent / shard for shard in shards))
    return Component(class_name=config["_class_name"], file=file, config=config, weights=weights)


def _json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST_JSON:
            raise ValueError
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise KnobError("path", f"{file}: missing; name a folder in which diffusers saved a model") from None
    except (OSError, ValueError, RecursionError):
        raise KnobError("path", f"{file}: not JSON that can be read; get the file again") from None
    if not isinstance(content, dict):
        raise KnobError("path", f"{file}: must hold a JSON object; get the file again")
    return content
