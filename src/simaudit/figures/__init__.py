"""The figures: one file a figure, drawn from evaluations alone. Never imports torch."""

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING

from simaudit import registry
from simaudit.knobs import Knobs

if TYPE_CHECKING:
    import matplotlib.figure

    from simaudit.evaluation.results import Results


class Figure(Knobs):
    """A figure is its entry under `figures` in params.yaml: its fields are its knobs, and it draws itself.

    Its module imports libraries where it draws, not at its top: validating parameters reads the module too.
    """

    @abstractmethod
    def draw(self, results: "Results") -> "matplotlib.figure.Figure":
        """The picture of one target's results, at its printed size."""


def figure_types() -> dict[str, type[Figure]]:
    """Every figure by name."""
    package = sys.modules[__name__]
    return {
        name: registry.implementation(package, name, Figure)
        for name in registry.names(package)
        if name != "style"
    }
