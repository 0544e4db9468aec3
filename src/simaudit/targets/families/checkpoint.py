"""A model that somebody else trained, in a folder as diffusers saves it: audited where it lies, and never copied."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field

from simaudit.data.pictures.knobs import COLOURS
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.storage.json import read_json
from simaudit.targets.checkpoint import load
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.summary import require_members, summary_beside
from simaudit.targets.family import TargetFamily
from simaudit.targets.files import SUMMARY
from simaudit.targets.target import Target
from simaudit.training.levels import Shape
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.errors import KnobError
from simaudit.vocabulary.knobs import GivenPath, deciding

MOST_CLASSES = 1_000_000


class Checkpoint(TargetFamily):
    """The model in the folder `path`: what it is, its own files say.

    `network` names the folder of the network in it, where there are several; `scheduler` is a scheduler_config.json,
    for a folder that has none. `empty_class` is the class of a UNet2DModel that stands for none of its classes, which
    its files do not say; a DiT has one of its own.
    """

    kind: Literal["checkpoint"]
    path: GivenPath
    network: Literal["unet", "unet_ema", "transformer"] | None = None
    scheduler: GivenPath | None = None
    empty_class: Annotated[int, Field(ge=0), Most(MOST_CLASSES, "no model has more classes")] | None = None

    files: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def layout(self) -> Layout:
        """What the folder holds; what it held when it was last looked at, where it is elsewhere by now.

        Raises KnobError where that is nothing that can be audited.
        """
        if self._remembered:
            return Layout.model_validate(self._remembered["layout"])
        scheduler = Path(self.scheduler) if self.scheduler else None
        return inspect(Path(self.path), self.network, scheduler, self.empty_class)

    @cached_property
    def summary(self) -> Path | None:
        """The training.json of the target that it is, where simaudit trained it; as remembered, like the layout."""
        if self._remembered:
            return Path(self._remembered["summary"]) if self._remembered.get("summary") else None
        return summary_beside(self.layout)

    @cached_property
    def _remembered(self) -> Mapping[str, Any] | None:
        """What the summary of a target of this run says of the model, where its folder is elsewhere by now."""
        summaries = [] if os.path.lexists(self.path) else sorted(paths.TARGETS.glob(f"*/{SUMMARY}"))
        of_it = (content for content in map(read_json, summaries) if content.get("params") == deciding(self))
        return next(of_it, None)

    @property
    def is_trained_by_simaudit(self) -> bool:
        return self.summary is not None

    @property
    def offers(self) -> frozenset[str]:
        return self.layout.offers

    @property
    def timesteps(self) -> int:
        return self.layout.timesteps

    @property
    def given(self) -> tuple[Path, ...]:
        return (*self.layout.places.values(), *([self.summary] if self.summary else []))

    @property
    def places(self) -> dict[str, Path]:
        return self.layout.places

    def require_given(self) -> None:
        for key, path in ("path", self.path), ("scheduler", self.scheduler):
            real = Path(os.path.realpath(path)) if path else None
            if real and any(real.is_relative_to(os.path.realpath(folder)) for folder in paths.MADE):
                raise KnobError(
                    key, f"{path}: lies in what this run makes; move it elsewhere and name that place"
                )
        self.layout  # noqa: B018 (it raises)

    def require_shape(self, shape: Shape) -> None:
        channels, *sides = self.layout.shape
        if channels not in COLOURS and self.layout.family == "pixel":
            why = f"takes {channels} channels, as latents have them, and the images have {shape[0]}"
            remedy = "name the folder of the whole pipeline, with its autoencoder"
            raise KnobError("path", f"{self.path}: {why}; {remedy}")
        if not any(sides):
            self._require_halving(shape)
            sides = list(shape[1:])
        if shape != (channels, *sides):
            wanted, got = ("×".join(map(str, sizes)) for sizes in ((channels, *sides), shape))
            raise KnobError(
                "path",
                f"{self.path}: is for images of {wanted}, and the images are {got}; set {self._knobs(shape)} of the "
                "dataset, or name a model of such images",
            )

    def _require_halving(self, shape: Shape) -> None:
        factor = 2**self.layout.halvings
        if any(side % factor for side in shape[1:]):
            got = "×".join(map(str, shape[1:]))
            why = f"needs sides divisible by {factor}, and the images are {got}; set size of the dataset"
            raise KnobError("path", f"{self.path}: {why}")

    def _knobs(self, shape: Shape) -> str:
        """Return the knobs of a dataset, with values, that would give images of this shape the model's."""
        channels, height, width = self.layout.shape
        knobs = [f"colour: {COLOURS.get(channels)}"] if channels != shape[0] else []
        if (height, width) not in (shape[1:], (0, 0)):
            knobs.append(f"size: {height if height == width else [height, width]}")
        return " and ".join(knobs)

    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        """Look at the model: nothing is trained, copied or moved."""
        self.require_shape(images.shape[1:])
        facts = {
            "layout": json.loads(self.layout.model_dump_json()),
            "summary": self.summary and self.summary.as_posix(),
        }
        if self.summary is None:
            return facts
        require_members(self.layout, self.summary, split)
        known = read_json(self.summary)
        return facts | ({"autoencoder": known["autoencoder"]} if "autoencoder" in known else {})

    @staticmethod
    def load(directory: Path, device: torch.device) -> Target:
        return load.load(Layout.model_validate(read_json(directory / SUMMARY)["layout"]), device)
