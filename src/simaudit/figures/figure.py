"""What a figure is: knobs, a table of values from result files, and a picture of that table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from simaudit.figures import legend
from simaudit.figures.legend import Look
from simaudit.vocabulary import registry
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.kinds import entry_of, kind_of
from simaudit.vocabulary.knobs import Knobs

if (
    TYPE_CHECKING
):  # the parameters are checked by this module, which takes no time for what only a drawing needs
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Results, Run


class Figure(Knobs):
    """A figure is its entry under `figures` in params.yaml: its fields are its knobs, and it draws itself.

    What it plots is a table first, which stands beside the picture; the picture is drawn from that table alone. The
    docstring of a figure says how to read it, and is printed under the picture.
    """

    title: ClassVar[str]
    """A heading of a few words."""

    shows_images: ClassVar[bool] = False
    """Whether single images of the training set, or what was generated and may be a copy of one, can be seen in it."""

    reads: ClassVar[tuple[str, ...]]
    """The files of `simaudit.vocabulary.paths` that it is drawn from: when another file changes, it stays as it is."""

    @abstractmethod
    def values(self, of: Any) -> pd.DataFrame:
        """Return what the picture plots, one row per mark."""

    @abstractmethod
    def draw(self, values: pd.DataFrame) -> matplotlib.figure.Figure:
        """Return the picture of exactly these values, at its printed size.

        Beside a column `attack` there may be a column `kind`, which `draw` in `simaudit.figures.drawing` adds.
        """

    def sentence(self, of: Any) -> str:
        """Return what the picture shows, in a sentence or two that mention numbers of the ledger; it may be empty."""
        return ""

    def left_out(self, of: Any) -> str:
        """Return what of these results the picture leaves out and why, without a full stop; empty where nothing."""
        return ""


class TargetFigure(Figure):
    """A figure of one target's results."""

    reads: ClassVar[tuple[str, ...]] = ("table", "summary", "selected")

    @staticmethod
    def entry(attack: str, attacks: Mapping[str, Any]) -> str | None:
        """Return which of these attacks has a name, or else stands for the kind of that name; None where none does."""
        kinds = {name: kind_of(knobs) for name, knobs in attacks.items()}
        return attack if attack in kinds else entry_of(attack, kinds)

    def missing(self, attacks: Mapping[str, Any], is_latent: bool) -> str | None:
        """Return why it cannot be drawn of a target; None where it can.

        `attacks` are those that are run on the target, by name, each with its knobs (`simaudit.attacks.Attack`).
        """
        return None

    def scored(self, attacks: Mapping[str, Any]) -> tuple[str, ...]:
        """Return those of these attacks from whose score files it is drawn, beside what it `reads`."""
        return ()

    @abstractmethod
    def values(self, of: Results) -> pd.DataFrame:
        """Return what the picture plots, one row per mark."""

    def sentence(self, of: Results) -> str:
        """Return what the picture shows of this target; which numbers there are follows from the files it reads."""
        return ""


class RunFigure(Figure):
    """A figure of all targets of a run together, or of none of them."""

    reads: ClassVar[tuple[str, ...]] = ("numbers",)
    reads_of_splits: ClassVar[tuple[str, ...]] = ()
    """The files of each audited split that it is drawn from."""

    def missing(self, audits: Mapping[str, AuditContext]) -> str | None:
        """Return why it cannot be drawn of a run with these audits; None where it can."""
        return None

    @abstractmethod
    def values(self, of: Run) -> pd.DataFrame:
        """Return what the picture plots, one row per mark."""

    def sentence(self, of: Run) -> str:
        """Return what the picture shows of this run."""
        return ""


def looks(values: pd.DataFrame) -> dict[str, Look]:
    """Return how each attack in a table of a figure looks, by the kind beside it or, where there is none, its name."""
    known = values.dropna(subset="attack").drop_duplicates("attack")
    kinds = known.get("kind", known.attack)
    return legend.looks(dict(zip(known.attack, kinds, strict=True)))


def groups(values: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each name in a column with its rows, in the order in which the names first appear."""
    for name, rows in values.groupby(column, sort=False):
        yield str(name), rows


def figure_modules() -> dict[str, str]:
    """Return the module of every figure by name."""
    return registry.modules(str(__package__))


def figure_type(name: str) -> type[Figure]:
    """Return the figure of that name. Raises KeyError when there is none."""
    return registry.implementation(figure_modules()[name], Figure)


def figure_types() -> dict[str, type[Figure]]:
    """Return every figure by name."""
    return {name: figure_type(name) for name in figure_modules()}
