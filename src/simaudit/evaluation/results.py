"""What is known of one evaluated target, as the comparisons between targets read it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from simaudit.errors import SimauditError
from simaudit.evaluation.selected import SelectedScores
from simaudit.files import read_json


@dataclass(frozen=True)
class Results:
    """The files of one target under `folder`, results/evaluation, each read when it is first asked for.

    `group` is the first of the targets that differ from this one in nothing but the training seed; `control` says which
    control the target is, if any.
    """

    folder: Path
    target: str
    group: str = ""
    control: str | None = None

    @cached_property
    def summary(self) -> dict[str, Any]:
        return read_json(self.folder / f"{self.target}.json")

    @cached_property
    def permutation(self) -> dict[str, Any]:
        return read_json(self.folder / "permutation" / f"{self.target}.json")

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

    @property
    def split(self) -> str:
        """The split that it was evaluated on."""
        return str(self.summary["split"])

    @property
    def attacks(self) -> list[str]:
        """Every attack that was run on it."""
        return list(self.summary["attacks"])
