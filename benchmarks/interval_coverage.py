"""How often the intervals hold the true value: `make coverage` simulates it and writes the table in docs/evaluation.md.

Statistics are drawn whose ROC is known. That of held-out samples is standard normal. That of members is shifted: all of
them, by as much as makes the AUC at the head of a column; or 40 % of them by 3, as of a model that remembers only some.
A second attack shares half of its variance with the first, and its shift: `equal`, or half of it: `weaker`.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from simaudit.evaluation.statistics.bootstrap import (
    Bootstrap,
    asr_interval,
    basic_interval,
    percentile_interval,
)
from simaudit.evaluation.statistics.intervals import Delong, Interval, paired_difference, rate
from simaudit.evaluation.statistics.rates import balanced_accuracy_at, tpr_interval
from simaudit.evaluation.statistics.roc import Roc

DOCS = Path(__file__).parents[1] / "docs/evaluation.md"
TABLE = re.compile(r"(?<=<!-- make coverage -->\n).*?(?=<!-- end -->)", re.DOTALL)
SIZES = (210, 1048), (400, 400), (2500, 2500)  # members and held-out samples of the evaluation fold
REPLICATES, RESAMPLES = 500, 500
CALIBRATION = 0.3  # of all samples: the threshold of a balanced accuracy is set on so many others
LEVELS = {"TPR at 1 % FPR": 0.01, "TPR at 0.1 % FPR": 0.001}


@dataclass(frozen=True)
class Population:
    """All members and held-out samples there are, of which each replicate draws some: `share` of members `shift`ed."""

    shift: float
    share: float = 1.0

    @classmethod
    def of_auc(cls, auc: float) -> "Population":
        """Return the one in which all members are shifted and the AUC is this."""
        return cls(float(np.sqrt(2) * norm.ppf(auc)))

    @property
    def weaker(self) -> "Population":
        """As a weaker attack sees it."""
        return Population(self.shift / 2, self.share)

    @property
    def auc(self) -> float:
        """The true AUC."""
        return float(self.share * norm.cdf(self.shift / np.sqrt(2)) + (1 - self.share) / 2)

    def tpr(self, threshold: float) -> float:
        """Return the share of members beyond a threshold."""
        return float(self.share * norm.sf(threshold - self.shift) + (1 - self.share) * norm.sf(threshold))

    def tpr_at(self, level: float) -> float:
        """Return the TPR at the threshold that a share `level` of held-out samples exceeds."""
        return self.tpr(float(norm.isf(level)))

    def balanced_accuracy(self, threshold: float) -> float:
        """Return the true balanced accuracy at a threshold."""
        return (self.tpr(threshold) + float(norm.cdf(threshold))) / 2

    @cached_property
    def asr(self) -> float:
        """The highest balanced accuracy of all thresholds."""
        best = minimize_scalar(lambda cut: -self.balanced_accuracy(cut), bounds=(-5, 10), method="bounded")
        return float(-best.fun)


POPULATIONS = {
    **{f"AUC {auc}": Population.of_auc(auc) for auc in (0.5, 0.7, 0.92, 0.98)},
    "40 % by 3": Population(3.0, 0.4),
}


@dataclass(frozen=True)
class Seen:
    """One attack's statistics (N,) in one replicate, drawn from a population."""

    population: Population
    roc: Roc
    threshold: float | None
    resamples: Bootstrap

    @cached_property
    def asrs(self) -> np.ndarray:
        return self.resamples.asr(self.roc)

    def tprs(self, level: float) -> np.ndarray:
        return self.resamples.tpr_at(self.roc, level)

    def tpr(self, level: float) -> float:
        return self.roc.found_at(level) / self.roc.members

    @property
    def is_right(self) -> np.ndarray:
        return np.equal(self.roc.accepted(self.threshold), self.roc.is_member)

    @property
    def true_accuracy(self) -> float:
        return self.population.balanced_accuracy(np.inf if self.threshold is None else self.threshold)


def draw(population: Population, members: int, heldout: int, resamples: int, seed: int) -> list[Seen]:
    """Draw one replicate: the attack, an equal one and a weaker one on the same samples."""
    rng = np.random.default_rng([seed, members, heldout])
    part = CALIBRATION / (1 - CALIBRATION)

    def statistics(members: int, heldout: int) -> tuple[np.ndarray, Iterator[np.ndarray]]:
        is_member = np.arange(members + heldout) < members
        shifted = is_member & (rng.random(len(is_member)) < population.share)
        common = rng.normal(size=len(is_member))
        noise = [np.sqrt(0.5) * (common + rng.normal(size=len(is_member))) for _ in populations]
        return is_member, (own + seen.shift * shifted for own, seen in zip(noise, populations, strict=True))

    populations = [population, population, population.weaker]
    before, calibration = statistics(round(part * members), round(part * heldout))
    is_member, evaluation = statistics(members, heldout)
    drawn = Bootstrap(is_member, resamples, seed)
    return [
        Seen(seen, Roc.of(values, is_member, "high"), Roc.of(earlier, before, "high").best_threshold, drawn)
        for seen, values, earlier in zip(populations, evaluation, calibration, strict=True)
    ]


