"""The result files of one evaluated target, and of a run's targets together, as comparisons and figures read them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.numbers import Ledger
from simaudit.evaluation.protocol.choice import Choice
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.bootstrap import Bootstrap
from simaudit.scoring.score_file import Key, Scores
from simaudit.storage.array import read_arrays
from simaudit.storage.json import read_json
from simaudit.storage.parquet import read_table
from simaudit.vocabulary import paths
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import entry_of
from simaudit.vocabulary.paths import RUN_FILES, SPLIT_FILES, TARGET_FILES
from simaudit.vocabulary.sides import EVALUATION

ALONE = AuditContext(group="")


@dataclass(frozen=True)
class Results:
    """The files of one target under `root`, results/, each read when it is first needed.

    `context` is its place in the run, which only comparisons need.
    """

    root: Path
    target: str
    context: AuditContext = ALONE

    def file(self, name: str) -> Path:
        """Return the path of one of TARGET_FILES."""
        return self.root / TARGET_FILES[name].format(target=self.target)

    @cached_property
    def summary(self) -> dict[str, Any]:
        return read_json(self.file("summary"))

    @cached_property
    def permutation(self) -> dict[str, Any]:
        return read_json(self.file("permutation"))

    @cached_property
    def quality(self) -> dict[str, Any]:
        """Fréchet distances of the target's samples, each with the features that it is of as its unit."""
        distances: dict[str, Any] = read_json(self.file("quality"))["frechet"]
        return distances

    @cached_property
    def sets(self) -> dict[str, Any]:
        """What holds of sets of members, see `simaudit.evaluation.sets.verdict.set_facts`."""
        facts: dict[str, Any] = read_json(self.file("sets"))["sets"]
        return facts

    @cached_property
    def set_p_values(self) -> pd.DataFrame:
        """The p of every set that was drawn, see `simaudit.evaluation.sets.verdict.set_table`."""
        return read_table(self.file("set_p_values"))

    @cached_property
    def table(self) -> pd.DataFrame:
        """All metric rows, see `simaudit.evaluation.protocol.metrics.SCHEMA`."""
        return read_table(self.file("table"))

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """How every statistic is distributed by role, see `simaudit.evaluation.protocol.profiles`."""
        return read_table(self.file("profiles"))

    @cached_property
    def gallery(self) -> dict[str, np.ndarray]:
        """Images of the target and of its split beside each other, see `simaudit.samples.gallery.gallery`."""
        return read_arrays(self.file("gallery"))

    @cached_property
    def selected(self) -> SelectedScores:
        return SelectedScores.read(self.file("selected"))

    def scores(self, attack: str, only: Collection[Key] | None = None) -> Scores:
        """Return the statistics of every sample by an attack, all or `only` some, as `Scores.read` does."""
        return Scores.read(self.root / paths.scores(self.target, attack).relative_to(paths.RESULTS), only)

    def choice(self, attack: str, bootstrap: Bootstrap) -> Choice:
        """Return an attack at its selected knobs on the evaluation fold, whose resamples `bootstrap` draws."""
        rows = self.table[(self.table.fold == EVALUATION) & (self.table.attack == attack)]
        return Choice.of(rows[rows.selected].iloc[0], self.selected.roc(attack), bootstrap)

    def require_same_samples(self, other: "Results") -> None:
        """Refuse a target that was evaluated on different samples, with a SimauditError."""
        if not np.array_equal(self.selected.sample_id, other.selected.sample_id):
            raise SimauditError(
                f"{self.target}: was evaluated on other samples than {other.target}; evaluate both anew"
            )

    @property
    def attacks(self) -> list[str]:
        """Every threshold attack that was run on it: those that compete with one another."""
        return list(self.summary["attacks"])

    @property
    def heads(self) -> list[str]:
        """Every learned head that was run on it, see `Attack.learned`: these stand apart from `attacks`."""
        return list(self.summary["learned"]["attacks"])

    @property
    def best(self) -> str:
        """The threshold attack with the highest AUC on the calibration fold, which chose its knobs as well."""
        facts = self.summary["attacks"]
        return str(max(facts, key=lambda attack: facts[attack]["selected"]["calibration_auc"]["value"]))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of every attack by name; where nothing says it, its name."""
        return {name: knobs.kind or name for name, knobs in self.selected.knobs.items()}

    def entry(self, attack: str) -> str:
        """Return the threshold attack of that name, or else the one that stands for the kind of that name.

        Raises SimauditError, which names those that were run on the target, when there is none.
        """
        known = {name: self.kinds[name] for name in self.attacks}
        entry = attack if attack in known else entry_of(attack, known)
        if entry is None:
            raise SimauditError(f"attack {attack} has no scores on {self.target}; it has: {', '.join(known)}")
        return entry


@dataclass(frozen=True)
class Run:
    """The files of all targets together under `root`, results/, the context of each by name, and their splits."""

    root: Path
    contexts: Mapping[str, AuditContext]
    splits: Sequence[str] = ()

    @cached_property
    def ledger(self) -> Ledger:
        """Every number of the run."""
        return Ledger.read(self.root / RUN_FILES["numbers"])

    @cached_property
    def experiments(self) -> list[dict[str, str]]:
        """The published experiments in words, see `simaudit.evaluation.comparison.published`."""
        experiments: list[dict[str, str]] = read_json(self.root / RUN_FILES["published"])["experiments"]
        return experiments

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of every attack that is named otherwise, by name."""
        return {attack: kind for context in self.contexts.values() for attack, kind in context.kinds.items()}

    def of_kind(self, kind: str, target: str) -> str | None:
        """Return the threshold attack on a target that stands for a kind; None where there is none."""
        return self.contexts[target].of_kind(kind, self.ledger.attacks(target))

    @property
    def audited(self) -> list[str]:
        """Every target that is not a control."""
        return [target for target, context in self.contexts.items() if context.control is None]

    def pairs(self, split: str) -> dict[str, np.ndarray]:
        """Return the held-out samples that look most like a member, see `simaudit.data.near_duplicates`."""
        return read_arrays(self.root / SPLIT_FILES["pairs"].format(split=split))

    def theory(self, name: str) -> pd.DataFrame:
        """Return the closed form along a `line` or over a `field`, see `simaudit.targets.closed_form`."""
        return read_table(self.root / RUN_FILES[name])
