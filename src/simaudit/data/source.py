"""What a data source is: an entry of params.yaml that loads images."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from simaudit.vocabulary import registry
from simaudit.vocabulary.knobs import Knobs


@dataclass(frozen=True)
class RawImages:
    """Images as their source gives them.

    `images` is (N, C, H, W) in `value_range` = (lowest, highest possible value); `labels` is (N,) int64.
    """

    images: np.ndarray
    labels: np.ndarray
    value_range: tuple[float, float]


class Source(Knobs):
    """Where a dataset comes from. Subclasses set `source: Literal["<module name>"]`."""

    source: str

    @property
    def shape(self) -> tuple[int, int, int, int] | None:
        """(N, C, H, W) of its images where that is known without reading them, so that a plan is held against it."""
        return None

    @abstractmethod
    def load(self) -> RawImages:
        """Read every image, in an order that never changes: the position becomes `sample_id`."""


def source_modules() -> dict[str, str]:
    """Return the module of every data source by the name that `source` selects."""
    return registry.modules("simaudit.data.sources")


def source_type(name: str) -> type[Source]:
    """Return the data source of that name. Raises KeyError when there is none."""
    return registry.implementation(source_modules()[name], Source)


def source_types() -> dict[str, type[Source]]:
    """Return every data source by the name that `source` selects."""
    return {name: source_type(name) for name in source_modules()}
