"""The screen before an audit: every fact on a line, in words for the owner of the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from simaudit.audit.cost import BACKWARD
from simaudit.audit.pictures import words
from simaudit.audit.preflight import Facts
from simaudit.machine.progress import spoken
from simaudit.vocabulary.membership import STATED
from simaudit.vocabulary.sides import HELDOUT, MEMBER

WIDTH = 12  # of the titles
SHORT = 16  # characters of a hash that are shown


def lines(facts: Facts, output: Path, cores: int) -> Iterator[str]:
    """Yield the lines of the screen."""
    for title, said in _rows(facts, output, cores):
        yield f"{title:{WIDTH}}{said}"


def _rows(facts: Facts, output: Path, cores: int) -> Iterator[tuple[str, str]]:
    layout, question = facts.layout, facts.question
    yield "Model", str(question.model)
    pipeline = f", of a {layout.pipeline}" if layout.pipeline else ""
    yield "", f"{layout.network.class_name}{pipeline}; {_millions(facts.parameters)} M parameters"
    yield "", f"{_family(facts)}; predicts {PREDICTS[layout.prediction]}; {_classes(facts)}"
    yield "", f"network in {layout.part or 'the folder itself'}; weights sha256 {facts.weights[:SHORT]}…"
    for remark in layout.remarks:
        yield "", remark
    yield "Schedule", facts.noise
    yield "Images", str(question.images)
    wanted, converted = words(facts.shape), " (converted where they were not)" if _converts(facts) else ""
    unused = f"; {facts.unused} are not used" if facts.unused else ""
    unused += f"; {facts.drawn.others} others are not read" if facts.drawn else ""
    yield "", f"{facts.images} images {wanted}{converted}, as the model takes them{unused}"
    yield "Members", str(question.members)
    known = "as stated" if facts.membership == STATED else facts.membership
    yield "", f"{facts.sides[MEMBER]} members {known}, {facts.sides[HELDOUT]} held out{_limited(facts)}"
    for fold, (members, heldout) in facts.folds.items():
        yield "", f"{fold} fold: {members} members, {heldout} held out"
    copies = ", ".join(f"{count} among {SIDES[side]}" for side, count in facts.copies.items())
    yield "", f"exact copies: none across the sides, {copies}"
    asked = [f"{name} {count}" for name, count in facts.queries.items()]
    yield "Attacks", f"{', '.join(asked)} (queries per image)"
    if differentiating := [f"{name} {each.backward}" for name, each in facts.passes.items() if each.backward]:
        cost = f"backward passes per image, each about as long as {BACKWARD} queries"
        yield "", f"of them differentiate: {', '.join(differentiating)} ({cost})"
    for why in dict.fromkeys(facts.skipped.values()):
        names = [name for name, reason in facts.skipped.items() if reason == why]
        yield "", f"not run: {', '.join(names)} ({why})"
    alone, together, rate = sum(facts.queries.values()), facts.together.queries, 1 / facts.seconds
    shared = f" ({alone} if each attack asked alone)" if alone > together else ""
    yield "Queries", f"{together} per image{shared}, {facts.all_queries} in all"
    yield (
        "",
        f"of them {facts.drawing} to draw samples, at most {facts.judging.queries} to judge these by the attacks",
    )
    yield (
        "Time",
        f"about {spoken(facts.duration(cores))} on {cores} cores ({rate:.0f} queries a second {_where(facts)})",
    )
    for warning in facts.warnings():
        yield "Warning", warning
    yield "Output", str(output)


PREDICTS = {
    "epsilon": "the noise",
    "sample": "the clean image",
    "v_prediction": "v",
    "flow_velocity": "the velocity of flow matching",
}
SIDES = {MEMBER: "members", HELDOUT: "held-out samples"}


def _family(facts: Facts) -> str:
    autoencoder = facts.layout.autoencoder
    if autoencoder is None:
        return "diffuses pixels"
    scaling = facts.layout.scaling
    factors = f"scale {scaling.scale:g}, shift {scaling.shift:g}" if scaling else "not scaled"
    return f"diffuses latents of an {autoencoder.class_name} ({factors})"


def _classes(facts: Facts) -> str:
    if not facts.layout.classes:
        return "knows no classes"
    asked = "no class" if "audits" in facts.values else "that of each image"
    return f"knows {facts.layout.classes} classes, and is asked for {asked}"


def _converts(facts: Facts) -> bool:
    return bool({"size", "colour"} & facts.values["datasets"]["images"].keys())


def _limited(facts: Facts) -> str:
    limit = facts.question.limit
    return f" (drawn from the list: at most {limit}, groups whole)" if limit else ""


def _millions(count: int) -> str:
    return f"{count / 1e6:.3g}"


def _where(facts: Facts) -> str:
    return "on a core" if facts.device == "cpu" else f"on {facts.device}"
