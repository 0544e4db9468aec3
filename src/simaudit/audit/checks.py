"""Whether an audit can be made of what a question names: all that is wrong with it is said together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from simaudit.audit import plan
from simaudit.audit.attacks import chosen, require_attacks
from simaudit.audit.drawn import DRAWN, Drawn, draw
from simaudit.audit.pictures import Pictures, look
from simaudit.audit.question import OPTION_OF, Question, Refusals
from simaudit.data.classes import require_classes
from simaudit.data.given_table import READERS, read_given_table
from simaudit.data.jobs import SplitKnobs, split_of
from simaudit.data.pictures.files import picture_files
from simaudit.data.pictures.metadata import read_metadata
from simaudit.data.prepare import why_unusable
from simaudit.data.split import Split
from simaudit.machine.devices import resolve_device
from simaudit.targets.checkpoint.hub import fetching
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.load import load
from simaudit.targets.checkpoint.summary import require_members
from simaudit.targets.classes import known_classes
from simaudit.targets.families.checkpoint import Checkpoint
from simaudit.targets.target import Target
from simaudit.vocabulary.errors import KnobError, SimauditError
from simaudit.vocabulary.sides import UNUSED


@dataclass(frozen=True)
class Usable:
    """What a question names, which can be audited.

    `layout` says where the model is, and `target` is it. `pictures` are the images that are read, those that are
    `drawn` where there is a limit, `split` says who of them is a member, and `labels` whether their classes are used.
    `attacks` are those to run, `skipped` says why others are not.
    """

    layout: Layout
    target: Target
    pictures: Pictures
    split: pd.DataFrame
    labels: bool
    drawn: Drawn | None
    attacks: list[str]
    skipped: Mapping[str, str]


def usable(question: Question) -> Usable:
    """Return what a question names, once it is known that an audit can be made of it; nothing is written.

    Raises SimauditError with one line for each thing that is wrong with the model, the images and the list.
    """
    refusals = Refusals()
    family, layout = _model(question, refusals)
    knobs = _knobs(question, refusals)
    labels = bool(layout and _has_labels(question, layout))
    drawn, pictures, split = _data(question, knobs, family, layout, labels, refusals)
    if knobs and pictures is None and not question.members.is_file():
        refusals.add("--members", question.members, "no such file; name one that is there")
    if layout and layout.classes and pictures is not None and split is not None:
        used = pictures.items[(split.role != UNUSED).to_numpy() & pictures.is_usable]
        _require_classes(question, layout, labels, used, refusals)
    if layout and family.summary and pictures is not None and split is not None and not pictures.unusable:
        _require_members(layout, family.summary, split, question, refusals)
    attacks, skipped = _attacks(question, layout, refusals)
    target = _target(question, layout, refusals)
    refusals.require_none()
    assert layout is not None
    assert target is not None
    assert pictures is not None
    assert split is not None
    return Usable(layout, target, pictures, split, labels, drawn, attacks, skipped)


def _model(question: Question, refusals: Refusals) -> tuple[Checkpoint, Layout | None]:
    family = Checkpoint.model_validate(question.target())
    try:
        return family, family.layout
    except KnobError as error:
        option = OPTION_OF.get(error.key, "--model")
        given = question.model if option == "--model" else getattr(question, error.key)
        refusals.add(option, given, f"{error.why}{_fetching(question.model)}")
        return family, None


def _fetching(model: Path) -> str:
    """Return what to do where the model's folder, seen from here, is a name of the Hub and is not there."""
    here = Path.cwd()
    return fetching(str(model.relative_to(here))) if model.is_relative_to(here) and not model.exists() else ""


def _attacks(
    question: Question, layout: Layout | None, refusals: Refusals
) -> tuple[list[str], dict[str, str]]:
    """Return the attacks to run and why others are not; where the model is not known, only their names are checked."""
    try:
        require_attacks(question.attacks)
        return chosen(question.attacks, layout.offers) if layout else ([], {})
    except SimauditError as error:
        refusals.lines.append(str(error))
        return [], {}


def _target(question: Question, layout: Layout | None, refusals: Refusals) -> Target | None:
    """Return the model, loaded: only then damaged weights are noticed, and pickles of anything else."""
    try:
        device = resolve_device(question.device)
    except SimauditError as error:
        refusals.lines.append(f"--{error}")
        return None
    try:
        return load(layout, device) if layout else None
    except SimauditError as error:
        refusals.add("--model", question.model, error)
        return None


