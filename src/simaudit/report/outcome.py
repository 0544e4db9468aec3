"""What the controls and the verdicts of a run say in words: on the page, and in the last lines on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simaudit.evaluation.controls.controls import LEAKS, SELECTED
from simaudit.evaluation.numbers import LEARNED, Ledger
from simaudit.evaluation.sets.levels import BLIND_LEVEL, LEVEL, with_members
from simaudit.figures import legend
from simaudit.figures.printed import mention
from simaudit.storage.json import read_json
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import some
from simaudit.vocabulary.membership import membership_notes
from simaudit.vocabulary.metrics import AUC, CHANCE
from simaudit.vocabulary.paths import PAGE, RESULTS, VERDICT
from simaudit.vocabulary.sides import HELDOUT, MEMBER

NAMED = 3  # origins of one side, or attacks
AT_RISK = "at_risk"
"""What the numbers on how many attacks accuse a sample are `of`, or begin with."""

ACCOUNTED_FOR = frozenset({"blind"})
"""The kinds of control that may fail without a doubt about numbers: a verdict on a shifted split is one above blind."""

WORDS = {
    "blind": (
        "classifiers that never see a model do not tell the sides of the split{s} {of} apart",
        "classifiers that never see a model tell the sides of the split{s} {of} apart, so targets there are shifted",
    ),
    "permutation": (
        "with shuffled labels, AUCs are at chance on {of}",
        "with shuffled labels, AUCs are not at chance on {of}",
    ),
    "untrained": (
        "no attack finds members of the untrained {of}",
        "an attack finds members of the untrained {of}",
    ),
    "sets": (
        "no set of members of the untrained {of} is told from held-out samples",
        "sets of members of the untrained {of} are told from held-out samples",
    ),
    "optimal": (
        "SimA finds nearly every member of the optimal denoiser {of}",
        "SimA does not find the members of the optimal denoiser {of} as theory says that it must",
    ),
}
"""What a control of each kind says where it passed, and where it failed."""


def clauses(controls: Sequence[Mapping[str, Any]], passed: bool) -> list[str]:
    """Return what the controls that passed say, or those that failed: one clause per kind of control."""
    of: dict[str, list[str]] = {}
    for control in controls:
        if control["passed"] is passed:
            of.setdefault(control["kind"], []).append(control["of"])
    return [
        WORDS[kind][not passed].format(of=", ".join(names), s="s" * (len(names) > 1))
        for kind, names in of.items()
    ]


def heading(controls: Sequence[Mapping[str, Any]]) -> str:
    """Return how many controls failed, or else that all passed."""
    count = len(failed(controls))
    return f"{count or len(controls)} of {len(controls)} controls {'FAILED' if count else 'passed'}"


def failed(controls: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the controls that failed."""
    return [control for control in controls if not control["passed"]]


