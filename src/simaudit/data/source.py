"""What a data source is: an entry of params.yaml that gives images one by one."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from unicodedata import normalize

import numpy as np
from pydantic import SerializeAsAny

from simaudit.vocabulary import registry
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Knobs


@dataclass(frozen=True)
class Item:
    """One image of a source, and what is known of it.

    `pixels` is (C, H, W): uint8 from 0 to 255 where the source has 8 bits, else float32 in [-1, 1], see `scaled`. All
    images of a source have one shape and one type. `file` is the name by which a list of members may name it, different
    for every image of the source; `origin` is where the image comes from, where a source has several origins.
    `class_name` is what its label stands for, where the source says so; all images of one label have the same.
    """

    pixels: np.ndarray
    file: str | None = None
    label: int | None = None
    caption: str | None = None
    origin: str | None = None
    class_name: str | None = None


@dataclass(frozen=True)
class Unusable:
    """An image that its source cannot give: `why` is a clause, such as "is truncated; replace the file"."""

    file: str
    why: str


class Source(Knobs):
    """Where a dataset comes from. Subclasses set `source: Literal["<module name>"]`."""

    source: str

    @property
    def shape(self) -> tuple[int, int, int, int] | None:
        """(N, C, H, W) of its images where that is known without reading them, so that a plan is held against it."""
        return None

    @property
    def given(self) -> tuple[Path, ...]:
        """The files and folders that it reads and no job makes: their hashes are part of the job that prepares it."""
        return ()

    @property
    def plugins(self) -> tuple[str, ...]:
        """The modules whose code gives its images: its own, and those of the sources that it is made of."""
        return (source_modules()[self.source],)

    @abstractmethod
    def items(self) -> Iterator[Item | Unusable]:
        """Yield every image once, one in memory at a time, in an order that is the same on every machine.

        The position becomes `sample_id`. An image that cannot be used is yielded as such, so that all of them are named
        together. Raises SimauditError when the source as a whole cannot be read.
        """


def composed(name: str) -> str:
    """Return a name in Unicode's form NFC: systems write the same accent as one sign or as two."""
    return normalize("NFC", name)


def decomposed(name: str) -> str:
    """Return a name in Unicode's form NFD."""
    return normalize("NFD", name)


def given_files(*files: Path | str | None) -> tuple[Path, ...]:
    """Return the paths among these, without folders: whoever reads one as a file refuses it, and none is hashed."""
    return tuple(path for path in (Path(file) for file in files if file) if not path.is_dir())


def scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values of any shape, from `low` to `high`, as float32 in [-1, 1], mapped linearly.

    Raises SimauditError when a value lies outside, or is not a number.
    """
    least, most = values.min(), values.max()
    if not (low <= least and most <= high):  # also false for NaN
        raise SimauditError(f"values from {least} to {most} lie outside the range {low} to {high}")
    return np.asarray((values.astype(np.float64) - low) * (2 / (high - low)) - 1, dtype=np.float32)


def source_modules() -> dict[str, str]:
    """Return the module of every data source by the name that `source` selects."""
    return registry.modules("simaudit.data.sources")


def source_type(name: str) -> type[Source]:
    """Return the data source of that name. Raises KeyError when there is none."""
    return registry.implementation(source_modules()[name], Source)


def source_types() -> dict[str, type[Source]]:
    """Return every data source by the name that `source` selects."""
    return {name: source_type(name) for name in source_modules()}


SourceEntry = Annotated[SerializeAsAny[Source], registry.read_by(source_modules, Source, "source")]
"""An entry of params.yaml that becomes the data source that its `source` names."""
