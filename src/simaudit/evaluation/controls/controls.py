"""The controls: what must come out if the protocol works, compared with what did, and the verdict on each target."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.intervals import Delong, Interval, together
from simaudit.evaluation.statistics.permutation import widened
from simaudit.vocabulary.kinds import BLIND
from simaudit.vocabulary.metrics import AUC
from simaudit.vocabulary.sides import EVALUATION

SELECTED, MINUS_BLIND, PERMUTED = "decisive", "minus_blind.decisive", "permuted.decisive"
MINUS_BEST = "minus_best.decisive"
"""What a number with the limits that decide is of, in the ledger's words."""
LEAKS = "leaks"
NEAR_PERFECT = 0.99
THEORY = "sima"  # the kind of attack that the closed form is the theory of

KINDS = ("blind", "optimal", "permutation", "sets", "untrained")
"""Every kind of control, whether or not a run has one of it."""


@dataclass(frozen=True)
class Control:
    """One control: its kind, the split or target it is of, whether it passed, and the attacks that it failed on.

    `by` is the attack that it looks at, where that is only one.
    """

    kind: str
    of: str
    passed: bool
    failed_on: tuple[str, ...] = ()
    by: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What is said of an audited target, and the threshold attack whose limits say it.

    `leaks`: an attack surely finds members: above chance, or above the blind classifiers if the split is shifted.
    `undecided`: an attack does so by its own 95 % limits, but not by those that hold for all attacks together.
    Otherwise `shifted` on a shifted split, and `no leak found` elsewhere, which does not say that there is no leak: of
    all attacks the named one has the highest AUC that its limits leave possible.
    """

    verdict: str
    attack: str


@dataclass(frozen=True)
class Decisive:
    """AUCs of a target by attack, each with the limits that decide: those of one kind of control hold together.

    `of` says what of the target they are: AUCs at the selected knobs (SELECTED), what these have above the blind
    classifiers (MINUS_BLIND), what learned heads have above the best threshold attack (MINUS_BEST), or AUCs under
    shuffled labels (PERMUTED).
    """

    target: str
    of: str
    aucs: Mapping[str, Interval]

    @property
    def chance(self) -> float:
        """The AUC, or the difference, of an attack that guesses."""
        return 0.0 if self.of in (MINUS_BLIND, MINUS_BEST) else 0.5

    @property
    def surest(self) -> str:
        """The attack whose lower limit is the highest."""
        return max(self.aucs, key=lambda attack: self.aucs[attack].low)

    @property
    def is_found(self) -> bool:
        """Whether some attack is surely above chance."""
        return self.aucs[self.surest].low > self.chance

    def control(self, kind: str) -> Control:
        """Return the control that passes if every attack is at chance."""
        off = tuple(name for name, auc in self.aucs.items() if not auc.contains(self.chance))
        return Control(kind, self.target, not off, off)


def all_controls(targets: list[Results], blind: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what controls.json holds: every control of a run, the verdicts, and the numbers that decided them.

    `blind` holds the summary of the blind classifiers by split. A kind of control that nothing in this run serves is
    `absent`; a split whose sides have different origins is in `one_sided`, with those that each side has alone. All
    intervals of a kind of control must hold together, so that a sound run rarely fails however large.

    Verdicts are those of threshold attacks. `learned` names, by target, the learned head that surely finds more than
    these: members where the verdict is not `leaks`, or else more than the best of them. Its limits hold for all heads
    on the target together.
    """
    untrained = [results for results in targets if results.context.control == "untrained"]
    audited = [results for results in targets if results.context.control is None]
    permuted = [_permuted(results, _tests(targets)) for results in targets]
    untaught = [
        _selected(results, [*results.attacks, *results.heads], _tests(untrained)) for results in untrained
    ]
    judged = [_judged(results, results.attacks) for results in audited]
    verdicts = [verdict(results, decisive) for results, decisive in zip(audited, judged, strict=True)]
    learned = [
        _minus(results, results.heads, results.best, MINUS_BEST)
        if said.verdict == LEAKS
        else _judged(results, results.heads)
        for results, said in zip(audited, verdicts, strict=True)
        if results.heads
    ]
    controls = [
        *(Control("blind", split, not summary["shifted"]) for split, summary in blind.items()),
        *(decisive.control("permutation") for decisive in permuted),
        *(decisive.control("untrained") for decisive in untaught),
        *(Control("sets", results.target, results.sets["smallest"] is None) for results in untrained),
        *(
            _optimal(results)
            for results in targets
            if results.context.control == "optimal" and results.selected.of_kind(THEORY)
        ),
    ]
    return {
        "passed": all(control.passed for control in controls),
        "absent": sorted(set(KINDS) - {control.kind for control in controls}),
        "controls": [asdict(control) for control in controls],
        "verdicts": {results.target: asdict(said) for results, said in zip(audited, verdicts, strict=True)},
        "learned": {decisive.target: decisive.surest for decisive in learned if decisive.is_found},
        "membership": {results.target: results.context.membership for results in targets},
        "one_sided": {
            split: summary["one_sided"] for split, summary in blind.items() if summary["one_sided"]
        },
        "decisive": _numbers([*permuted, *untaught, *judged, *learned]),
    }


