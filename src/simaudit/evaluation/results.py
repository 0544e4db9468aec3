"""What is known of one evaluated target, as the comparisons between targets read it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.split import EVALUATION
from simaudit.errors import SimauditError
from simaudit.evaluation.bootstrap import Bootstrap
from simaudit.evaluation.choice import Choice
from simaudit.evaluation.selected import SelectedScores
from simaudit.files import read_json


@dataclass(frozen=True)
class Results:
    """The files of one target under `folder`, results/evaluation, each read when it is first asked for.

    `group` is the first of the targets that differ from this one in nothing but the training seed; `control` says which
    control the target is, if any; `reference` is the audited target of the same split that it is held against, if any.
    """

    folder: Path
    target: str
    group: str = ""
    control: str | None = None
    reference: str | None = None

    @cached_property
    def summary(self) -> dict[str, Any]:
        return read_json(self.folder / f"{self.target}.json")

    @cached_property
    def permutation(self) -> dict[str, Any]:
        return read_json(self.folder / "permutation" / f"{self.target}.json")

    @cached_property
    def quality(self) -> dict[str, Any]:
        """Fréchet distances of the target's samples."""
        found: dict[str, Any] = read_json(self.folder / "quality" / f"{self.target}.json")["frechet"]
        return found

    @cached_property
    def table(self) -> pd.DataFrame:
        """All metric rows, see `simaudit.evaluation.metrics.SCHEMA`."""
        path = self.folder / f"{self.target}.parquet"
        try:
            return pd.read_parquet(path)
        except (FileNotFoundError, pa.ArrowException) as error:
            raise SimauditError(f"{path}: not a whole file ({error}); delete it and run again") from None

    @cached_property
    def selected(self) -> SelectedScores:
        return SelectedScores.read(self.folder / "selected" / f"{self.target}.parquet")

    def choice(self, attack: str, bootstrap: Bootstrap) -> Choice:
        """An attack at its selected knobs on the evaluation fold, whose resamples `bootstrap` draws."""
        rows = self.table[(self.table.fold == EVALUATION) & (self.table.attack == attack)]
        return Choice(rows[rows.selected].iloc[0], self.selected.roc(attack), bootstrap)

    def require_same_samples(self, other: "Results") -> None:
        """Raises SimauditError when the two were evaluated on different samples."""
        if not np.array_equal(self.selected.sample_id, other.selected.sample_id):
            raise SimauditError(
                f"{self.target}: was evaluated on other samples than {other.target}; evaluate both anew"
            )

    @property
    def split(self) -> str:
        """The split that it was evaluated on."""
        return str(self.summary["split"])

    @property
    def attacks(self) -> list[str]:
        """Every attack that was run on it."""
        return list(self.summary["attacks"])
