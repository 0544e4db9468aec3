"""The data sources, one file per source. A source is its entry under `datasets` in params.yaml and a way to load it."""

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

    @abstractmethod
    def load(self) -> RawImages:
        """Read every image, in an order that never changes: the position becomes `sample_id`."""


def source_modules() -> dict[str, str]:
    """Return the module of every data source by name."""
    return registry.modules(__name__)


def sources() -> dict[str, type[Source]]:
    """Return every data source by name."""
    return {name: registry.implementation(module, Source) for name, module in source_modules().items()}
