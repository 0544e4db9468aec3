"""The jobs that make data: prepare a dataset, draw a split, find nearest members."""

from typing import Annotated, Any

from pydantic import Field

from simaudit.data.source import Source
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import MOST_IMAGES, Share
from simaudit.vocabulary.errors import FileError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs, Name, Refers, Seed, deciding


class SplitKnobs(Knobs):
    """Who is a member: drawn at random from a dataset."""

    dataset: Annotated[Name, Refers("datasets")]
    members: Annotated[int, Field(ge=2), MOST_IMAGES]
    calibration: Share = 0.3
    seed: Seed = 0
    allow_duplicates: bool = False


def prepare_job(dataset: str, source: Source) -> Job:
    """Store a dataset in the one form that every later phase reads."""
    writes = {"images": paths.images(dataset), "items": paths.items(dataset)}
    params = {"name": dataset, **deciding(source)}
    return Job(f"prepare/{dataset}", reference(prepare), params, {}, writes, source.plugins, source.given)


def prepare(job: Job) -> None:
    """Store a dataset's images, uint8 or float32 (N, C, H, W), and the table of its items."""
    from simaudit.data.prepare import write_store
    from simaudit.data.source import source_type

    knobs: dict[str, Any] = dict(job.params)
    name = knobs.pop("name")
    source = source_type(knobs["source"]).model_validate(knobs)
    try:
        write_store(source.items(), job.output("images"), job.output("items"))
    except FileError:
        raise  # no parameter is wrong
    except SimauditError as error:
        raise SimauditError(f"params.yaml: datasets.{name}: {error}") from None


def split_job(name: str, knobs: SplitKnobs) -> Job:
    """Draw who is a member of a split."""
    reads, writes = {"items": paths.items(knobs.dataset)}, {"split": paths.split(name)}
    return Job(f"split/{name}", reference(split), {"name": name, **deciding(knobs)}, reads, writes)


def split(job: Job) -> None:
    """Draw members, held-out samples and folds."""
    from simaudit.data.sizes import fold_sizes, refuse_small
    from simaudit.data.split import make_split, refuse_duplicates, write_split
    from simaudit.data.store import read_items

    values: dict[str, Any] = dict(job.params)
    name = values.pop("name")
    knobs = SplitKnobs.model_validate(values)
    try:
        hashes = read_items(job.input("items"), "sha256").sha256.tolist()
        drawn = make_split(hashes, knobs.members, knobs.calibration, knobs.seed)
        refuse_small(fold_sizes(len(drawn), knobs.members, knobs.calibration))
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
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.storage.parquet import write_table

    members = nearest_members(Images.open(job.input("images")), Split.read(job.input("split")))
    write_table(job.output("nearest"), members, SCHEMA)
