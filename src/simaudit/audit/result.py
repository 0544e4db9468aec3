"""What an audit has found: its verdict in a few lines, the numbers it may fail by, and the scores by file name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from simaudit.audit.question import IMAGES, require_known
from simaudit.data.store import read_items
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.evaluation.protocol.metrics import AUC, METRICS, TPR_LEVELS
from simaudit.evaluation.protocol.selected import BLIND, SelectedScores
from simaudit.figures import legend
from simaudit.figures.printed import estimate, fill
from simaudit.report.outcome import (
    control_line,
    heads_that_find_more,
    origins_apart,
    own_samples_lines,
    set_line,
)
from simaudit.storage.atomic import atomic_path
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.membership import STATED, VERIFIED
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER

SCORES = "scores.csv"
COLUMN = "membership_{}"
LEARNED_COLUMN = "learned_{}"
"""The column of an attack in scores.csv, and of a learned head; a higher number is more like that of a member."""
VERDICTS = {
    "leaks": "LEAKS: an attack tells members from held-out images",
    "undecided": "UNDECIDED: one attack alone would tell members from held-out images, but several were tried",
    "no leak found": "NO LEAK FOUND: no threshold attack tells members from held-out images",
    "shifted": "SHIFTED: no threshold attack does better than classifiers that never see the model",
}

KNOWN: dict[str | None, str] = {
    STATED: "as stated by the list",
    VERIFIED: "on which simaudit trained the model",
}
"""How members are known, in the line that counts them."""


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

    def lines(self) -> Iterator[str]:
        """Yield the verdict, the numbers behind it, and what the controls say."""
        ledger, best = self.ledger, self.ledger.best(self.name)
        controls = read_json(self.output / paths.comparison("controls"))
        verdict = controls["verdicts"][self.name]
        yield f"{VERDICTS[verdict['verdict']]} ({self.name})"
        for metric in (AUC, *TPR_LEVELS):
            yield f"  {legend.METRICS[metric]:18}{estimate(ledger.number(metric, self.name, best))}"
        yield f"  by {legend.look(best).name}, which did best on the calibration fold{self._at(best)}"
        if verdict["attack"] != best:
            yield f"  the verdict is decided by {legend.look(verdict['attack']).name}"
        members, heldout = (ledger.number(key, self.name) for key in ("members", "heldout"))
        known = KNOWN[members.membership]
        yield f"  measured on {members.value} members, {known}, and {heldout.value} held-out images"
        if blind := ledger.get(AUC, self.split, BLIND):
            yield f"  without the model: AUC {estimate(blind)}"
        else:
            yield "  blind classifiers: absent, images were not given (so a shifted split goes unnoticed)"
        yield f"  as a set: {set_line(ledger, self.name)}"
        for sentence in heads_that_find_more(controls, ledger):
            yield f"  {fill(sentence, ledger)}"
        yield f"  {control_line(controls['controls'])}"
        yield from (f"  {line}" for line in own_samples_lines(ledger, self.name, best))
        yield from (f"  {line}" for line in origins_apart(controls))

    def _at(self, attack: str) -> str:
        timestep = self.ledger.get("timestep", self.name, attack)
        return f", at timestep {timestep.value:.0f}" if timestep else ""

    def conclude(self, limits: Sequence[Limit], by: str, say: Callable[[str], None]) -> bool:
        """Write scores.csv, whose rows are `by` something, and say what was found, and where it is.

        Returns whether a metric is above its limit.
        """
        scores = self.write_scores()
        above = [self.above(limit) for limit in limits]
        for line in (*self.lines(), *(said for _, said in above)):
            say(line)
        say(f"Report: {self.output / paths.PAGE}   (open it in a browser)")
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
