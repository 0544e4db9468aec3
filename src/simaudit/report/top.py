"""What a run found, in a few sentences: those of the page's top, of the terminal, and of `lines` in verdict.json."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simaudit.attacks.access import ACCESS
from simaudit.figures import legend
from simaudit.figures.printed import fill
from simaudit.report.advice import advice, advice_on
from simaudit.report.findings import Findings
from simaudit.report.grades import CLEAR, FOUND, NOTHING, STRONG, UNDECIDED, WEAK, begin
from simaudit.report.outcome import at_risk_line, control_line, notes, own_samples_lines, set_line
from simaudit.report.verdict import Facts
from simaudit.vocabulary.errors import some
from simaudit.vocabulary.metrics import AUC, READABLE_TAIL, TPR_AT_1PCT
from simaudit.vocabulary.paths import of_target

NAMED = 3  # audits, or datasets, that a sentence names
COMMIT = 8  # characters of a commit that are shown
HOW = {STRONG: "strongly", CLEAR: "clearly", WEAK: "weakly"}
TO_DO = "What to do:"
SAYS = {
    **{grade: f"leaks {how} who was in its training set" for grade, how in HOW.items()},
    UNDECIDED: "is undecided: one attack alone would tell members from held-out images, but several were tried",
    NOTHING: "shows no evidence of a leak, which does not prove that there is none",
}
"""What is said of a single audited target, by its grade."""


@dataclass(frozen=True)
class Top:
    """The sentences of a run, which may mention numbers of the ledger, see `simaudit.figures.printed.fill`.

    `subject` says what was audited, and when; `verdict` is the one sentence, `controls` whether to believe it,
    `evidence` what stands behind it, `attackers` who can do this, `advice` what to do, `notes` what limits the results,
    `more` what else was found of the same target.
    """

    subject: str
    verdict: str
    controls: str
    evidence: list[str]
    attackers: list[str]
    advice: list[str]
    notes: list[str]
    more: list[str]

    def lines(self) -> Iterator[str]:
        """Yield the lines of a terminal, in which numbers are still to be filled in."""
        yield self.subject
        yield f"{self.verdict} {self.controls}"
        yield from self.evidence
        yield from self.attackers
        yield from (f"{'' if place else TO_DO:{len(TO_DO)}} {one}" for place, one in enumerate(self.advice))
        yield from self.notes
        yield from self.more


def top(facts: Facts, findings: Findings) -> Top:
    """Return what is said of a run: `facts` are those of `simaudit.report.verdict`, made of the same findings."""
    controls = findings.comparison["controls"]
    return Top(
        _subject(facts),
        _verdict(facts),
        control_line(controls["controls"]),
        list(_evidence(facts)),
        _attackers(facts),
        advice(facts),
        notes(controls, findings.ledger),
        list(_more(facts, findings)),
    )


def with_lines(facts: Facts, findings: Findings) -> Facts:
    """Return the facts of a run with `advice` on it and on each audit, and the `lines` of a terminal.

    This is what verdict.json holds.
    """

    def filled(texts: Iterable[str]) -> list[str]:
        return [fill(text, findings.ledger) for text in texts]

    said = top(facts, findings)
    audits = {
        name: {**audit, "advice": filled(advice_on(audit).values())}
        for name, audit in facts["audits"].items()
    }
    return {**facts, "audits": audits, "advice": filled(said.advice), "lines": filled(said.lines())}


def _subject(facts: Facts) -> str:
    audits = facts["audits"]
    first_on = {audit["split"]: audit for audit in reversed(audits.values())}
    measured = [
        f"[[#{audit['members']['id']}]] members and [[#{audit['heldout']['id']}]] held-out images of "
        f"{'the dataset ' + audit['dataset'] if audit['dataset'] else 'the split ' + split}"
        for split, audit in sorted(first_on.items())
    ]
    names = some(audits, NAMED) if len(audits) <= NAMED else f"{len(audits)} targets"
    on = [f"measured on {some(measured, NAMED)}"] if measured else []
    return " · ".join(filter(None, (names, *on, *occasion(facts))))


def occasion(taken: Mapping[str, Any]) -> list[str]:
    """Return when numbers were taken, at which commit, where there is one, and by which version."""
    when = f"{datetime.datetime.fromisoformat(taken['when']):%d %B %Y}".lstrip("0")
    changed = " with changes" if taken["dirty"] else ""
    at = [f"commit {taken['commit'][:COMMIT]}{changed}"] if taken["commit"] else []
    return [when, *at, f"simaudit {taken['simaudit']}"]


def _verdict(facts: Facts) -> str:
    grades = [audit["grade"] for audit in facts["audits"].values()]
    if not grades:
        return "No target is audited: every target of this run is a control."
    if len(grades) == 1:
        return f"{facts['worst']} {SAYS[grades[0]]}."
    count = {grade: grades.count(grade) for grade in SAYS}
    how = [f"{count[grade]} {word}" for grade, word in HOW.items() if count[grade]]
    rest = {UNDECIDED: "undecided", NOTHING: "without evidence of a leak"}
    leaking = sum(count[grade] for grade in FOUND)
    said = (
        f"{leaking} of {len(grades)} audited targets leak{'s' * (leaking == 1)} who was in the training set"
    )
    others = [f"{count[grade]} {word}" for grade, word in rest.items() if count[grade]]
    graded = f" ({', '.join(how)})" if how else ""
    return ", ".join([said + graded, *others]) + "."


def _evidence(facts: Facts) -> Iterator[str]:
    """Yield how well the attack that did best on the worst target does, what gives the grade, and what was missed."""
    audits, worst = facts["audits"], facts["worst"]
    if worst is None:
        return
    audit = audits[worst]
    found = (
        "Where it wrongly accuses 1 in 100 images that are not members, it exposes "
        f"[[%{audit[TPR_AT_1PCT]['id']}]] of the members."
        if "tail_too_small" not in audit[TPR_AT_1PCT]
        else "How many members it exposes where it wrongly accuses 1 in 100 images that are not members cannot be told "
        f"from fewer than {100 * READABLE_TAIL} held-out images."
    )
    yield (
        f"{f'{worst}: s' if len(audits) > 1 else 'S'}hown one member and one other image, {_name(audit['attack'])}"
        f"{_calls(audit['queries'])} picks the member in [[%{audit[AUC]['id']}]] of pairs, where guessing picks it in "
        f"50 %: this is the AUC, with its 95 % confidence interval. {found}"
    )
    yield f"{_graded(audit)} {_blind(audit)}"
    missed = [f"{_missed(of)} on {name}" for name, of in audits.items() if of["missed_up_to"] is not None]
    if missed:
        yield f"Would have been missed: {some(missed, NAMED)}."


def _calls(queries: Facts | None) -> str:
    if queries is None:
        return ""
    asked = queries["value"]
    return f" ([[#{queries['id']}]] model call{'s' * (asked != 1)})" if asked else " (no model call)"


def _name(attack: str) -> str:
    return legend.look(attack).name


def _graded(audit: Facts) -> str:
    by = audit["graded_by"]
    if audit["grade"] not in FOUND:
        return f"Grade: {audit['grade']}."
    by_attack, surest = _name(by["attack"]), f"[[%{by['id']}]]"
    more = " more than by classifiers that never see the model" if by["above_blind"] else ""
    said = {
        AUC: f"Of the intervals that hold for all attacks at once, that of {by_attack} is the surest: "
        f"{surest} of pairs{more}.",
        TPR_AT_1PCT: f"Where {by_attack} wrongly accuses 1 in 100 images that are not members, it exposes "
        f"{surest} of the members{more}.",
    }[by["metric"]]
    least = "above" if audit["grade"] == WEAK else "at least"
    begins = f"{100 * begin(audit['grade'], by['metric'], by['above_blind']):.3g} %"
    return (
        f"Grade: {audit['grade']}. {said} A leak is {audit['grade']} where the lower end is {least} {begins}."
    )


def _missed(audit: Facts) -> str:
    above = " above that of the blind classifiers" if audit["graded_by"]["above_blind"] else ""
    return f"an AUC up to [[^{audit['graded_by']['id']}]]{above}"


def _blind(audit: Facts) -> str:
    if audit["blind_auc"] is None:
        return "Blind classifiers: absent, images were not given, so a shifted split goes unnoticed."
    return f"Classifiers that never see the model: [[%{audit['blind_auc']['id']}]] of pairs."


def _attackers(facts: Facts) -> list[str]:
    kinds, worst = facts["attackers"], facts["worst"]
    if worst is None:
        return []
    if kinds is None:
        return ["Who can do this is not known: the scores were computed elsewhere."]
    audit = facts["audits"][worst]
    tested, not_tested = (_kinds(kinds[of]) for of in ("tested", "not_tested"))
    lines = [f"Tested: {tested}.{f' Not tested: {not_tested}.' if not_tested else ''}"]
    if audit["grade"] in FOUND:
        who = " and ".join(ACCESS[key].who for key in audit["access"])
        others = [
            f"{_name(other['attack'])} with {_kinds(other['access'])}, AUC [[{other[AUC]['id']}]]"
            for other in audit["best_with"]
            if not set(audit["access"]) <= set(other["access"])
        ]
        beside = f" With less: {'; '.join(others)}." if others else ""
        lines.insert(0, f"Who can do this: somebody who {who}.{beside}")
    return lines


def _more(facts: Facts, findings: Findings) -> Iterator[str]:
    """Yield what is found of sets of members, of the model's own samples, and of single members of the worst target."""
    ledger, worst = findings.ledger, facts["worst"]
    if worst is None:
        return
    yield f"As a set: {set_line(ledger, worst)}"
    yield from own_samples_lines(ledger, worst, facts["audits"][worst]["attack"])
    if line := at_risk_line(ledger, worst):
        on = f" on {worst}" if len(facts["audits"]) > 1 else ""
        yield f"Members at risk{on}: {line} Every sample: {of_target('at_risk_samples', worst)}"


def _kinds(access: list[str]) -> str:
    return ", ".join(ACCESS[key].kind for key in access)
