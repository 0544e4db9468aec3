"""The controls: what must come out if the protocol works, held against what did, and what that makes of each target.

A control that fails is said first, wherever numbers are shown.
"""

from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from simaudit.evaluation.protocol.metrics import AUC
from simaudit.evaluation.protocol.selected import BLIND
from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.intervals import Delong, Interval, together
from simaudit.evaluation.statistics.permutation import widened
from simaudit.vocabulary.sides import EVALUATION

NEAR_PERFECT = 0.99
THEORY = "sima"  # the attack that the closed form is the theory of

WORDS = {
    "blind": (
        "classifiers that never see a model do not tell the sides of {of} apart",
        "classifiers that never see a model tell the sides of {of} apart, so its targets are shifted",
    ),
    "permutation": ("shuffled labels are not told apart on {of}", "shuffled labels are told apart on {of}"),
    "untrained": (
        "no attack finds members of the untrained {of}",
        "an attack finds members of the untrained {of}",
    ),
    "optimal": (
        f"{THEORY} finds nearly every member of the optimal {{of}}",
        f"{THEORY} does not find the members of the optimal {{of}} as theory says it must",
    ),
}
"""What a control of each kind says where it passed, and where it failed."""


@dataclass(frozen=True)
class Control:
    """One control: what kind, of which split or target, whether it passed, and which attacks it failed on."""

    kind: str
    of: str
    passed: bool
    failed_on: tuple[str, ...] = ()


def all_controls(targets: list[Results], blind: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Every control of a run, the sentence that sums them up, and the verdict on each audited target.

    `blind` holds the summary of the blind classifiers by split. A control that nothing in this run serves is `absent`.
    All intervals of a kind of control must hold together, so that a sound run rarely fails however large it is.
    """
    untrained = [results for results in targets if results.control == "untrained"]
    controls = [
        *(Control("blind", split, not summary["shifted"]) for split, summary in blind.items()),
        *(_permutation(results, _attacks(targets)) for results in targets),
        *(_untrained(results, _attacks(untrained)) for results in untrained),
        *(
            _optimal(results)
            for results in targets
            if results.control == "optimal" and THEORY in results.attacks
        ),
    ]
    absent = sorted(WORDS.keys() - {control.kind for control in controls})
    return {
        "passed": all(control.passed for control in controls),
        "sentence": sentence(controls, absent),
        "absent": absent,
        "controls": [asdict(control) for control in controls],
        "verdicts": {results.target: verdict(results) for results in targets if results.control is None},
    }


def sentence(controls: list[Control], absent: list[str]) -> str:
    """Which controls passed, in one sentence, those that failed first."""
    outcomes = {passed: [c for c in controls if c.passed is passed] for passed in (False, True)}
    clauses = {
        passed: [
            WORDS[kind][not passed].format(of=", ".join(control.of for control in group))
            for kind, group in groupby(found, key=lambda control: control.kind)
        ]
        for passed, found in outcomes.items()
    }
    if failed := outcomes[False]:
        text = f"{len(failed)} of {len(controls)} controls FAILED: {'; '.join(clauses[False])}."
        text += f" Passed: {'; '.join(clauses[True])}" if clauses[True] else ""
    else:
        text = f"All {len(controls)} controls passed: {'; '.join(clauses[True])}"
    missing = f"; not in this run: {', '.join(absent)}" if absent else ""
    return f"{text.removesuffix('.')}{missing}."


def _attacks(targets: list[Results]) -> int:
    return sum(len(results.attacks) for results in targets)


def _permutation(results: Results, tests: int) -> Control:
    permutations = results.permutation["permutations"]
    found = {
        name: widened(Interval(**facts["permuted"]["auc"]), permutations, tests)
        for name, facts in results.permutation["attacks"].items()
    }
    off = tuple(name for name, auc in found.items() if not auc.contains(0.5))
    return Control("permutation", results.target, not off, off)


def _untrained(results: Results, tests: int) -> Control:
    off = tuple(name for name, auc in selected_aucs(results, tests).items() if not auc.contains(0.5))
    return Control("untrained", results.target, not off, off)


def _optimal(results: Results) -> Control:
    """The closed form's AUC is near 1 at its best timestep, and no higher at the latest than at the earliest."""
    rows = results.table[(results.table.fold == EVALUATION) & (results.table.attack == THEORY)]
    selected = rows[rows.selected].iloc[0]
    curve = rows[rows.variant == selected.variant].sort_values("timestep")[AUC]
    passed = bool(selected[AUC] >= NEAR_PERFECT and curve.iloc[-1] <= curve.iloc[0])
    return Control("optimal", results.target, passed, () if passed else (THEORY,))


def selected_aucs(results: Results, tests: int) -> dict[str, Interval]:
    """Each attack's AUC at its selected knobs with limits that hold together with those of all `tests` (Bonferroni)."""
    confidence = together(tests)
    found = {}
    for attack in results.attacks:
        roc = results.selected.roc(attack)
        found[attack] = Delong.of([roc.placements()], roc.is_member).interval(confidence=confidence)
    return found


def verdict(results: Results) -> str:
    """`leaks` where an attack surely finds members: above chance, or on a shifted split above the blind classifiers.

    Else `shifted` where the split is, for then nothing can be told; else `no leak found`, which is less than none.
    """
    if results.summary["shifted"]:
        return "leaks" if any(interval.low > 0 for interval in _minus_blind(results)) else "shifted"
    aucs = selected_aucs(results, len(results.attacks)).values()
    return "leaks" if any(auc.low > 0.5 for auc in aucs) else "no leak found"


def _minus_blind(results: Results) -> list[Interval]:
    """Each attack's AUC minus that of the blind classifiers, with limits that hold at 95 % together."""
    blind = results.selected.roc(BLIND)
    pairs = ([results.selected.roc(attack).placements(), blind.placements()] for attack in results.attacks)
    confidence = together(len(results.attacks))
    return [Delong.of(pair, blind.is_member).difference(confidence=confidence) for pair in pairs]
