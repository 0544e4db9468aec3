"""The figures: one file a figure, drawn from results alone. Never imports torch."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from simaudit.vocabulary import registry
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import matplotlib.figure
    import pandas as pd

    from simaudit.attacks.attack import Attack
    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results, Run
    from simaudit.plan.params import Params

RUN = "run"
"""The folder of the figures of all targets together, beside those of each; no target may have this name."""


class Figure(Knobs):
    """A figure is its entry under `figures` in params.yaml: its fields are its knobs, and it draws itself.

    What it plots is a table first, which is kept beside the picture; the picture sees nothing else. Its module imports
    libraries where it draws, not at its top: validating parameters reads the module too.
    """

    title: ClassVar[str]
    """A heading of a few words."""

    reads: ClassVar[tuple[str, ...]]
    """Which files of `simaudit.vocabulary.paths` it is drawn from: a change of another leaves it as it is."""

    @abstractmethod
    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        """The picture of exactly these values, at its printed size."""


class TargetFigure(Figure):
    """A figure of one target's results."""

    reads: ClassVar[tuple[str, ...]] = ("table", "summary", "selected")

    def missing(self, attacks: "Mapping[str, Attack]", is_latent: bool) -> str | None:
        """Why it cannot be drawn of a target on which these attacks are run; None where it can."""
        return None

    @abstractmethod
    def values(self, results: "Results") -> "pd.DataFrame":
        """What the picture plots, one row a mark."""

    def picture(self, results: "Results") -> "tuple[pd.DataFrame, matplotlib.figure.Figure]":
        """The values of one target, and their picture, which says so where the target's split is shifted."""
        from simaudit.figures import style

        values = self.values(results)
        figure = self.draw(values)
        style.mark_shifted(figure, results.summary["shifted"])
        return values, figure

    def seen(self, book: "Ledger", target: str) -> str:
        """What the picture shows of this target, in a sentence or two whose numbers are `[[ids]]` of the ledger."""
        return ""


class RunFigure(Figure):
    """A figure of all targets of a run together, or of none."""

    reads: ClassVar[tuple[str, ...]] = ("numbers",)

    def missing(self, params: "Params") -> str | None:
        """Why it cannot be drawn of a run with these parameters; None where it can."""
        return None

    @abstractmethod
    def values(self, run: "Run") -> "pd.DataFrame":
        """What the picture plots, one row a mark."""

    def picture(self, run: "Run") -> "tuple[pd.DataFrame, matplotlib.figure.Figure]":
        """The values of a run, and their picture."""
        values = self.values(run)
        return values, self.draw(values)

    def seen(self, run: "Run") -> str:
        """What the picture shows, in a sentence or two whose numbers are `[[ids]]` of the ledger."""
        return ""


def groups(values: "pd.DataFrame", column: str) -> "Iterator[tuple[str, pd.DataFrame]]":
    """The rows of each name in a column, in the order in which the names first appear."""
    for name, rows in values.groupby(column, sort=False):
        yield str(name), rows


def figure_modules() -> dict[str, str]:
    """The module of every figure by name."""
    return registry.modules(__name__)


def figure_type(name: str) -> type[Figure]:
    """The figure of that name. Raises KeyError when there is none."""
    return registry.implementation(figure_modules()[name], Figure)


def figure_types() -> dict[str, type[Figure]]:
    """Every figure by name."""
    return {name: figure_type(name) for name in figure_modules()}
