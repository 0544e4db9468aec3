"""The figures: one file a figure, drawn from scores and evaluation alone. Never imports torch."""

import sys
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simaudit import registry
from simaudit.knobs import Knobs

if TYPE_CHECKING:
    import matplotlib.figure
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Selection:
    """One attack at its selected knobs, on the evaluation fold: `statistic` and `is_member` are (N,)."""

    attack: str
    variant: str
    timestep: int | None
    member_when: str
    statistic: "np.ndarray"
    is_member: "np.ndarray"


@dataclass(frozen=True)
class Evidence:
    """What a figure of one target may look at: its evaluation table and its score files by attack."""

    target: str
    table: "pd.DataFrame"
    score_files: dict[str, Path]

    @classmethod
    def read(cls, target: str, evaluation: Path, score_files: list[Path]) -> "Evidence":
        """A score file is named by its attack."""
        import pandas as pd

        return cls(target, pd.read_parquet(evaluation), {path.stem: path for path in score_files})

    @property
    def attacks(self) -> list[str]:
        """The attacks in the order of every legend."""
        from simaudit.figures import style

        return style.in_order(self.table.attack.unique())

    def selections(self) -> list[Selection]:
        """Every attack's statistic at its selected knobs, on the evaluation fold."""
        import pandas as pd

        from simaudit.scores import Scores

        found = []
        for attack in self.attacks:
            scores = Scores.read(self.score_files[attack])
            row = self.table[(self.table.attack == attack) & self.table.selected].iloc[0]
            timestep = None if pd.isna(row.timestep) else int(row.timestep)
            index = next(
                k for k, c in enumerate(scores.columns) if (c.variant, c.timestep) == (row.variant, timestep)
            )
            rows = ~scores.is_calibration
            found.append(
                Selection(
                    attack,
                    row.variant,
                    timestep,
                    scores.member_when,
                    scores.statistic[index, rows],
                    scores.is_member[rows],
                )
            )
        return found


class Figure(Knobs):
    """A figure is its entry under `figures` in params.yaml: its fields are its knobs, and it draws itself.

    Its module imports libraries where it draws, not at its top: validating parameters reads the module too.
    """

    @abstractmethod
    def draw(self, evidence: Evidence) -> "matplotlib.figure.Figure":
        """The picture, at its printed size."""


def figure_types() -> dict[str, type[Figure]]:
    """Every figure by name."""
    package = sys.modules[__name__]
    return {
        name: registry.implementation(package, name, Figure)
        for name in registry.names(package)
        if name != "style"
    }
