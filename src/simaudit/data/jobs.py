"""The jobs that make data: prepare a dataset, draw a split, find nearest members, and how complex images are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from simaudit.data.membership import Count, Given, Members
from simaudit.data.source import Source
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import Most, Share
from simaudit.vocabulary.errors import EntryError, FileError, KnobError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs, Name, Refers, Seed, deciding

if TYPE_CHECKING:
    import pandas as pd

MEMORY_MB = {
    "prepare": 1500,
    "split": lambda job: 600 + 15 * job.read_mb("items"),  # texts take more room in memory
    "nearest": 1500,
    "features": 700,
}
"""MB of memory that a job needs, by its function: `nearest` and `features` hold a few blocks of images,
however many there are."""


class SplitKnobs(Knobs):
    """Who of a dataset is a member: so many, drawn at random, or those that are given.

    Of the others so many are held out as `heldout` says, drawn at random, or all. Of members and held-out samples that
    are given, at most `limit` are used, drawn at random with the shares of both sides kept; a group is used as a whole
    or not at all. `seed` and `calibration` also draw the folds of members that are given without.
    """

    dataset: Annotated[Name, Refers("datasets")]
    members: Members
    heldout: Count | None = None
    limit: Count | None = None
    calibration: Share = 0.3
    seed: Seed = 0
    allow_duplicates: bool = False

    @field_validator("heldout")
    @classmethod
    def _is_of_a_draw(cls, heldout: int | None, info: ValidationInfo) -> int | None:
        if heldout is not None and isinstance(info.data.get("members"), Given):
            raise PydanticCustomError(
                "given", "is for members that are drawn, and these are given; remove it"
            )
        return heldout

    @field_validator("limit")
    @classmethod
    def _is_of_a_list(cls, limit: int | None, info: ValidationInfo) -> int | None:
        if limit is not None and isinstance(info.data.get("members"), int):
            raise PydanticCustomError(
                "drawn", "is for members that are given, and these are drawn; set heldout instead"
            )
        return limit


class NearDuplicateKnobs(Knobs):
    """When a sample is nearly the same image as a member: both must hold."""

    rms: Annotated[float, Field(ge=0), Most(2, "pixels run from −1 to 1")] = 0.1
    """At most so large is the root mean square difference of their pixels."""
    correlation: Annotated[float, Field(gt=0, le=1)] = 0.8
    """At least so large is the correlation of their edges."""


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
        raise EntryError(("datasets", name), error) from None


def split_job(name: str, knobs: SplitKnobs) -> Job:
    """Say of each sample of a dataset whether it is a member; a file that gives it is an input of the job."""
    reads, writes = {"items": paths.items(knobs.dataset)}, {"split": paths.split(name)}
    given = tuple(knobs.members.files.values()) if isinstance(knobs.members, Given) else ()
    params = {"name": name, **deciding(knobs)}
    return Job(f"split/{name}", reference(split), params, reads, writes, given=given)


def split(job: Job) -> None:
    """Draw members, held-out samples and folds, or take them as they are given."""
    from simaudit.data.split import write_split
    from simaudit.data.store import read_items

    values: dict[str, Any] = dict(job.params)
    name = values.pop("name")
    knobs = SplitKnobs.model_validate(values)
    items = read_items(job.input("items"), "file", "origin", "sha256")
    try:
        made = split_of(knobs, items)
    except FileError:
        raise  # no parameter is wrong
    except KnobError as error:
        raise EntryError(("splits", name, error.key), error.why) from None
    except SimauditError as error:
        raise EntryError(("splits", name), error) from None
    write_split(job.output("split"), made, items.origin)


def split_of(knobs: SplitKnobs, items: pd.DataFrame) -> pd.DataFrame:
    """Return the split of N samples that the knobs ask for, with the columns of `split.SCHEMA`.

    `items` has the columns file, origin and sha256 of each sample. Raises KnobError, of the key that is wrong, and
    SimauditError where a file is not what it should be, a fold is too small, or the same image is on both sides.
    """
    from simaudit.data.matching import given_split
    from simaudit.data.sizes import refuse_small
    from simaudit.data.split import make_split, refuse_duplicates, sizes_of

    if isinstance(knobs.members, Given):
        made = given_split(knobs.members, items, knobs.calibration, knobs.seed, knobs.limit)
    else:
        made = make_split(
            items.sha256.astype("str"), knobs.members, knobs.calibration, knobs.seed, knobs.heldout
        )
    refuse_small(sizes_of(made))
    if not knobs.allow_duplicates:
        refuse_duplicates(made, items.file)
    return made


def nearest_job(split: str, dataset: str, knobs: NearDuplicateKnobs, threads: int) -> Job:
    """Find the member that each sample of a split looks most like, and the samples that are nearly the same image."""
    return Job(
        f"nearest/{split}",
        reference(nearest),
        {"split": split, "near_duplicates": deciding(knobs)},
        {"images": paths.images(dataset), "split": paths.split(split)},
        {
            "nearest": paths.nearest(split),
            "summary": paths.nearest(split, "json"),
            **{name: paths.of_split(name, split) for name in paths.SPLIT_FILES},
        },
        speed={"threads": threads},
    )


def nearest(job: Job) -> None:
    """Find the member that each sample of a split looks most like, and the samples that are nearly the same image."""
    from threadpoolctl import threadpool_limits

    from simaudit.data.near_duplicates import SCHEMA, mark_near_duplicates, near_duplicates, pictured_pairs
    from simaudit.data.neighbours import nearest_members
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.storage.array import save_arrays
    from simaudit.storage.json import write_json
    from simaudit.storage.parquet import write_table
    from simaudit.storage.pictures import save_sheet

    images, samples = Images.open(job.input("images")), Split.read(job.input("split"))
    knobs = NearDuplicateKnobs.model_validate(job.params["near_duplicates"])
    limits = {"largest_rms": knobs.rms, "smallest_correlation": knobs.correlation}
    with threadpool_limits(job.speed["threads"]):
        marked = mark_near_duplicates(nearest_members(images, samples), images, **limits)
    write_table(job.output("nearest"), marked, SCHEMA)
    pairs = pictured_pairs(marked, images, samples)
    save_arrays(job.output("pairs"), pairs)
    save_sheet(job.output("pairs_sheet"), pairs)
    found = near_duplicates(marked, samples)
    write_json(job.output("summary"), {"split": job.params["split"], "near_duplicates": limits | found})


def features_job(split: str, dataset: str) -> Job:
    """Compute how complex each image of a split is."""
    return Job(
        f"features/{split}",
        reference(features),
        {"split": split},
        {"images": paths.images(dataset), "split": paths.split(split)},
        {"features": paths.features(split)},
    )


def features(job: Job) -> None:
    """Write sample_id and the features of each image of a split, block by block: see `complexity_features`."""
    from simaudit.data.complexity import write_features
    from simaudit.data.split import Split
    from simaudit.data.store import Images

    samples = Split.read(job.input("split"))
    write_features(job.output("features"), Images.open(job.input("images")), samples.sample_id)
