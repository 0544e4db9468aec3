"""A part of a model as diffusers saves it: a config, and weights beside it, which are found here and not read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError, printable, shown

CONFIG = "config.json"
SAVED = "name a folder in which diffusers saved a model"
AGAIN = "get the model's files again"

LARGEST_JSON = 2**24  # bytes; the index of a sharded model may list some thousand weights
STEM, INDEX = "diffusion_pytorch_model", "index"
MOST = 10_000_000  # channels, classes or pixels: no network has more
FORMATS = ("safetensors", "bin")
"""The endings of files of weights, the preferred one first: the other is a pickle."""
WEIGHTS = re.compile(
    rf"{STEM}(?:\.(?P<before>\w+))?\.(?P<format>{'|'.join(FORMATS)})"
    rf"(?P<index>\.{INDEX}(?:\.(?P<after>\w+))?\.json)?"
)
"""One file with all weights, or the index of several; a variant stands before the format or, of newer ones, last."""
POINTER = b"version https://git-lfs"  # what Git LFS leaves in the place of a file that was not fetched


class Component(BaseModel):
    """A part of a model as diffusers saves it: the name of its class, its settings, and its weights, if it has any.

    `file` is its config; `weights` are the files that are read, their index first; `variant` is that of their names,
    such as fp16.
    """

    model_config = ConfigDict(frozen=True)

    class_name: str
    file: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...] = ()
    variant: str | None = None

    @property
    def folder(self) -> Path:
        """The folder that it lies in."""
        return self.file.parent

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read of it."""
        return (self.file, *self.weights)

    @property
    def tensors(self) -> tuple[Path, ...]:
        """The files of its weights, without their index."""
        return tuple(file for file in self.weights if file.suffix != ".json")

    def count(self, key: str, default: int, most: int = MOST) -> int:
        """Return a setting that is a whole number from 1 to `most`; `default` is what its class takes otherwise.

        Raises FileError where it is something else.
        """
        value = default if self.config.get(key) is None else self.config[key]
        if not is_count(value) or value > most:
            upper = f" and at most {most}" if is_count(value) else ""
            raise FileError(
                f"{self.file}: {key} must be a whole number above 0{upper} (got {shown(value)}); {AGAIN}"
            )
        return int(value)

    def halvings(self, default: int) -> int:
        """Return how often it halves the sides of an image; `default` is how often its class does otherwise.

        Raises FileError where its block_out_channels are no list of one number for each level.
        """
        widths = self.config.get("block_out_channels")
        if widths is None:
            return default
        if not isinstance(widths, list) or not widths or not all(map(is_count, widths)):
            raise FileError(
                f"{self.file}: block_out_channels must be a number above 0 for each level (got {shown(widths)}); "
                f"{AGAIN}"
            )
        return len(widths) - 1


def is_count(value: Any) -> bool:
    """Return whether a value of a config is a whole number above 0."""
    return type(value) is int and value > 0


def component(file: Path, known: Collection[str], remedy: str | None = None) -> Component:
    """Return the part, without weights, whose config is this file.

    Raises FileError where there is none, or one whose class is not among the `known` ones; `remedy` is what to do then,
    if not to name another folder or to get its files again.
    """
    if not file.is_file():
        raise FileError(f"{file}: missing; {remedy or SAVED}")
    config = read_object(file, remedy or AGAIN)
    name = config.get("_class_name")
    if not isinstance(name, str) or name not in known:
        *first, last = known
        what = f"of {printable(name)}" if isinstance(name, str) else "without a _class_name"
        raise FileError(
            f"{file}: is {what}; only {', '.join(first)}{' or ' if first else ''}{last} can be used"
        )
    return Component(class_name=name, file=file, config=config)


def with_weights(file: Path, known: Collection[str], remedy: str | None = None) -> Component:
    """Return the part whose config is this file, with the weights beside it.

    safetensors are taken before pickles, and names without a variant before others. Raises FileError as `component`
    does, and where weights are missing or empty.
    """
    part, again = component(file, known, remedy), remedy or AGAIN
    if part.config.get("quantization_config"):
        raise FileError(f"{file}: has a quantization_config; save the model with all its weights")
    choices = sorted(_choices(part.folder))
    if not choices:
        raise FileError(f"{part.folder}: has no {STEM}.{FORMATS[0]} or .{FORMATS[1]}; {again}")
    _, _, variant, _, taken = choices[0]
    weights = (taken, *_shards(taken, again)) if taken.suffix == ".json" else (taken,)
    for shard in weights:
        _require_weights(shard, again)
    return part.model_copy(update={"weights": weights, "variant": variant or None})


def read_object(file: Path, remedy: str = AGAIN) -> dict[str, Any]:
    """Return the object in a JSON file of a model. Raises FileError when it is missing, damaged or very large."""
    with reading(file, "a JSON object", remedy):
        if file.stat().st_size > LARGEST_JSON:
            raise ValueError(f"more than {LARGEST_JSON} bytes")
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"it is {shown(content)}")
    return content


def _choices(folder: Path) -> Iterator[tuple[int, bool, str, bool, Path]]:
    """Yield each set of weights in a folder: its format, whether it has a variant, which, whether it is one file.

    Where there are an index and one file with the same name, diffusers takes what the index lists.
    """
    for file in folder.iterdir():
        if match := WEIGHTS.fullmatch(file.name):
            variant = match["before"] or match["after"] or ""
            yield FORMATS.index(match["format"]), bool(variant), variant, not match["index"], file


def _shards(index: Path, remedy: str) -> list[Path]:
    named = read_object(index, remedy).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise FileError(f"{index}: has no weight_map; {remedy}")
    for name in named.values():
        if not isinstance(name, str) or Path(name).name != name:
            raise FileError(f"{index}: names {shown(name)}, which is no file beside it; {remedy}")
    return [index.parent / name for name in sorted(set(named.values()))]


def _require_weights(file: Path, remedy: str) -> None:
    if not file.is_file():
        raise FileError(f"{printable(str(file))}: missing; {remedy}")
    with reading(file, "a file of weights", remedy), file.open("rb") as stream:
        start = stream.read(len(POINTER))
    if not start:
        raise FileError(f"{file}: is empty; {remedy}")
    if start == POINTER:
        raise FileError(f"{file}: stands for a file that Git LFS has not fetched; run: git lfs pull")
