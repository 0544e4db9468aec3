"""The controls: what must come out if the protocol works, compared with what did, and the verdict on each target."""

from dataclasses import asdict, dataclass
from typing import Any

from simaudit.evaluation.protocol.metrics import AUC
from simaudit.evaluation.protocol.selected import BLIND
from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.intervals import Delong, Interval, together
from simaudit.evaluation.statistics.permutation import widened
from simaudit.vocabulary.sides import EVALUATION

NEAR_PERFECT = 0.99
THEORY = "sima"  # the attack that the closed form is the theory of

KINDS = ("blind", "optimal", "permutation", "untrained")
"""Every kind of control, whether or not a run has one of it."""


@dataclass(frozen=True)
class Control:
    """One control: its kind, the split or target it is of, whether it passed, and the attacks that it failed on."""

    kind: str
    of: str
    passed: bool
    failed_on: tuple[str, ...] = ()


def all_controls(targets: list[Results], blind: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what controls.json holds: every control of a run, and the verdict on each audited target.

    `blind` holds the summary of the blind classifiers by split. A kind of control that nothing in this run serves is
    `absent`. All intervals of a kind of control must hold together, so that a sound run rarely fails however large.
    """
    untrained = [results for results in targets if results.context.control == "untrained"]
    controls = [
        *(Control("blind", split, not summary["shifted"]) for split, summary in blind.items()),
        *(_permutation(results, _attacks(targets)) for results in targets),
        *(_untrained(results, _attacks(untrained)) for results in untrained),
        *(
            _optimal(results)
            for results in targets
            if results.context.control == "optimal" and THEORY in results.attacks
        ),
    ]
    return {
        "passed": all(control.passed for control in controls),
        "absent": sorted(set(KINDS) - {control.kind for control in controls}),
        "controls": [asdict(control) for control in controls],
        "verdicts": {
            results.target: verdict(results) for results in targets if results.context.control is None
        },
    }


def _attacks(targets: list[Results]) -> int:
    return sum(len(results.attacks) for results in targets)


def _permutation(results: Results, tests: int) -> Control:
    permutations = results.permutation["permutations"]
    aucs = {
        name: widened(Interval(**facts["permuted"]["auc"]), permutations, tests)
        for name, facts in results.permutation["attacks"].items()
    }
    return _at_chance("permutation", results, aucs)


def _untrained(results: Results, tests: int) -> Control:
    return _at_chance("untrained", results, selected_aucs(results, tests))


def _at_chance(kind: str, results: Results, aucs: dict[str, Interval]) -> Control:
    off = tuple(name for name, auc in aucs.items() if not auc.contains(0.5))
    return Control(kind, results.target, not off, off)


def _optimal(results: Results) -> Control:
    """Check that the closed form's AUC is near 1 at its best timestep, and no higher at the latest than the first."""
    rows = results.table[(results.table.fold == EVALUATION) & (results.table.attack == THEORY)]
    selected = rows[rows.selected].iloc[0]
    curve = rows[rows.variant == selected.variant].sort_values("timestep")[AUC]
    passed = bool(selected[AUC] >= NEAR_PERFECT and curve.iloc[-1] <= curve.iloc[0])
    return Control("optimal", results.target, passed, () if passed else (THEORY,))


def selected_aucs(results: Results, tests: int) -> dict[str, Interval]:
    """Return each attack's AUC at its selected knobs; all limits of `tests` such AUCs hold together (Bonferroni)."""
    confidence = together(tests)
    rocs = {attack: results.selected.roc(attack) for attack in results.attacks}
    return {
        attack: Delong.of([roc.placements()], roc.is_member).interval(confidence=confidence)
        for attack, roc in rocs.items()
    }


def verdict(results: Results) -> str:
    """Return `leaks` where an attack surely finds members: above chance, or above the blind classifiers if shifted.

    Otherwise `shifted` where the split is shifted, since nothing can be concluded there, and `no leak found` elsewhere,
    which does not say that there is no leak.
    """
    if results.summary["shifted"]:
        return "leaks" if any(interval.low > 0 for interval in _minus_blind(results)) else "shifted"
    aucs = selected_aucs(results, len(results.attacks)).values()
    return "leaks" if any(auc.low > 0.5 for auc in aucs) else "no leak found"


def _minus_blind(results: Results) -> list[Interval]:
    """Return each attack's AUC minus that of the blind classifiers, with limits that hold at 95 % together."""
    blind = results.selected.roc(BLIND)
    pairs = ([results.selected.roc(attack).placements(), blind.placements()] for attack in results.attacks)
    confidence = together(len(results.attacks))
    return [Delong.of(pair, blind.is_member).difference(confidence=confidence) for pair in pairs]
