"""What the controls and the verdicts of a run say in words: on the page, and in the last lines on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simaudit.evaluation.numbers import LEARNED, Ledger
from simaudit.evaluation.sets.levels import BLIND_LEVEL, LEVEL, with_members
from simaudit.figures import legend
from simaudit.figures.printed import estimate, fill, mention
from simaudit.storage.json import read_json
from simaudit.vocabulary.errors import some
from simaudit.vocabulary.membership import membership_notes
from simaudit.vocabulary.paths import RESULTS, RUN_FILES
from simaudit.vocabulary.sides import HELDOUT, MEMBER

LEAKS, UNDECIDED = "leaks", "undecided"  # verdicts that are counted
NAMED = 3  # origins of one side

WORDS = {
    "blind": (
        "classifiers that never see a model do not tell the sides of {of} apart",
        "classifiers that never see a model tell the sides of {of} apart, so its targets are shifted",
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
    return [WORDS[kind][not passed].format(of=", ".join(names)) for kind, names in of.items()]


def heading(controls: Sequence[Mapping[str, Any]]) -> str:
    """Return how many controls failed, or else that all passed."""
    failed = sum(not control["passed"] for control in controls)
    return f"{failed or len(controls)} of {len(controls)} controls {'FAILED' if failed else 'passed'}"


def control_line(controls: Sequence[Mapping[str, Any]]) -> str:
    """Return the heading and, where controls failed, what these say, in one sentence."""
    failed = clauses(controls, False)
    return f"{heading(controls)}{': ' if failed else ''}{'; '.join(failed)}."


def origins_apart(controls: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each split whose members and held-out samples come from different origins."""
    return [
        f"{split}: members and held-out samples differ in origin ({'; '.join(_alone(sides))}), so an attack may tell "
        "where an image is from, and not whether the target was trained on it."
        for split, sides in controls["one_sided"].items()
    ]


def heads_that_find_more(controls: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return one sentence for each target of which a learned head surely finds more than threshold attacks do.

    It mentions numbers of the ledger.
    """
    sentences = []
    for target, head in controls["learned"].items():
        best, auc = ledger.best(target), mention("auc", target, head, LEARNED)
        leaks = controls["verdicts"][target]["verdict"] == LEAKS
        said = (
            "finds more than threshold attacks"
            if leaks
            else "finds members, as no threshold attack surely does"
        )
        sentences.append(
            f"{target}: {legend.look(head).name}, which learned from both sides of the calibration fold, {said}: its "
            f"AUC is {auc}, that of {legend.look(best).name} {mention('auc', target, best)}."
        )
    return sentences


def _alone(sides: Mapping[str, Sequence[str]]) -> list[str]:
    words = {MEMBER: "members", HELDOUT: "held-out samples"}
    return [
        f"{word} alone are from {some(sides[side], NAMED)}" for side, word in words.items() if side in sides
    ]


def own_samples_lines(ledger: Ledger, audit: str, attack: str) -> list[str]:
    """Return a line on how an attack judges images that the model drew itself; none where it was not asked."""
    accused = ledger.get("accused", audit, attack, "own_samples")
    if accused is None:
        return []
    members = estimate(ledger.number("tpr", audit, attack, "transferred"))
    return [
        f"{legend.look(attack).name} at its threshold of 1 % FPR accuses {estimate(accused)} of the model's own "
        f"samples, none of which is a member, and {members} of the members."
    ]


def set_line(ledger: Ledger, audit: str) -> str:
    """Return what is said of sets of members of an audited target, in one sentence without its beginning.

    It says nothing of the model where the images of sets of this size alone are told apart.
    """
    smallest, largest = (ledger.get(key, audit, of="sets") for key in ("smallest", "largest"))
    if largest is None:
        return "not measured."
    size = int((smallest or largest).value)
    of = f"sets.{with_members(size)}"
    p, blind = ledger.number("p", audit, of=of), ledger.get("blind_p", audit, of=of)
    beside = f" (images alone: p = {blind.value:.2g})" if blind else ""
    if not smallest:
        return f"not even {size} members together are told from held-out images, p = {p.value:.2g}{beside}."
    line = f"{size} members together are told from held-out images, p < {LEVEL}{beside}"
    if blind and blind.value < BLIND_LEVEL:
        return f"{line}; but the images alone tell them, too, so this says nothing of the model."
    return f"{line}."


def run_lines(results: Path = RESULTS) -> list[str]:
    """Return the last lines on the terminal: where the page is, and the summary of the run under `results`.

    Raises SimauditError when a file of it is missing or damaged.
    """
    controls, ledger = (
        read_json(results / "comparison/controls.json"),
        Ledger.read(results / RUN_FILES["numbers"]),
    )
    return [
        f"Report: {results / 'report/index.html'}   (open it in a browser)",
        *summary_lines(controls, ledger),
    ]


def summary_lines(controls: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return what to print at the end of a run, a few lines of plain text.

    `controls` is what results/comparison/controls.json holds. The highest AUC is that of the attack which did best on
    the calibration fold, as everywhere.
    """
    lines = [control_line(controls["controls"])]
    if controls["absent"]:
        lines.append(f"Controls that are not in this run: {', '.join(controls['absent'])}.")
    lines += [*origins_apart(controls), *membership_notes(controls["membership"])]
    verdicts = controls["verdicts"]
    if not verdicts:
        return [*lines, "No target is audited: every target of this run is a control."]
    leaking, undecided = (
        sum(verdict["verdict"] == counted for verdict in verdicts.values()) for counted in (LEAKS, UNDECIDED)
    )
    best = {audit: ledger.best(audit) for audit in verdicts}
    highest = max(verdicts, key=lambda audit: ledger.number("auc", audit, best[audit]).value)
    auc = estimate(ledger.number("auc", highest, best[highest]))
    return [
        *lines,
        f"{leaking} of {len(verdicts)} audited targets {'leaks' if leaking == 1 else 'leak'}"
        f"{f', {undecided} undecided' if undecided else ''}; highest: {highest}, AUC {auc} "
        f"({legend.look(best[highest]).name}).",
        f"As a set, of {highest}: {set_line(ledger, highest)}",
        *(fill(sentence, ledger) for sentence in heads_that_find_more(controls, ledger)),
        *own_samples_lines(ledger, highest, best[highest]),
    ]