def _knobs(question: Question, refusals: Refusals) -> SplitKnobs | None:
    try:
        return SplitKnobs.model_validate(question.split())
    except SimauditError as error:
        refusals.lines.append(str(error))
        return None


def _data(
    question: Question,
    knobs: SplitKnobs | None,
    family: Checkpoint,
    layout: Layout | None,
    labels: bool,
    refusals: Refusals,
) -> tuple[Drawn | None, Pictures | None, pd.DataFrame | None]:
    """Return what is drawn where there is a limit, the images that are read, and their split."""
    if question.limit is None:
        pictures = _pictures(question, family, layout, labels, refusals)
        return None, pictures, _split(question, knobs, pictures, refusals)
    drawn = _drawn(question, knobs, refusals)
    if drawn is None:
        return None, None, None
    with TemporaryDirectory() as folder:
        of_drawn = replace(question, drawn=Path(folder, DRAWN))
        Path(folder, DRAWN).write_text(drawn.text, encoding="utf-8", newline="\n")
        pictures = _pictures(of_drawn, family, layout, labels, refusals)
        return drawn, pictures, _split(of_drawn, _knobs(of_drawn, refusals), pictures, refusals)


def _drawn(question: Question, knobs: SplitKnobs | None, refusals: Refusals) -> Drawn | None:
    if knobs is None or not question.members.is_file():
        return None
    try:
        return draw(question, knobs)
    except SimauditError as error:
        if isinstance(error, KnobError) and error.key == "limit":
            refusals.add("--limit", question.limit, error)
        else:
            _refuse_images(question, error, refusals)
        return None


def _has_labels(question: Question, layout: Layout) -> bool:
    """Return whether the list of members is a table with labels.

    A model without classes is audited without them too, so that they count where every picture has a row alone.
    """
    if question.members.suffix.lower() not in READERS:
        return False
    try:
        has_labels = "label" in read_given_table(question.members, ["label"]).columns
        if has_labels and not layout.classes:
            pictures = [file.name for file in picture_files(question.images) if not file.why_not]
            read_metadata(question.members, pictures, True)
        return has_labels
    except SimauditError:  # the split will say what is wrong with it
        return False


def _pictures(
    question: Question, family: Checkpoint, layout: Layout | None, labels: bool, refusals: Refusals
) -> Pictures | None:
    try:
        pictures = look(question, layout.shape if layout else None, plan.BATCH_SIZE, labels)
        if pictures.unusable:
            refusals.add("--images", question.images, why_unusable(pictures.unusable))
        if layout and (why := pictures.why_not(pictures.common(layout.shape))):
            refusals.add("--images", question.images, why)
        elif layout and pictures.files:
            family.require_shape(pictures.common(layout.shape))
        return pictures
    except SimauditError as error:
        _refuse_images(question, error, refusals)
        return None


def _refuse_images(question: Question, error: SimauditError, refusals: Refusals) -> None:
    """Take down what is wrong with the list, which such an error begins with, or otherwise with the images."""
    said = error.why if isinstance(error, KnobError) else str(error)
    of_list = said.startswith(str(question.members))
    refusals.add(*(("--members", question.members) if of_list else ("--images", question.images)), error)


def _split(
    question: Question, knobs: SplitKnobs | None, pictures: Pictures | None, refusals: Refusals
) -> pd.DataFrame | None:
    if knobs is None or pictures is None:
        return None
    try:
        return split_of(knobs, pictures.items)
    except SimauditError as error:
        refusals.add("--members", question.members, error)
        return None


def _require_classes(
    question: Question, layout: Layout, labels: bool, used: pd.DataFrame, refusals: Refusals
) -> None:
    """Take down what is wrong with the labels of the samples that are used, or that there are none."""
    if labels:
        try:
            require_classes(used, known_classes(layout.classes, layout.empty_class))
        except SimauditError as error:
            refusals.add("--members", question.members, error)
    elif layout.empty_class is None:
        why = f"the model knows {layout.classes} classes, and the list has no column label; add it"
        refusals.add("--members", question.members, f"{why}, or state an --empty-class that the model has")


def _require_members(
    layout: Layout, summary: Path, split: pd.DataFrame, question: Question, refusals: Refusals
) -> None:
    """Take down where a model that simaudit trained was trained on other members than the list has."""
    used = split[split.role != UNUSED]
    try:
        columns: dict[str, Any] = {str(name): column.to_numpy() for name, column in used.items()}
        require_members(layout, summary, Split(question.members, **columns))
    except KnobError as error:
        refusals.add("--model", question.model, error)
