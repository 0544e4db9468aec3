"""The findings of a run, as tables and the page read them: its numbers, and the words that go with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.evaluation.numbers import LEARNED, Ledger
from simaudit.report.grades import Grade, grade
from simaudit.storage.json import read_json
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.membership import membership_notes
from simaudit.vocabulary.paths import COMPARISONS, RUN_FILES, TARGET_FILES


@dataclass(frozen=True)
class Findings:
    """All that tables and the page say of a run. Numbers come from the `ledger` alone.

    `contexts` and `summaries` by target, and `comparison` by the name of its file, give words: which attacks there are,
    what the controls say. `show_records` says whether single images and groups may be named.
    """

    ledger: Ledger
    contexts: Mapping[str, AuditContext]
    summaries: Mapping[str, Mapping[str, Any]]
    comparison: Mapping[str, Mapping[str, Any]]
    show_records: bool = True

    @classmethod
    def read(cls, root: Path, contexts: Mapping[str, AuditContext]) -> "Findings":
        """Read the findings from results/. Raises SimauditError when a file is missing or not valid JSON."""
        return cls(
            Ledger.read(root / RUN_FILES["numbers"]),
            contexts,
            {name: read_json(root / TARGET_FILES["summary"].format(target=name)) for name in contexts},
            {name: read_json(root / "comparison" / f"{name}.json") for name in COMPARISONS},
        )

    @property
    def targets(self) -> list[str]:
        """Every target in the order of print: references first, seeds of one target together, controls last."""

        def place(name: str) -> tuple[bool, bool, str, bool, str]:
            context = self.contexts[name]
            has_reference = self.contexts[context.group].reference is not None
            return context.control is not None, has_reference, context.group, name != context.group, name

        return sorted(self.contexts, key=place)

    @property
    def audited(self) -> list[str]:
        """Every target that is not a control."""
        return [name for name in self.targets if self.contexts[name].control is None]

    @property
    def splits(self) -> list[str]:
        """Every split that a target was evaluated on."""
        return sorted({summary["split"] for summary in self.summaries.values()})

    @property
    def with_near_duplicates(self) -> list[str]:
        """Every split in which a held-out sample is nearly the same image as a member."""
        found = {split: self.ledger.get("found", split, of="near_duplicates") for split in self.splits}
        return [split for split, number in found.items() if number and number.value]

    def verdict(self, target: str) -> str:
        """Return the verdict on a target; for a control, which control it is."""
        verdicts = self.comparison["controls"]["verdicts"]
        control = f"{self.contexts[target].control} control"
        return str(verdicts[target]["verdict"]) if target in verdicts else control

    def grade(self, target: str) -> Grade:
        """Return how much an audited target leaks, see `simaudit.report.grades`."""
        said = self.comparison["controls"]["verdicts"][target]
        return grade(self.ledger, target, said, self.is_shifted(target))

    def decided_by(self, target: str) -> str:
        """Return the attack whose limits decide the verdict on an audited target."""
        return str(self.comparison["controls"]["verdicts"][target]["attack"])

    def membership_note(self, names: Iterable[str]) -> str:
        """Return in which of these audits members are not verified, in a sentence or two; empty where there is none."""
        return " ".join(membership_notes({name: self.contexts[name].membership for name in names}))

    def is_shifted(self, target: str) -> bool:
        """Return whether the sides of the target's split are told apart without any model."""
        return bool(self.summaries[target]["shifted"])

    def attacks(self, target: str) -> list[str]:
        """Return every threshold attack that was run on a target."""
        return list(self.summaries[target]["attacks"])

    def of_kind(self, kind: str, target: str) -> str | None:
        """Return the threshold attack on a target that stands for a kind; None where there is none."""
        return self.contexts[target].of_kind(kind, self.attacks(target))

    def heads(self, target: str) -> list[str]:
        """Return every learned head that was run on a target."""
        return list(self.summaries[target][LEARNED]["attacks"])
