"""The job that lists the samples of an audit by how many of its attacks accuse them."""

from collections.abc import Iterable

from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference

WRITTEN = ("at_risk", "at_risk_samples")
SHEET = "at_risk_sheet"

MEMORY_MB = {"at_risk": lambda job: 800 + 10 * job.read_mb("selected", "items")}
"""MB of memory that a job needs, by its function."""


def at_risk_job(audit: str, split: str, dataset: str, attacks: Iterable[str], images: bool = True) -> Job:
    """List the samples of an audit by how many of these threshold attacks accuse them, with pictures of the first.

    Without `images` there are no pictures.
    """
    return Job(
        f"at_risk/{audit}",
        reference(at_risk),
        {"target": audit, "split": split, "attacks": list(attacks)},
        {
            "selected": paths.of_target("selected", audit),
            "items": paths.items(dataset),
            **({"images": paths.images(dataset)} if images else {}),
        },
        {name: paths.of_target(name, audit) for name in (*WRITTEN, *([SHEET] if images else []))},
        process=f"evaluation/{audit}",
    )


def at_risk(job: Job) -> None:
    """List the samples of the evaluation fold by how many attacks accuse them; draw the members that most accuse."""
    from simaudit.data.classes import class_names
    from simaudit.data.store import Images, read_items
    from simaudit.evaluation.at_risk.accused import SCHEMA, most_accused, risk_facts, risk_table
    from simaudit.evaluation.protocol.selected import SelectedScores
    from simaudit.storage.json import write_json
    from simaudit.storage.parquet import write_table
    from simaudit.storage.pictures import save_sheet

    selected, attacks = SelectedScores.read(job.input("selected")), job.params["attacks"]
    items = read_items(job.input("items"), "file", "label")
    items["class_name"] = class_names(job.input("items"), items.label)
    table = risk_table(selected, attacks, items)
    facts = risk_facts(table, selected, attacks)
    write_table(job.output("at_risk_samples"), table, SCHEMA)
    write_json(job.output("at_risk"), {"target": job.params["target"], "at_risk": facts})
    if "images" in job.reads:
        shown = most_accused(table).sample_id.to_numpy()
        save_sheet(job.output(SHEET), {"members": Images.open(job.input("images"))[shown]})
