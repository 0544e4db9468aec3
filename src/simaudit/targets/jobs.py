"""The jobs that make targets: train one on the members of its split; compute the closed form of a few members."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from simaudit.storage.array import shape_of
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.targets.files import SUMMARY, summary_of
from simaudit.targets.memory import model_mb
from simaudit.training.knobs import Schedule
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import Most, Timestep
from simaudit.vocabulary.errors import EntryError, FileError, KnobError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs, Name, Refers, Timesteps, deciding, joined, speed
from simaudit.vocabulary.membership import Membership

Shown = Annotated[int, Field(ge=2), Most(1000, "more cannot be told apart in a figure")]

NEEDS_MEMORY = {
    "train": "training.batch_size of the target",
    "theory": "theory.line_members or theory.field_members",
}
"""The knobs that bound the memory of a job, by its function."""


def theory_mb(job: Job) -> float:
    """Return how much memory the principal components of a few hundred members need."""
    return 1000 + 0.025 * math.prod(shape_of(job.input("images"))[1:])


MEMORY_MB = {"train": model_mb, "theory": theory_mb}
"""MB of memory that a job needs, by its function."""


class TheoryKnobs(Knobs):
    """What the closed form is drawn of in one and in two dimensions: members of a split, the first one if not said."""

    split: Annotated[Name | None, Refers("splits")] = None
    schedule: Schedule = Schedule()
    line_members: Shown = 5
    line_timestep: Timestep = 20
    field_members: Shown = 12
    field_timesteps: Annotated[Timesteps, Field(min_length=3, max_length=3)] = (10, 50, 500)

    def beyond(self, members: int) -> Iterator[KnobError]:
        """Yield the error of each number of members that is more than those of its split."""
        for key in ("line_members", "field_members"):
            if (count := getattr(self, key)) > members:
                yield KnobError(key, f"must be at most {members}, the members of its split (got {count})")


def target_files(name: str, family: TargetFamily) -> list[Path]:
    """Return every file of a target's folder that its family always writes."""
    return [paths.target(name) / file for file in (*family.files, SUMMARY)]


def train_job(name: str, family: TargetFamily, dataset: str, membership: Membership) -> Job:
    """Train a target on the members of its split. Killed at any moment, it resumes.

    `membership` says how it is known that its weights come from these members.
    """
    reads = {"images": paths.images(dataset), "split": paths.split(family.split)}
    given, borrowed = family.given, family.borrowed
    if borrowed and (lender := paths.target_of(borrowed)):
        reads["pretrained"] = paths.target(lender)
    elif borrowed:
        given = (*given, borrowed, summary_of(borrowed.parent))
    return Job(
        f"train/{name}",
        reference(train),
        {"membership": membership, **deciding(family)},
        reads,
        {"target": paths.target(name)},
        (family_modules()[family.kind],),
        given,
        {**speed(family), "device": family.device, "threads": family.threads},
    )


def train(job: Job) -> Mapping[str, Any]:
    """Train a target on the members of a split; its folder appears when it is whole."""
    import torch

    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.machine.devices import resolve_device
    from simaudit.storage.atomic import atomic_path, remove
    from simaudit.storage.hashes import sha256_bytes
    from simaudit.storage.json import write_json
    from simaudit.targets.family import family_type
    from simaudit.targets.files import file_hashes

    members, output = Split.read(job.input("split")), job.output("target")
    params = {name: value for name, value in job.params.items() if name != "membership"}
    family = family_type(params["kind"])
    knobs = {name: value for name, value in job.speed.items() if name in family.model_fields}
    target = family.model_validate(joined(params, knobs))
    torch.set_num_threads(job.speed["threads"])
    checkpoints = paths.checkpoints(output.name)
    identity = sha256_bytes(f"{job.identity} {members.member_hash}".encode())
    with atomic_path(output) as folder:
        try:
            facts = target.train(Images.open(job.input("images")), members, checkpoints, identity, folder)
        except FileError:
            raise  # no parameter is wrong
        except SimauditError as error:
            raise EntryError(("targets", output.name), error) from None
        summary = {
            "kind": target.kind,
            "params": params,
            "members": {
                "split": job.input("split").as_posix(),
                "count": len(members.member_ids),
                "sha256": members.member_hash,
                "known": job.params["membership"],
            },
            **facts,
            "places": {place: file.as_posix() for place, file in target.places.items()},
            "files": file_hashes(folder, target.places),
        }
        write_json(folder / SUMMARY, summary)
    remove(checkpoints)
    return {"device": str(resolve_device(target.device))}


def theory_job(knobs: TheoryKnobs, split: str, dataset: str) -> Job:
    """Compute the optimal denoiser of a few members in one and two dimensions, to be drawn."""
    return Job(
        "theory",
        reference(theory),
        deciding(knobs),
        {"images": paths.images(dataset), "split": paths.split(split)},
        {name: paths.of_run(name) for name in ("line", "field")},
    )


def theory(job: Job) -> None:
    """Compute the optimal denoiser of a few members in one and two dimensions."""
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.storage.parquet import write_table
    from simaudit.targets.closed_form import along_line, over_field

    knobs, images = TheoryKnobs.model_validate(job.params), Images.open(job.input("images"))
    samples, schedule = Split.read(job.input("split")), knobs.schedule.noise()
    for error in knobs.beyond(len(samples.member_ids)):
        raise EntryError(("theory", error.key), error.why)
    line = along_line(images, samples, knobs.line_members, knobs.line_timestep, schedule)
    field = over_field(images, samples, knobs.field_members, knobs.field_timesteps, schedule)
    write_table(job.output("line"), line)
    write_table(job.output("field"), field)