def _numbers(decisive: Iterable[Decisive]) -> dict[str, Any]:
    """Return the numbers in the form of the files under results/, by target and attack."""
    numbers: dict[str, Any] = {}
    for of_target in decisive:
        attacks = numbers.setdefault(of_target.target, {"attacks": {}})["attacks"]
        for attack, auc in of_target.aucs.items():
            facts = attacks.setdefault(attack, {})
            for key in of_target.of.split("."):
                facts = facts.setdefault(key, {})
            facts[AUC] = auc.json()
    return numbers


def _tests(targets: list[Results]) -> int:
    return sum(len(results.attacks) + len(results.heads) for results in targets)


def _permuted(results: Results, tests: int) -> Decisive:
    permutations = results.permutation["permutations"]
    aucs = {
        name: widened(Interval(**facts["permuted"][AUC]), permutations, tests)
        for name, facts in results.permutation["attacks"].items()
    }
    return Decisive(results.target, PERMUTED, aucs)


def _selected(results: Results, attacks: list[str], tests: int) -> Decisive:
    confidence = together(tests)
    rocs = {attack: results.selected.roc(attack) for attack in attacks}
    aucs = {
        attack: Delong.of([roc.placements()], roc.is_member).interval(confidence=confidence)
        for attack, roc in rocs.items()
    }
    return Decisive(results.target, SELECTED, aucs)


def _judged(results: Results, attacks: list[str]) -> Decisive:
    """Return what decides whether some of these attacks find members of a target."""
    if results.summary["shifted"]:
        return _minus(results, attacks, BLIND, MINUS_BLIND)
    return _selected(results, attacks, len(attacks))


def _minus(results: Results, attacks: list[str], other: str, of: str) -> Decisive:
    """Return what the AUCs of these attacks have above that of another, paired."""
    roc, confidence = results.selected.roc(other), together(len(attacks))
    pairs = {
        attack: Delong.of([results.selected.roc(attack).placements(), roc.placements()], roc.is_member)
        for attack in attacks
    }
    aucs = {attack: pair.difference(confidence=confidence) for attack, pair in pairs.items()}
    return Decisive(results.target, of, aucs)


def _optimal(results: Results) -> Control:
    """Check that the closed form's AUC is near 1 at its best timestep, and no higher at the latest than the first."""
    attack = str(results.selected.of_kind(THEORY))
    rows = results.table[(results.table.fold == EVALUATION) & (results.table.attack == attack)]
    selected = rows[rows.selected].iloc[0]
    curve = rows[rows.variant == selected.variant].sort_values("timestep")[AUC]
    passed = bool(selected[AUC] >= NEAR_PERFECT and curve.iloc[-1] <= curve.iloc[0])
    return Control("optimal", results.target, passed, () if passed else (attack,), attack)


def verdict(results: Results, decisive: Decisive) -> Verdict:
    """Return the verdict on a target, see `Verdict`, by the numbers that decide and by the attacks' own limits."""
    aucs, facts = decisive.aucs, results.summary["attacks"]
    own = "minus_blind" if decisive.of == MINUS_BLIND else "selected"
    lows = {attack: facts[attack][own][AUC]["low"] for attack in aucs}
    likeliest = max(aucs, key=lows.__getitem__)
    if decisive.is_found:
        return Verdict(LEAKS, decisive.surest)
    if lows[likeliest] > decisive.chance:
        return Verdict("undecided", likeliest)
    nothing = "shifted" if decisive.of == MINUS_BLIND else "no leak found"
    return Verdict(nothing, max(aucs, key=lambda attack: aucs[attack].high))
