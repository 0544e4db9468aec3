"""The jobs that make data: prepare a dataset, draw a split, find nearest members."""

from typing import Annotated, Any

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from simaudit.data.membership import Count, Given, Members
from simaudit.data.source import Source
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import Share
from simaudit.vocabulary.errors import FileError, KnobError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Knobs, Name, Refers, Seed, deciding


class SplitKnobs(Knobs):
    """Who of a dataset is a member: so many, drawn at random, or those that are given.

    Of the others so many are held out as `heldout` says, drawn at random, or all. `seed` and `calibration` also draw
    the folds of members that are given without.
    """

    dataset: Annotated[Name, Refers("datasets")]
    members: Members
    heldout: Count | None = None
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
    """Say of each sample of a dataset whether it is a member; a file that gives it is an input of the job."""
    reads, writes = {"items": paths.items(knobs.dataset)}, {"split": paths.split(name)}
    given = tuple(knobs.members.files.values()) if isinstance(knobs.members, Given) else ()
    params = {"name": name, **deciding(knobs)}
    return Job(f"split/{name}", reference(split), params, reads, writes, given=given)


def split(job: Job) -> None:
    """Draw members, held-out samples and folds, or take them as they are given."""
    from simaudit.data.matching import given_split
    from simaudit.data.sizes import refuse_small
    from simaudit.data.split import make_split, refuse_duplicates, sizes_of, write_split
    from simaudit.data.store import read_items

    values: dict[str, Any] = dict(job.params)
    name = values.pop("name")
    knobs = SplitKnobs.model_validate(values)
    items = read_items(job.input("items"), "file", "origin", "sha256")
    try:
        if isinstance(knobs.members, Given):
            made = given_split(knobs.members, items, knobs.calibration, knobs.seed)
        else:
            hashes = items.sha256.tolist()
            made = make_split(hashes, knobs.members, knobs.calibration, knobs.seed, knobs.heldout)
        refuse_small(sizes_of(made))
        if not knobs.allow_duplicates:
            refuse_duplicates(made)
    except FileError:
        raise  # no parameter is wrong
    except KnobError as error:
        raise SimauditError(f"params.yaml: splits.{name}.{error}") from None
    except SimauditError as error:
        raise SimauditError(f"params.yaml: splits.{name}: {error}") from None
    write_split(job.output("split"), made, items.origin)


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
