"""What a model owner asks by the options of the command line, and its refusals, in the words of these options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simaudit.data.given_table import READERS
from simaudit.data.membership import ARRAYS
from simaudit.data.pictures.knobs import COLOURS
from simaudit.vocabulary.errors import KnobError, SimauditError, printable, some
from simaudit.vocabulary.knobs import Precision
from simaudit.vocabulary.paths import RUN

IMAGES = "images"
"""The name of the dataset and of the split in params.yaml, and so in the report."""
OPTION_OF = {
    **{"path": "--model", "network": "--network", "scheduler": "--scheduler"},
    "empty_class": "--empty-class",
}
"""The option that gives each key of a target of kind checkpoint."""
REMEDIES = {
    "set unknown: drop": "give --allow-missing",
    "by the knob scheduler": "by --scheduler",
    "leave network out": "leave --network out",
    ", or set allow_duplicates: true": "",
    ", or leave labels out of the conditions of the audit": ", or state an --empty-class that the model has",
    "name the split that it was trained on": "list the members that it was trained on, without --limit",
    "set size of the dataset": "give images of such sides",
    "choose more of what it lacks, or another calibration share": "list more of what it lacks (67 of each side are "
    "enough where the list gives no folds), or raise --limit if it is given",
    "choose another share": "list more images, or raise --limit if it is given",
    "set background to white or black": "give --background white or --background black",
    "lower size, or set enlarge: true": "give --enlarge",
    "; use the source array for it": "; convert it to 8 or 16 bits",
    ": name them by member_key and heldout_key": "; save them by those names",
}
"""What stands in place of a remedy that names a key of params.yaml."""


@dataclass(frozen=True)
class Question:
    """The options of `simaudit audit` that decide a result; paths are absolute. None is what was not asked for.

    `attacks` are names, one of which may be `all`. `resize`, `enlarge` and `colour` allow that images are converted to
    what the model takes; `background` is what lies behind transparent pixels. `allow_missing` leaves out entries of the
    list that name no image. `no_records` leaves single images out of the page, and decides no result. `drawn` is the
    file that holds what was drawn where there is a limit, once this has happened.
    """

    model: Path
    images: Path
    members: Path
    attacks: tuple[str, ...] = ()
    limit: int | None = None
    resize: bool = False
    enlarge: bool = False
    colour: bool = False
    background: str | None = None
    allow_missing: bool = False
    network: str | None = None
    scheduler: Path | None = None
    empty_class: int | None = None
    device: str = "auto"
    precision: Precision = "float32"
    no_records: bool = False
    drawn: Path | None = None

    def __post_init__(self) -> None:
        for name in ("model", "images", "members", "scheduler"):
            if (path := getattr(self, name)) is not None:
                if not str(path).isprintable():
                    raise SimauditError(f"--{name} {printable(str(path))}: cannot be printed; rename it")
                object.__setattr__(self, name, Path(path).resolve())

    @property
    def name(self) -> str:
        """The name of the target and its audit: that of the model's folder, in letters that a name may have."""
        name = re.sub("[^a-z0-9_-]+", "-", self.model.name.lower()).strip("-_")[:60]
        return f"{name}-model" if name in (RUN, IMAGES) else name or "model"

    @property
    def default_output(self) -> Path:
        """The folder that holds the audit where none is named."""
        return Path(f"audit-{self.name}")

    def target(self) -> dict[str, Any]:
        """Return the entry of the model in params.yaml."""
        scheduler = str(self.scheduler) if self.scheduler else None
        said = {"network": self.network, "scheduler": scheduler, "empty_class": self.empty_class}
        given = {key: value for key, value in said.items() if value is not None}
        return {"kind": "checkpoint", "split": IMAGES, "path": str(self.model), **given}

    def dataset(self, shape: tuple[int, ...] | None, labels: bool = False) -> dict[str, Any]:
        """Return the entry of the images in params.yaml, for a model that takes images of this `shape` (C, H, W).

        Where the shape is not known, nothing is converted to it. With `labels`, these stand in the list of members.
        """
        converted: dict[str, Any] = {}
        if shape and any(shape[1:]) and (self.resize or self.enlarge):
            converted |= {"size": list(shape[1:])}
        if self.enlarge:
            converted |= {"enlarge": True}
        if shape and self.colour and shape[0] in COLOURS:
            converted |= {"colour": COLOURS[shape[0]]}
        if self.background:
            converted |= {"background": self.background}
        if labels:
            converted |= {"labels": "metadata", "metadata": str(self.members)}
        only = {"only": str(self.drawn)} if self.drawn else {}
        return {"source": "folder", "path": str(self.images), **only, **converted}

    def split(self) -> dict[str, Any]:
        """Return the entry of the split in params.yaml. Raises SimauditError for a list of an unknown form."""
        suffix = self.members.suffix.lower()
        if suffix not in (ARRAYS, *READERS):
            known = ", ".join((*READERS, ARRAYS))
            raise SimauditError(f"--members {self.members}: must end in one of {known}")
        given = {"indices" if suffix == ARRAYS else "file": str(self.members), "unlisted": "unused"}
        given |= {"unknown": "drop"} if self.allow_missing else {}
        limit = {} if self.limit is None else {"limit": self.limit}
        if self.drawn:
            given, limit = {"file": str(self.drawn), "drawn_from": str(self.members)}, {}
        return {"dataset": IMAGES, "members": given, "calibration": 0.3, "seed": 0, **limit}

    def other_than(self, dataset: Any, split: Any, target: Any) -> list[str]:
        """Return which options name something else than these entries of another params.yaml, with what that names."""
        members = split["members"]
        listed = next(members[key] for key in ("drawn_from", "file", "indices") if key in members)
        before = {
            "--model": (target["path"], self.model),
            "--images": (dataset["path"], self.images),
            "--members": (listed, self.members),
        }
        return [f"{option} {was}" for option, (was, now) in before.items() if Path(was) != now]


@dataclass
class Refusals:
    """What is wrong with files and lists, one line each, in the words of the options: all of it is said together."""

    lines: list[str] = field(default_factory=list)

    def add(self, option: str, given: object, error: SimauditError | str) -> None:
        """Take down what is wrong with what is `given` by an option, such as a path."""
        why = error.why if isinstance(error, KnobError) else str(error)
        for written, said in REMEDIES.items():
            why = why.replace(written, said)
        self.lines.append(f"{option} {why}" if why.startswith(str(given)) else f"{option} {given}: {why}")

    def require_none(self) -> None:
        """Raise SimauditError with every line, where there is one."""
        if self.lines:
            raise SimauditError("\n".join(self.lines))


def require_known(option: str, names: list[str], known: list[str]) -> None:
    """Raise SimauditError when a name that an option gives is none of those that are known."""
    if unknown := [name for name in names if name not in known]:
        raise SimauditError(f"{option}: no such name {some(unknown)}; known: {some(known, len(known))}")
