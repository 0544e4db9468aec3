"""What an audit has found: its verdict in a few lines, the numbers it may fail by, and the scores by file name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from simaudit.audit.question import IMAGES, require_known
from simaudit.data.store import read_items
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.figures.printed import estimate
from simaudit.report.outcome import page_line, verdict_lines
from simaudit.storage.atomic import atomic_path
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.metrics import METRICS
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER

SCORES = "scores.csv"
COLUMN = "membership_{}"
LEARNED_COLUMN = "learned_{}"
"""The column of an attack in scores.csv, and of a learned head; a higher number is more like that of a member."""


@dataclass(frozen=True)
class Limit:
    """What `--fail-above` says: the number that a metric must not exceed."""

    metric: str
    value: float

    @classmethod
    def of(cls, text: str) -> Limit:
        """Return the limit that a text METRIC=VALUE gives. Raises SimauditError where it gives none."""
        metric, _, value = text.partition("=")
        require_known("--fail-above", [metric], METRICS)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            raise SimauditError(f"--fail-above {text}: must be a metric, =, and a number from 0 to 1")
        return cls(metric, number)


@dataclass(frozen=True)
class Result:
    """The finished audit `name`, on `split`, in the folder `output`."""

    output: Path
    name: str
    split: str = IMAGES

    @cached_property
    def ledger(self) -> Ledger:
        """Every number of the audit."""
        return Ledger.read(self.output / paths.NUMBERS)

    def number(self, metric: str) -> Number:
        """Return a metric of the threshold attack that did best on the calibration fold, on the evaluation fold."""
        ledger = self.ledger
        return ledger.number(metric, self.name, ledger.best(self.name))

    def conclude(self, limits: Sequence[Limit], by: str, say: Callable[[str], None]) -> bool:
        """Write scores.csv, whose rows are `by` something, and say what was found, and where it is.

        Return whether a metric is above its limit.
        """
        scores = self.write_scores()
        above = [self.above(limit) for limit in limits]
        results = self.output / paths.RESULTS
        for line in (*verdict_lines(results), *(said for _, said in above), page_line(results)):
            say(line)
        say(f"Scores: {scores}   (by {by}; a higher number is more like a member)")
        return any(is_above for is_above, _ in above)

    def above(self, limit: Limit) -> tuple[bool, str]:
        """Return whether a metric is above its limit, and a line that says so."""
        number = self.number(limit.metric)
        is_above = number.value > limit.value
        word = "above" if is_above else "not above"
        said = f"{limit.metric} is {estimate(number)}, {word} the stated {limit.value:g}"
        return is_above, f"{'FAILED' if is_above else 'Passed'}: {said}"

    def write_scores(self) -> Path:
        """Write scores.csv: of each sample its file, role and fold, and for each attack how like a member it is.

        An attack's number is its statistic at the knobs that were chosen on the calibration fold, with its sign turned
        where members have low ones. Learned heads have columns of their own name, after those of the others.
        """
        selected = SelectedScores.read(self.output / paths.of_target("selected", self.name))
        files = read_items(self.output / paths.items(self.split), "file").file
        columns: dict[str, Any] = {
            "file": files.iloc[selected.sample_id].to_numpy(),
            "sample_id": selected.sample_id,
            "role": [MEMBER if is_member else HELDOUT for is_member in selected.is_member],
            "fold": [CALIBRATION if first else EVALUATION for first in selected.is_calibration],
        }
        for attack, knobs in sorted(selected.knobs.items(), key=lambda known: known[1].is_learned):
            if attack == BLIND:
                continue
            sign = 1 if knobs.member_when == "high" else -1
            column = LEARNED_COLUMN if knobs.is_learned else COLUMN
            columns[column.format(attack)] = sign * selected.statistics[attack]
        path = self.output / SCORES
        with atomic_path(path) as temporary:
            pd.DataFrame(columns).to_csv(temporary, index=False)
        return path
