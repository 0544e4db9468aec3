"""What is known before anything runs: the model, the images, the members, what will be asked, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from simaudit.attacks.attack import TargetAttack
from simaudit.audit import plan
from simaudit.audit.attacks import COARSE, FINE, timesteps
from simaudit.audit.checks import usable
from simaudit.audit.cost import Passes, count_parameters, count_passes, time_query
from simaudit.audit.drawn import DRAWN, Drawn
from simaudit.audit.question import Question
from simaudit.data.split import sizes_of
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.evaluation.controls.jobs import left_out
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import computing_in
from simaudit.plan.jobs import jobs
from simaudit.scoring.questions import Asking
from simaudit.storage.hashes import sha256_file
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.files import target_hash
from simaudit.targets.networks.classes import network_class
from simaudit.training.levels import Shape
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
    of = usable(question)
    torch.set_num_threads(1)
    device = resolve_device(question.device)
    batch = torch.from_numpy(of.pictures.few).to(device)
    fine, coarse = timesteps(of.target.schedule, FINE), timesteps(of.target.schedule, COARSE)
    with computing_in(question.precision, device):
        seconds = time_query(of.target, batch, coarse[0])
    shape = of.pictures.common(of.layout.shape)
    named = replace(question, drawn=Path(DRAWN)) if of.drawn else question
    values = plan.written(named, of.attacks, fine, coarse, of.layout, shape, of.labels)
    params = plan.params(values)
    conditions = params.conditions_of(question.name)
    used = of.split[of.split.role != UNUSED]
    run = {name: params.attacks[name] for name in of.attacks}
    asking = {
        name: Asking(attack, conditions) for name, attack in run.items() if isinstance(attack, TargetAttack)
    }
    passes = {name: count_passes({name: one}, of.target, batch[:1]) for name, one in asking.items()}
    judged = [
        count_passes({name: Asking(one.attack.at(max(one.attack.grid, default=None)))}, of.target, batch[:1])
        for name, one in asking.items()
        if left_out(one.attack) is None
    ]
    return Facts(
        question=question,
        layout=of.layout,
        shape=shape,
        noise=schedule_line(of.layout, of.target.schedule),
        parameters=count_parameters(of.layout.network),
        weights=target_hash(
            {"files": {place: sha256_file(file) for place, file in of.layout.places.items()}}
        ),
        membership=params.membership_of(question.name),
        images=len(of.split),
        unused=len(of.split) - len(used),
        sides={side: int((used.role == side).sum()) for side in SIDES},
        folds=sizes_of(of.split),
        copies={side: int(used[used.role == side].sha256.duplicated().sum()) for side in SIDES},
        drawn=of.drawn,
        values=values,
        passes={name: passes.get(name, Passes()) for name in run},
        together=count_passes(asking, of.target, batch[:1]),
        skipped=of.skipped,
        drawing=params.quality.samples * params.quality.steps,
        judging=Passes(*(params.quality.samples * sum(counts) for counts in zip(*judged, strict=True))),
        seconds=seconds,
        device=device.type,
        processes=len(by_process(jobs(params))),
    )


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
