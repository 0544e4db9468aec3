"""The plan of a run: the Snakefile as a workflow of steps, and the phase that each step runs as its tool."""

import graphlib
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from simaudit.provenance.crate.contents import Content, module_files
from simaudit.provenance.crate.files import facts
from simaudit.provenance.crate.links import refer
from simaudit.provenance.records import Record, makers
from simaudit.provenance.stamps import Stamp
from simaudit.vocabulary.errors import SimauditError

SNAKEFILE, LOCK = "Snakefile", "requirements.lock"
TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]


@dataclass(frozen=True)
class Workflow:
    """`tools` and `steps` are by phase: train, score, …"""

    entity: Any
    tools: dict[str, Any]
    steps: dict[str, Any]


def in_order(records: Mapping[str, Record]) -> list[Record]:
    """Return every job after those whose outputs it reads. Raises SimauditError when there is no such order."""
    made_by = makers(records)
    before = {
        job: sorted({made_by[path].job for path in record.inputs if path in made_by})
        for job, record in sorted(records.items())
    }
    try:
        return [records[job] for job in graphlib.TopologicalSorter(before).static_order()]
    except graphlib.CycleError as error:
        raise SimauditError(
            f"results/records: {' reads of '.join(error.args[1])}: no job can be first"
        ) from None


def add_workflow(crate: ROCrate, content: Content, version: str, about: dict[str, Any]) -> Any:
    """Describe the Snakefile as the crate's main entity."""
    properties = {"@type": TYPES, **facts(content), **about, "name": "simaudit", "version": version}
    return crate.add_workflow(
        SNAKEFILE, SNAKEFILE, properties=properties, main=True, lang="snakemake", lang_version=None
    )


def add_steps(
    crate: ROCrate,
    workflow: Any,
    records: Iterable[Record],
    entities: Mapping[str, Any],
) -> Workflow:
    """Describe one tool and one step per phase, in the order in which they first run."""
    tools: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for record in records:
        name = record.phase
        if name not in tools:
            tool = {"@type": "SoftwareApplication", "name": f"simaudit run {name}"}
            tool |= {"softwareVersion": workflow["version"], "description": _purpose(record)}
            tools[name] = crate.add(SoftwareApplication(crate, f"#simaudit-{name}", properties=tool))
            step = {"@type": "HowToStep", "name": name, "position": str(len(steps) + 1)}
            step["workExample"] = tools[name]
            steps[name] = crate.add(ContextEntity(crate, f"{SNAKEFILE}#{name}", step))
        refer(tools[name], "hasPart", *(_source(module, entities) for module in record.code))
        if lock := record.environment["lock"]:
            refer(tools[name], "softwareRequirements", _lock(crate, lock, entities))
    workflow["hasPart"] = list(tools.values())
    workflow["step"] = list(steps.values())
    return Workflow(workflow, tools, steps)


def engine(crate: ROCrate, records: Iterable[Record], lock: Content | None) -> Any:
    """Describe Snakemake; its version is what the lock says, if every job ran with that lock."""
    properties = {"@type": "SoftwareApplication", "name": "Snakemake", "url": "https://snakemake.github.io"}
    if lock and {record.environment["lock"] for record in records} == {lock.sha256}:
        pinned = re.search(r"^snakemake==(\S+)", Path(lock.path).read_text(encoding="utf-8"), re.MULTILINE)
        properties |= {"softwareVersion": pinned[1]} if pinned else {}
    return crate.add(SoftwareApplication(crate, "#snakemake", properties=properties))


def _purpose(record: Record) -> str:
    """Return what the function of a job says that it does."""
    return inspect.getdoc(Stamp.read(Path(record.stamp)).job.function) or ""


def _source(module: str, entities: Mapping[str, Any]) -> Any:
    return next(entities[path] for path in module_files(module) if path in entities)


def _lock(crate: ROCrate, digest: str, entities: Mapping[str, Any]) -> Any:
    """Return the lock that a job ran with: the one in the crate, or one that is no more and has only its hash."""
    if LOCK in entities and entities[LOCK]["sha256"] == digest:
        return entities[LOCK]
    identifier = f"#{LOCK}-{digest[:12]}"
    properties = {"@type": "CreativeWork", "name": f"another {LOCK}, not in this crate", "sha256": digest}
    return crate.get(identifier) or crate.add(ContextEntity(crate, identifier, properties))
