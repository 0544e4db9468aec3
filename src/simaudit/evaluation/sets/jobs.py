"""The job that says what holds of sets of samples: verdicts on them, and each class and group by itself."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import MOST_IMAGES, MOST_RESAMPLES
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import Increasing, Knobs, Seed, deciding

MEMORY_MB = {"sets": lambda job: 800 + 10 * job.read_mb("selected", "features")}
"""MB of memory that a job needs, by its function."""

SIZES = (10, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


class SetKnobs(Knobs):
    """Of how many members sets are, and how many are drawn of each size; sizes beyond the evaluation fold have none."""

    sizes: Increasing[Annotated[int, Field(ge=2), MOST_IMAGES]] = SIZES
    repeats: Annotated[int, Field(ge=10), MOST_RESAMPLES] = 200


def sets_job(
    audit: str,
    split: str,
    dataset: str,
    attacks: Iterable[str],
    knobs: SetKnobs,
    seed: Seed,
    images: bool = True,
) -> Job:
    """Tell sets of members from held-out samples by these attacks; measure the best of them in each class and group.

    Attacks that are learned from samples of both sides are to be left out. Without `images` there is no blind p.
    """
    return Job(
        f"sets/{audit}",
        reference(sets),
        {"target": audit, "split": split, "attacks": list(attacks), "sets": deciding(knobs), "seed": seed},
        {
            "selected": paths.of_target("selected", audit),
            "split": paths.split(split),
            "items": paths.items(dataset),
            **({"features": paths.features(split)} if images else {}),
        },
        {name: paths.of_target(name, audit) for name in ("sets", "set_p_values")},
        process=f"evaluation/{audit}",
    )


def sets(job: Job) -> None:
    """Tell sets of members from held-out samples; measure the attack that did best on calibration within each part."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from simaudit.data.classes import class_names
    from simaudit.data.complexity import read_features
    from simaudit.data.split import Split
    from simaudit.data.store import read_items
    from simaudit.evaluation.protocol.selected import SelectedScores
    from simaudit.evaluation.sets.inference import attack_features, member_likeness
    from simaudit.evaluation.sets.parts import by_part
    from simaudit.evaluation.sets.verdict import ATTACKS, BLIND, group_facts, set_facts, set_table
    from simaudit.storage.json import write_json
    from simaudit.storage.parquet import write_table

    selected, split = SelectedScores.read(job.input("selected")), Split.read(job.input("split"))
    attacks, knobs = job.params["attacks"], SetKnobs.model_validate(job.params["sets"])
    seen = {ATTACKS: attack_features(selected, attacks)}
    if "features" in job.reads:
        features = read_features(job.input("features"), selected.sample_id)
        seen[BLIND] = np.stack(list(features.values()), axis=1)
    rows = ~selected.is_calibration
    is_member = selected.is_member[rows]
    with threadpool_limits(1):  # small matrices: a thread more would only wait
        likeness = {
            name: member_likeness(table, selected.is_member, selected.is_calibration)[rows]
            for name, table in seen.items()
        }
    table = set_table(likeness, is_member, knobs.sizes, knobs.repeats, job.params["seed"])
    label = read_items(job.input("items"), "label").label.iloc[selected.sample_id]
    parts = {
        "by_class": class_names(job.input("items"), label),
        "by_group": split.group,
    }
    best = max(attacks, key=selected.calibration_auc)
    within = {
        name: by_part(
            *selected.on_evaluation(best),
            selected.knobs[best].member_when,
            part[rows],
            selected.accused(best),
        )
        for name, part in parts.items()
    }
    write_table(job.output("set_p_values"), table)
    facts = {
        "target": job.params["target"],
        "sets": set_facts(table),
        "group_sets": group_facts(likeness, is_member, split.group[rows]),
        "attacks": {best: within},
    }
    write_json(job.output("sets"), facts)