Checked = Iterator[tuple[str, Interval, float]]
"""What an interval is called, the interval, and the true value."""


def of_one(seen: Seen) -> Checked:
    """Yield every interval of one attack."""
    roc, true = seen.roc, seen.population
    yield "AUC: DeLong", Delong.of([roc.placements()], roc.is_member).interval(), true.auc
    accuracy = balanced_accuracy_at(seen.threshold, roc)
    yield (
        "balanced accuracy at the calibrated threshold: joined Clopper-Pearson",
        accuracy,
        seen.true_accuracy,
    )
    yield "ASR: basic bootstrap", asr_interval(roc, seen.asrs), true.asr
    for name, level in LEVELS.items():
        given = rate(roc.found_at(level), roc.members)
        yield f"*{name}: Clopper-Pearson given the threshold*", given, true.tpr_at(level)
        yield f"{name}: joined with the threshold's", tpr_interval(roc, level), true.tpr_at(level)


def of_two(first: Seen, second: Seen, what: str) -> Checked:
    """Yield every interval of the difference between two attacks, `what` naming the second."""
    difference = paired_difference(first.is_right, second.is_right, first.roc.is_member)
    true = first.true_accuracy - second.true_accuracy
    yield f"balanced accuracy minus {what}: normal", difference, true
    for name, level in {"ASR": None, **LEVELS}.items():
        (value, resampled, true), (other, others, true_other) = (
            (seen.roc.asr, seen.asrs, seen.population.asr)
            if level is None
            else (seen.tpr(level), seen.tprs(level), seen.population.tpr_at(level))
            for seen in (first, second)
        )
        basic = basic_interval(value - other, resampled - others, (-1, 1))
        yield f"*{name} minus {what}: basic bootstrap*", basic, true - true_other
        percentile = percentile_interval(value - other, resampled - others)
        yield f"{name} minus {what}: percentile bootstrap", percentile, true - true_other


def of_seeds(first: Seen, second: Seen) -> Checked:
    """Yield the interval of the mean over two attacks as if they were two seeds."""
    level = LEVELS["TPR at 1 % FPR"]
    parts = [tpr_interval(seen.roc, level) for seen in (first, second)]
    mean = Interval(
        *(float(np.mean([getattr(part, key) for part in parts])) for key in ("value", "low", "high"))
    )
    yield "TPR at 1 % FPR, mean of two seeds: means of limits", mean, first.population.tpr_at(level)


def coverage(
    population: Population, size: tuple[int, int], replicates: int, resamples: int = RESAMPLES
) -> dict[str, float]:
    """Return by interval how often it holds the true value."""
    held: dict[str, list[bool]] = defaultdict(list)
    for seed in range(replicates):
        one, equal, weaker = draw(population, *size, resamples, seed)
        checked = [
            *of_one(one),
            *of_two(one, equal, "an equal one's"),
            *of_two(one, weaker, "a weaker one's"),
        ]
        for name, interval, true in (*checked, *of_seeds(one, equal)):
            held[name].append(interval.low - 1e-9 <= true <= interval.high + 1e-9)
    return {name: float(np.mean(each)) for name, each in held.items()}


def table() -> str:
    """Return the table in Markdown: a row per interval, a column per population, in each cell a number per size."""
    cases = [(population, size) for population in POPULATIONS.values() for size in SIZES]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        measured = list(pool.map(partial(_coverage, REPLICATES), cases))
    lines = [f"| interval | {' | '.join(POPULATIONS)} |", f"| --- |{' --- |' * len(POPULATIONS)}"]
    for name in measured[0]:
        cells = [f"{of[name]:.3f}".lstrip("0") for of in measured]
        columns = [" ".join(cells[first : first + len(SIZES)]) for first in range(0, len(cells), len(SIZES))]
        lines.append(f"| {name} | {' | '.join(columns)} |")
    return "\n".join(lines) + "\n"


def _coverage(replicates: int, case: tuple[Population, tuple[int, int]]) -> dict[str, float]:
    return coverage(*case, replicates)


if __name__ == "__main__":
    text = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(TABLE.sub(lambda _: table(), text), encoding="utf-8")
