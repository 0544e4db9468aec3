"""The jobs that make data: prepare a dataset, draw a split, find nearest members."""

from typing import Annotated, Any

from pydantic import Field

from simaudit.data.source import Source, source_modules
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import FileError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs, Name, Seed, deciding


class SplitKnobs(Knobs):
    """Who is a member: drawn at random from a dataset."""

    dataset: Name
    members: Annotated[int, Field(ge=2)]
    calibration: Annotated[float, Field(gt=0, lt=1)] = 0.3
    seed: Seed = 0
    allow_duplicates: bool = False


def prepare_job(dataset: str, source: Source) -> Job:
    """Store a dataset in the one form that every later phase reads."""
    writes = {"images": paths.images(dataset), "labels": paths.labels(dataset)}
    plugin = source_modules()[source.source]
    return Job(f"prepare/{dataset}", reference(prepare), deciding(source), {}, writes, (plugin,))


def prepare(job: Job) -> None:
    """Load a dataset and store it as float32 (N, C, H, W) in [-1, 1]."""
    from simaudit.data.prepare import save_array, to_model_range
    from simaudit.data.source import source_type

    raw = source_type(job.params["source"]).model_validate(job.params).load()
    save_array(job.output("labels"), raw.labels)
    save_array(job.output("images"), to_model_range(raw))


def split_job(name: str, knobs: SplitKnobs) -> Job:
    """Draw who is a member of a split."""
    reads, writes = {"images": paths.images(knobs.dataset)}, {"split": paths.split(name)}
    return Job(f"split/{name}", reference(split), {"name": name, **deciding(knobs)}, reads, writes)


def split(job: Job) -> None:
    """Draw members, held-out samples and folds."""
    from simaudit.data.prepare import image_hashes, open_images
    from simaudit.data.split import make_split, refuse_duplicates, refuse_small, write_split
    from simaudit.vocabulary.sides import CALIBRATION, MEMBER

    values: dict[str, Any] = dict(job.params)
    name = values.pop("name")
    knobs = SplitKnobs.model_validate(values)
    try:
        hashes = image_hashes(open_images(job.input("images")))
        drawn = make_split(hashes, knobs.members, knobs.calibration, knobs.seed)
        refuse_small((drawn.role == MEMBER).to_numpy(), (drawn.fold == CALIBRATION).to_numpy())
        if not knobs.allow_duplicates:
            refuse_duplicates(drawn)
    except FileError:
        raise  # no parameter is wrong
    except SimauditError as error:
        raise SimauditError(f"params.yaml: splits.{name}: {error}") from None
    write_split(job.output("split"), drawn)


def nearest_job(split: str, knobs: SplitKnobs) -> Job:
    """Find the member that each sample of a split looks most like."""
    reads = {"images": paths.images(knobs.dataset), "split": paths.split(split)}
    return Job(f"nearest/{split}", reference(nearest), {}, reads, {"nearest": paths.nearest(split)})


def nearest(job: Job) -> None:
    """Find the member that each sample of a split looks most like."""
    from simaudit.data.neighbours import SCHEMA, nearest_members
    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.storage.parquet import write_table

    members = nearest_members(open_images(job.input("images")), Split.read(job.input("split")))
    write_table(job.output("nearest"), members, SCHEMA)
