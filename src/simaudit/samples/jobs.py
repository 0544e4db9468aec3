"""The job that draws images from a target, and what it and the judgement of their quality need to know."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from simaudit.samples.features import Extractor
from simaudit.scoring.jobs import ScoringKnobs
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.targets.memory import model_mb
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import STEPS, Most
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Condition, Knobs, Seed, deciding, speed

NEEDS_MEMORY = {"sample": "scoring.batch_size or quality.samples"}
"""The knobs that bound the memory of a job, by its function."""


MEMORY_MB = {"sample": model_mb}
"""MB of memory that a job needs, by its function."""


class QualityKnobs(Knobs):
    """How samples are drawn from each target, and which features of them are compared with those of real images."""

    seed: Seed = 0
    samples: Annotated[int, Field(ge=50), Most(1_000_000, "each is drawn in many steps")] = 300
    steps: Annotated[int, Field(ge=2), Most(STEPS, "no schedule has more")] = 50
    features: Extractor = "auto"


def sample_job(
    audit: str,
    knobs: QualityKnobs,
    scoring: ScoringKnobs,
    reads: Mapping[str, Any],
    family: TargetFamily,
    conditions: Sequence[Condition] = (),
) -> Job:
    """Draw images from a target; `reads` are its images, split and target, and its items where labels are asked for.

    `conditions` are those of the audit: samples are of the members' classes where these are asked for.
    """
    return Job(
        f"sample/{audit}",
        reference(sample),
        {"kind": family.kind, "quality": deciding(knobs, "features"), "by_class": "labels" in conditions},
        reads,
        {
            "samples": paths.samples(audit),
            **{name: paths.of_target(name, audit) for name in ("gallery", "sheet")},
        },
        (family_modules()[family.kind],),
        speed=speed(scoring),
        process=f"score/{audit}",
    )


def sample(job: Job) -> Mapping[str, Any]:
    """Draw images from a target, and put some beside the members that they look most like.

    These are written twice: as they are, and as a sheet of pictures that a person can open.
    """
    import numpy as np
    import torch

    from simaudit.data.classes import read_classes
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.machine.devices import resolve_device
    from simaudit.machine.precision import set_precision
    from simaudit.samples.draw import classes_to_draw, draw_samples
    from simaudit.samples.gallery import gallery
    from simaudit.scoring.batch_size import fitting
    from simaudit.storage.array import save_array, save_arrays
    from simaudit.storage.pictures import save_sheet
    from simaudit.targets.files import read_summary
    from simaudit.targets.loaded import loaded

    folder, real = job.input("target"), Images.open(job.input("images"))
    knobs = QualityKnobs.model_validate(job.params["quality"])
    scoring = ScoringKnobs.model_validate(job.speed)
    torch.set_num_threads(scoring.threads)
    device = resolve_device(scoring.device)
    set_precision("float32", device)  # what is drawn does not depend on how attacks are run
    target = loaded(folder, read_summary(folder), device)
    like = torch.from_numpy(real[:1]).to(device)
    split, labels = Split.read(job.input("split")), None
    if job.params["by_class"]:
        of_members = read_classes(job.input("items"), split.member_ids, target.known_classes)
        labels = classes_to_draw(of_members, knobs.samples, knobs.seed)
    size = fitting(scoring.batch_size, target, real, device)
    samples = draw_samples(target, like, knobs.samples, knobs.steps, knobs.seed, size, labels)
    if not np.isfinite(samples).all():
        raise SimauditError(
            f"{folder}: its samples are not finite; train it anew, with a lower learning_rate"
        )
    save_array(job.output("samples"), samples)
    shown = gallery(target, real, split, samples, "decoder" in target.offers, device)
    save_arrays(job.output("gallery"), shown)
    save_sheet(job.output("sheet"), shown)
    return {"device": str(device)}
