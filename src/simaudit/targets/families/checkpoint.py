"""A model that somebody else trained, in a folder as diffusers saves it: audited where it lies, and never copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

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
from simaudit.vocabulary.errors import KnobError
from simaudit.vocabulary.knobs import GivenPath


class Checkpoint(TargetFamily):
    """The model in the folder `path`: what it is, its own files say.

    `network` names the folder of the network in it, where there are several; `scheduler` is a scheduler_config.json,
    for a folder that has none.
    """

    kind: Literal["checkpoint"]
    path: GivenPath
    network: Literal["unet", "unet_ema", "transformer"] | None = None
    scheduler: GivenPath | None = None

    files: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def layout(self) -> Layout:
        """What the folder holds; what it held when it was last looked at, where it is elsewhere by now.

        Raises KnobError where that is nothing that can be audited.
        """
        folder = Path(self.path)
        if not folder.exists() and (remembered := _remembered(folder)):
            return Layout.model_validate(remembered["layout"])
        return inspect(folder, self.network, Path(self.scheduler) if self.scheduler else None)

    @cached_property
    def summary(self) -> Path | None:
        """The training.json of the target that it is, where simaudit trained it; as remembered, like the layout."""
        folder = Path(self.path)
        if not folder.exists() and (remembered := _remembered(folder)):
            return Path(remembered["summary"]) if remembered.get("summary") else None
        return summary_beside(self.layout)

    @property
    def is_trained_by_simaudit(self) -> bool:
        return self.summary is not None

    @property
    def offers(self) -> frozenset[str]:
        return frozenset({"decoder"} if self.layout.family == "latent" else ())

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
        self.layout  # noqa: B018 (it raises)

    def require_shape(self, shape: Shape) -> None:
        if shape != self.layout.shape:
            wanted, got = ("×".join(map(str, sizes)) for sizes in (self.layout.shape, shape))
            raise KnobError("path", f"{self.path}: is for images of {wanted}, and the images are {got}")

    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        """Look at the model: nothing is trained, copied or moved."""
        self.require_shape(images.shape[1:])
        if self.summary:
            require_members(self.layout, self.summary, split)
        return {
            "layout": json.loads(self.layout.model_dump_json()),
            "summary": self.summary and self.summary.as_posix(),
        }

    @staticmethod
    def load(directory: Path, device: torch.device) -> Target:
        return load.load(Layout.model_validate(read_json(directory / SUMMARY)["layout"]), device)


def _remembered(folder: Path) -> Mapping[str, Any] | None:
    """Return what the summary of some target of this run says of the model in a folder."""
    for summary in sorted(paths.TARGETS.glob(f"*/{SUMMARY}")):
        content = read_json(summary)
        if content.get("layout") and Path(content["layout"]["folder"]) == folder:
            return dict(content)
    return None
