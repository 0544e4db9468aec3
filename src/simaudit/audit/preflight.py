"""What is known before anything runs: the model, the images, the members, what will be asked, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch

from simaudit.attacks.attack import TargetAttack
from simaudit.audit import plan
from simaudit.audit.attacks import COARSE, FINE, chosen, require_attacks, timesteps
from simaudit.audit.cost import Passes, count_parameters, count_passes, time_query
from simaudit.audit.drawn import DRAWN, Drawn, draw
from simaudit.audit.pictures import Pictures, look
from simaudit.audit.question import OPTION_OF, Question, Refusals
from simaudit.data.classes import require_classes
from simaudit.data.given_table import READERS, read_given_table
from simaudit.data.jobs import SplitKnobs, split_of
from simaudit.data.pictures.files import picture_files
from simaudit.data.pictures.metadata import read_metadata
from simaudit.data.prepare import why_unusable
from simaudit.data.split import Split, sizes_of
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.evaluation.controls.jobs import left_out
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import computing_in
from simaudit.plan.jobs import jobs
from simaudit.scoring.questions import Asking
from simaudit.storage.hashes import sha256_file
from simaudit.targets.checkpoint.hub import fetching
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.load import load
from simaudit.targets.checkpoint.summary import require_members
from simaudit.targets.classes import known_classes
from simaudit.targets.families.checkpoint import Checkpoint
from simaudit.targets.files import target_hash
from simaudit.targets.networks.classes import network_class
from simaudit.targets.target import Target
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import KnobError, SimauditError
from simaudit.vocabulary.job import by_process
from simaudit.vocabulary.membership import Membership
from simaudit.vocabulary.metrics import READABLE_TAIL
from simaudit.vocabulary.sides import EVALUATION, SIDES, UNUSED

SECONDS_A_PROCESS = 6.0
"""How long a process of an audit takes beside asking the model: each starts Python and its libraries anew."""
NO_SIGNAL = 1e-4  # a_t below which nothing is left of the image
FEW = 100 * READABLE_TAIL  # held-out samples, below which a TPR at 1 % FPR is not told


@dataclass(frozen=True)
class Facts:
    """What is known of an audit before it runs.

    `layout` and `noise`, a line on its schedule, are of the model, which has so many `parameters`; `weights` is the
    hash that score files give it, and `membership` says how its members are known. Of the folder so many `images` are
    read, which it takes in this `shape`, and of which some are `unused`: those that are `drawn` where there is a limit.
    `sides` has the sizes of both sides, `folds` those of (members, held-out samples) by fold, `copies` how many samples
    equal another of their side. `values` is params.yaml. `passes` are those of each attack per image if it asked alone,
    `together` those of all of them in one process, `skipped` says why others are not run, `drawing` is how many queries
    it takes to draw samples, `judging` are at most the passes to ask attacks about these, at one timestep each,
    `seconds` is how long a query takes on a core or on the `device`, and `processes` how many the jobs of the audit are
    done by.
    """

    question: Question
    layout: Layout
    shape: Shape
    noise: str
    parameters: int
    weights: str
    membership: Membership
    images: int
    unused: int
    sides: Mapping[str, int]
    folds: Mapping[str, tuple[int, int]]
    copies: Mapping[str, int]
    drawn: Drawn | None
    values: Mapping[str, Any]
    passes: Mapping[str, Passes]
    together: Passes
    skipped: Mapping[str, str]
    drawing: int
    judging: Passes
    seconds: float
    device: str
    processes: int

    @property
    def lists(self) -> dict[str, str]:
        """The content of each file beside params.yaml that this names, by its name."""
        return {DRAWN: self.drawn.text} if self.drawn else {}

    @property
    def queries(self) -> dict[str, int]:
        """How often each attack asks the model for one image if it asks alone."""
        return {name: passes.queries for name, passes in self.passes.items()}

    @property
    def all_queries(self) -> int:
        """How often the model is asked in all."""
        of_images = sum(self.sides.values()) * self.together.queries
        return of_images + self.drawing + self.judging.queries

    def duration(self, cores: int) -> float:
        """Return about how many seconds the audit takes on so many cores."""
        at_once = cores if self.device == "cpu" else 1
        of_images = sum(self.sides.values()) * self.together.time
        asking = of_images + self.drawing + self.judging.time
        return asking * self.seconds / at_once + self.processes * SECONDS_A_PROCESS / cores

    def warnings(self) -> Iterator[str]:
        """Yield what the owner should know before a verdict is read."""
        _, heldout = self.folds[EVALUATION]
        if heldout < FEW:
            yield (
                f"only {heldout} held-out samples are measured, and a TPR at 1 % FPR can be told from {FEW} or more; "
                "list more of them, or raise --limit if it is given"
            )


def examine(question: Question) -> Facts:
    """Return what is known before an audit runs; nothing is written.

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
    torch.set_num_threads(1)
    device = resolve_device(question.device)
    batch = torch.from_numpy(pictures.few).to(device)
    fine, coarse = timesteps(target.schedule, FINE), timesteps(target.schedule, COARSE)
    with computing_in(question.precision, device):
        seconds = time_query(target, batch, coarse[0])
    shape = pictures.common(layout.shape)
    named = replace(question, drawn=Path(DRAWN)) if drawn else question
    values = plan.written(named, attacks, fine, coarse, layout, shape, labels)
    params = plan.params(values)
    conditions = params.conditions_of(question.name)
    used = split[split.role != UNUSED]
    run = {name: params.attacks[name] for name in attacks}
    asking = {
        name: Asking(attack, conditions) for name, attack in run.items() if isinstance(attack, TargetAttack)
    }
    passes = {name: count_passes({name: one}, target, batch[:1]) for name, one in asking.items()}
    judged = [
        count_passes({name: Asking(one.attack.at(max(one.attack.grid, default=None)))}, target, batch[:1])
        for name, one in asking.items()
        if left_out(one.attack) is None
    ]
    return Facts(
        question=question,
        layout=layout,
        shape=shape,
        noise=schedule_line(layout, target.schedule),
        parameters=count_parameters(layout.network),
        weights=target_hash({"files": {place: sha256_file(file) for place, file in layout.places.items()}}),
        membership=params.membership_of(question.name),
        images=len(split),
        unused=len(split) - len(used),
        sides={side: int((used.role == side).sum()) for side in SIDES},
        folds=sizes_of(split),
        copies={side: int(used[used.role == side].sha256.duplicated().sum()) for side in SIDES},
        drawn=drawn,
        values=values,
        passes={name: passes.get(name, Passes()) for name in run},
        together=count_passes(asking, target, batch[:1]),
        skipped=skipped,
        drawing=params.quality.samples * params.quality.steps,
        judging=Passes(*(params.quality.samples * sum(counts) for counts in zip(*judged, strict=True))),
        seconds=seconds,
        device=device.type,
        processes=len(by_process(jobs(params))),
    )


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


def schedule_line(layout: Layout, schedule: NoiseSchedule) -> str:
    """Return what the noise schedule of a model is, in a line; what its config leaves out is that of its class."""
    class_name, last = layout.scheduler.class_name, float(schedule.signals[-1])
    config = {**network_class(class_name)().config, **layout.scheduler.config}
    if "beta_schedule" in config:
        kind = f"β {config['beta_schedule']}"
        if config["trained_betas"] is not None:
            kind = "β of its own"
        elif "linear" in config["beta_schedule"]:
            kind += f" {config['beta_start']:g} to {config['beta_end']:g}"
    else:
        kind = "flow matching"
    zero = ", zero SNR at the end" if last < NO_SIGNAL else ""
    return f"{class_name}, T = {layout.timesteps}, {kind}{zero}"
