"""What a run found, as tables and the page read it: its numbers, and the words that go with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.evaluation.numbers import Ledger
from simaudit.storage.json import read_json
from simaudit.vocabulary.paths import RUN_FILES, TARGET_FILES
from simaudit.vocabulary.roles import Role

COMPARISONS = ("against", "controls", "groups", "ranks")
METRICS = {
    "auc": "AUC",
    "asr": "ASR",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "tpr_at_0.1pct_fpr": "TPR at 0.1 % FPR",
}
"""The headline metrics and their names in print."""


@dataclass(frozen=True)
class Findings:
    """Numbers come from the `ledger` alone.

    `summaries` by target and `comparison` by file name give words: which attacks there are, what controls say.
    """

    ledger: Ledger
    roles: Mapping[str, Role]
    summaries: Mapping[str, Mapping[str, Any]]
    comparison: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, root: Path, roles: Mapping[str, Role]) -> "Findings":
        """From results/. Raises SimauditError when a file is missing or not valid JSON."""
        return cls(
            Ledger.read(root / RUN_FILES["numbers"]),
            roles,
            {name: read_json(root / TARGET_FILES["summary"].format(target=name)) for name in roles},
            {name: read_json(root / "comparison" / f"{name}.json") for name in COMPARISONS},
        )

    @property
    def targets(self) -> list[str]:
        """In the order of print: what others are held against first, seeds of one target together, controls last."""

        def place(name: str) -> tuple[bool, bool, str, bool, str]:
            role = self.roles[name]
            of_reference = self.roles[role.group].reference is not None
            return role.control is not None, of_reference, role.group, name != role.group, name

        return sorted(self.roles, key=place)

    @property
    def audited(self) -> list[str]:
        """Every target that is no control."""
        return [name for name in self.targets if self.roles[name].control is None]

    @property
    def splits(self) -> list[str]:
        """Every split that a target was evaluated on."""
        return sorted({summary["split"] for summary in self.summaries.values()})

    def verdict(self, target: str) -> str:
        """What the controls make of a target; of a control, which one it is."""
        found: str = self.comparison["controls"]["verdicts"].get(
            target, f"{self.roles[target].control} control"
        )
        return found

    def is_shifted(self, target: str) -> bool:
        """Whether the target's split can be told apart without any model."""
        return bool(self.summaries[target]["shifted"])

    def attacks(self, target: str) -> list[str]:
        """Every attack that was run on it."""
        return list(self.summaries[target]["attacks"])