def are_trusted(controls: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no control failed but those that verdicts take into account."""
    return all(control["passed"] or control["kind"] in ACCOUNTED_FOR for control in controls)


def control_line(controls: Sequence[Mapping[str, Any]]) -> str:
    """Return the heading and, where controls failed, what these say; and what that means for the numbers."""
    if said := clauses(controls, False):
        trusted = "" if are_trusted(controls) else " Do not trust these numbers."
        return f"{heading(controls)}: {'; '.join(said)}.{trusted}"
    return f"{heading(controls)}, so the measurement can be trusted."


def notes(controls: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return what limits the results of a run, or goes beyond its verdicts.

    Sentences may mention numbers of the ledger. `controls` is what results/comparison/controls.json holds.
    """
    absent = controls["absent"]
    return [
        *([f"Controls that are not in this run: {', '.join(absent)}."] if absent else []),
        *origins_apart(controls),
        *membership_notes(controls["membership"]),
        *heads_that_find_more(controls, ledger),
        *turned_around(controls, ledger),
    ]


def turned_around(controls: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return a sentence on attacks of audited targets whose AUC is surely below chance, if there are any."""
    below = [
        f"{legend.look(str(number.attack)).name} on {audit} (AUC {mention(AUC, audit, number.attack)})"
        for audit in controls["verdicts"]
        for number in ledger.find(audit=audit, metric=AUC, of=SELECTED)
        if number.high is not None and number.high < CHANCE[AUC]
    ]
    if not below:
        return []
    return [
        f"Surely below chance: {some(below, NAMED)}. Such an attack ranks members behind held-out images, so with its "
        "sign turned it would find them; no verdict counts this."
    ]


def origins_apart(controls: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each split whose members and held-out samples come from different origins."""
    return [
        f"Split {split}: members and held-out samples differ in origin ({'; '.join(_alone(sides))}), so an attack may "
        "tell where an image is from, and not whether the target was trained on it."
        for split, sides in controls["one_sided"].items()
    ]


def heads_that_find_more(controls: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return one sentence for each target of which a learned head surely finds more than threshold attacks do.

    It mentions numbers of the ledger.
    """
    sentences = []
    for target, head in controls["learned"].items():
        best, auc = ledger.best(target), mention(AUC, target, head, LEARNED)
        leaks = controls["verdicts"][target]["verdict"] == LEAKS
        said = (
            "finds more than threshold attacks"
            if leaks
            else "finds members, as no threshold attack surely does"
        )
        sentences.append(
            f"{target}: {legend.look(head).name}, which learned from both sides of the calibration fold, {said}: its "
            f"AUC is {auc}, that of {legend.look(best).name} {mention(AUC, target, best)}."
        )
    return sentences


def _alone(sides: Mapping[str, Sequence[str]]) -> list[str]:
    words = {MEMBER: "members", HELDOUT: "held-out samples"}
    return [
        f"{word} alone are from {some(sides[side], NAMED)}" for side, word in words.items() if side in sides
    ]


def own_samples_lines(ledger: Ledger, audit: str, attack: str) -> list[str]:
    """Return a line on how an attack judges images that the model drew itself; none where it was not asked.

    It mentions numbers of the ledger.
    """
    if ledger.get("accused", audit, attack, "own_samples") is None:
        return []
    accused = mention("accused", audit, attack, "own_samples")
    members = mention("tpr", audit, attack, "transferred")
    return [
        f"{legend.look(attack).name} at its threshold of 1 % FPR accuses {accused} of the model's own samples, none of "
        f"which is a member, and {members} of the members."
    ]


def at_risk_line(ledger: Ledger, audit: str) -> str:
    """Return how many members more than half of the attacks accuse; empty where no attack was counted.

    It mentions numbers of the ledger.
    """
    tried = ledger.get("tried", audit, of=AT_RISK)
    if tried is None:
        return ""
    attacks = f"more than half of the {mention('tried', audit, of=AT_RISK, limits=False)} attacks"
    by = "the attack" if tried.value == 1 else attacks
    of = f"{AT_RISK}.by_{int(tried.value) // 2 + 1:02}"
    if ledger.get("members", audit, of=of) is None:
        return f"no member and no held-out image is accused by {by}."
    members, heldout = (
        f"{mention(side, audit, of=of, limits=False)} of {mention(side, audit, limits=False)}"
        for side in ("members", "heldout")
    )
    return (
        f"{members} members are accused by {by}, each at its threshold of 1 % FPR, as are {heldout} held-out images, "
        "which the model was not trained on."
    )


def set_line(ledger: Ledger, audit: str) -> str:
    """Return what is said of sets of members of an audited target, in one sentence without its beginning.

    It mentions numbers of the ledger. It says nothing of the model where the images of sets of this size alone are
    told apart.
    """
    smallest, largest = (ledger.get(key, audit, of="sets") for key in ("smallest", "largest"))
    if largest is None:
        return "not measured."
    of = f"sets.{with_members(int((smallest or largest).value))}"
    size = mention("smallest" if smallest else "largest", audit, of="sets", limits=False)
    blind = ledger.get("blind_p", audit, of=of)
    beside = f" (images alone: p = {mention('blind_p', audit, of=of, limits=False)})" if blind else ""
    if not smallest:
        p = mention("p", audit, of=of, limits=False)
        return f"not even {size} members together are told from held-out images, p = {p}{beside}."
    line = f"{size} members together are told from held-out images, p < {LEVEL}{beside}"
    if blind and blind.value < BLIND_LEVEL:
        return f"{line}; but the images alone tell them, too, so this says nothing of the model."
    return f"{line}."


def verdict_lines(results: Path = RESULTS) -> list[str]:
    """Return what is said of the run under `results`, in lines for the terminal: those that its page begins with.

    Raises SimauditError when the file that holds them is missing or damaged.
    """
    path = results / VERDICT.name
    with reading(path, "what a run found"):
        return list(read_json(path)["lines"])


def run_lines(results: Path = RESULTS) -> list[str]:
    """Return the last lines on the terminal, see `verdict_lines`: they end with where the page is."""
    return [*verdict_lines(results), page_line(results)]


def page_line(results: Path) -> str:
    """Return the line that says where the page of a run is."""
    return f"Report: {results / PAGE.relative_to(RESULTS)}   (open it in a browser)"
