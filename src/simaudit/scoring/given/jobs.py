"""The jobs that take scores which others computed: their samples become a split, and each attack gets a score file."""

from simaudit.scoring.given.scores import GivenKnobs
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import deciding


def given_split_job(split: str, knobs: GivenKnobs) -> Job:
    """Take the samples of given files, their roles and folds, and what the files call them."""
    return Job(
        f"split/{split}",
        reference(given_split),
        {"given": deciding(knobs)},
        {},
        {"split": paths.split(split), "items": paths.items(split)},
        given=knobs.paths,
    )


def given_split(job: Job) -> None:
    """Write the samples of given files as a split, and what the files call them."""
    import pandas as pd

    from simaudit.data.pictures.labels import numbered
    from simaudit.data.split import split_table, write_split
    from simaudit.data.store import ITEMS, named_classes
    from simaudit.scoring.given.scores import read_given
    from simaudit.storage.parquet import write_table

    samples = read_given(GivenKnobs.model_validate(job.params["given"])).samples
    unknown = [None] * len(samples)
    roles, folds, groups = (samples[column].to_numpy() for column in ("role", "fold", "group"))
    write_split(job.output("split"), split_table(roles, folds, groups, unknown))
    classes = numbered(samples.label)
    labels = [classes[text] for text in samples.label]
    names = {number: name for number, name in labels if number is not None and name is not None}
    items = {
        "sample_id": samples.index,
        "file": samples.file,
        "label": pd.array([label.number for label in labels], dtype="Int64"),
        "caption": None,
        "origin": None,
    }
    schema = ITEMS.with_metadata(named_classes(names))
    write_table(job.output("items"), pd.DataFrame(items).assign(sha256=None), schema)


def given_score_job(audit: str, attack: str, split: str, knobs: GivenKnobs) -> Job:
    """Take the statistics of one attack from given files."""
    return Job(
        f"score/{audit}/{attack}",
        reference(given_score),
        {"audit": audit, "name": attack, "given": deciding(knobs)},
        {"split": paths.split(split)},
        {"scores": paths.scores(audit, attack)},
        given=knobs.paths,
    )


def given_score(job: Job) -> None:
    """Write the statistics of one attack, as given files have them, as a score file."""
    from simaudit.data.split import Split
    from simaudit.scoring.given.scores import read_given
    from simaudit.scoring.score_file import KIND, WIDE, ScoreWriter
    from simaudit.storage.atomic import atomic_path

    scores = read_given(GivenKnobs.model_validate(job.params["given"])).attacks[job.params["name"]]
    metadata = {"attack": scores.attack, KIND: "", "member_when": scores.member_when}
    with atomic_path(job.output("scores")) as temporary, ScoreWriter(temporary, metadata, WIDE) as writer:
        writer.write(scores.columns, Split.read(job.input("split")), slice(None), scores.statistic)
