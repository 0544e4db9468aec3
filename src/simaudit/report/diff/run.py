"""A run as it is laid beside another one: its numbers, what is said of each target, and every parameter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from simaudit.evaluation.numbers import Ledger, Number
from simaudit.evaluation.protocol.metrics import AUC, TPR_LEVELS
from simaudit.evaluation.protocol.selected import BLIND
from simaudit.provenance.records import read_records
from simaudit.report.top import occasion
from simaudit.storage.json import canonical_json, read_json
from simaudit.vocabulary.paths import NUMBERS, OCCASION, RECORDS, RESULTS, VERDICT, comparison

COMPARED = (AUC, *TPR_LEVELS)
NO_VERDICT = f"no {VERDICT.name}, which older versions did not write, so its grades are not known"
NOT_KNOWN = "when, and at which commit, is not known"


@dataclass(frozen=True)
class Compared:
    """One run.

    `controls` is what controls.json holds, `verdict` what verdict.json holds, `taken` when numbers were taken and by
    which code; each is empty where its file is missing. `params` has every parameter of a job as `job: key`.
    """

    ledger: Ledger
    controls: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
    taken: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, place: Path) -> "Compared":
        """Read a run from its folder, from the results/ in it, or from a file in results/, such as numbers.json.

        Raises SimauditError without numbers.json.
        """
        folder = place if place.is_dir() else place.parent
        root = folder if (folder / NUMBERS.name).exists() else folder / RESULTS

        def known(path: Path) -> Mapping[str, Any]:
            here = root / path.relative_to(RESULTS)
            return read_json(here) if here.exists() else {}

        records = root / RECORDS.relative_to(RESULTS)
        params = {
            f"{name}: {key}": value
            for name, record in (read_records(records) if records.exists() else {}).items()
            for key, value in _flat(record.params)
        }
        ledger = Ledger.read(root / NUMBERS.name)
        verdict = known(VERDICT)
        return cls(ledger, known(comparison("controls")), verdict, verdict or known(OCCASION), params)

    @property
    def targets(self) -> list[str]:
        """Every target that a threshold attack was run on."""
        found = self.ledger.find(metric="calibration_auc", of=None)
        return sorted({str(number.audit) for number in found if number.attack != BLIND})

    @property
    def said(self) -> str:
        """When the numbers were taken, at which commit and by which version, and what is not known of the run."""
        taken = " · ".join(occasion(self.taken)) if self.taken else NOT_KNOWN
        return taken if self.verdict else f"{taken}; {NO_VERDICT}"

    @property
    def outcomes(self) -> dict[str, str]:
        """Whether each control passed."""
        return {
            f"{control['kind']}, {control['of']}": "passed" if control["passed"] else "FAILED"
            for control in self.controls.get("controls", [])
        }

    def of_target(self, target: str) -> dict[str, str]:
        """Return what is said of a target, as far as it is known: its verdict, its grade, the best attack on it."""
        verdicts, audits = self.controls.get("verdicts", {}), self.verdict.get("audits", {})
        return {
            **({"verdict": str(verdicts[target]["verdict"])} if target in verdicts else {}),
            **({"grade": str(audits[target]["grade"])} if target in audits else {}),
            "best attack": self.ledger.best(target),
        }

    def headline(self) -> dict[str, Number]:
        """Return the metrics of every attack that are compared, by id."""
        return {
            number.id: number
            for metric in COMPARED
            for number in self.ledger.find(metric=metric, of=None)
            if number.audit and number.attack
        }


def _flat(params: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value within a job's parameters as JSON, with its keys joined with dots."""
    if isinstance(params, Mapping) and params:
        pairs = ((f"{key}.{name}" if key else str(name), value) for name, value in params.items())
        yield from chain.from_iterable(_flat(value, name) for name, value in pairs)
    else:
        yield key, " ".join(canonical_json(params).split())
