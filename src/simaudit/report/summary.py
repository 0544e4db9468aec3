"""What a finished run found, in the few lines that a terminal ends with."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from simaudit.evaluation.numbers import Ledger
from simaudit.figures.style import attack_name
from simaudit.storage.json import read_json
from simaudit.vocabulary.paths import RUN_FILES


def summary(results: Path) -> str:
    """Return the page's path, how many controls passed, the verdicts, and the highest AUC with its interval.

    `results` is the folder of a finished run. Raises SimauditError when a file of it is missing or damaged.
    """
    content = read_json(results / "comparison" / "controls.json")
    controls, verdicts = content["controls"], content["verdicts"]
    failed = [f"{control['kind']} of {control['of']}" for control in controls if not control["passed"]]
    passed = f"{len(controls) - len(failed)} of {len(controls)} controls passed."
    if failed:
        passed += f" FAILED: {', '.join(failed)}; do not rely on the verdicts."
    ledger = Ledger.read(results / RUN_FILES["numbers"])
    audited = f" {_verdicts(verdicts)}; highest: {_highest(ledger, list(verdicts))}" if verdicts else ""
    return f"Report: {results / 'report/index.html'}   (open it in a browser)\n{passed}{audited}"


def _verdicts(verdicts: Mapping[str, str]) -> str:
    counts = Counter(verdicts.values())
    leaking = counts.pop("leaks", 0)
    others = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return f"{leaking} of {len(verdicts)} audited targets leak" + (f" ({others})" if others else "")


def _highest(ledger: Ledger, targets: list[str]) -> str:
    """Return the target with the highest AUC of the attack that is best on it, and that AUC."""
    best = {target: ledger.best(target) for target in targets}
    target = max(targets, key=lambda target: ledger.value(f"{target}.{best[target]}.auc"))
    auc = ledger.estimate(f"{target}.{best[target]}.auc")
    return f"{target}, AUC {auc} ({attack_name(best[target])})"
