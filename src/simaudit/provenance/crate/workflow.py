"""The plan of a run: the Snakefile as a workflow of steps, and the subcommand that each step calls as its tool."""

import graphlib
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
from simaudit.vocabulary.errors import SimauditError

SNAKEFILE, LOCK = "Snakefile", "requirements.lock"
TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]


@dataclass(frozen=True)
class Workflow:
    """The workflow as an entity of the crate; `tools` and `steps` are by subcommand: train, score, …"""

    entity: Any
    tools: dict[str, Any]
    steps: dict[str, Any]


def in_order(records: Mapping[str, Record]) -> list[Record]:
    """Return each job after those whose outputs it reads. Raises SimauditError when there is no such order."""
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


def verb(record: Record) -> str:
    """Return the subcommand of the command line that a job calls."""
    return record.command[1]


def add_workflow(crate: ROCrate, content: Content, version: str, about: dict[str, Any]) -> Any:
    """Add the Snakefile as the crate's main entity."""
    properties = {"@type": TYPES, **facts(content), **about, "name": "simaudit", "version": version}
    return crate.add_workflow(
        SNAKEFILE, SNAKEFILE, properties=properties, main=True, lang="snakemake", lang_version=None
    )


def add_steps(
    crate: ROCrate,
    workflow: Any,
    records: Iterable[Record],
    entities: Mapping[str, Any],
    helps: Mapping[str, str],
) -> Workflow:
    """Add one tool and one step per subcommand, in the order in which they are first called."""
    tools: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for record in records:
        name = verb(record)
        if name not in tools:
            tool = {"@type": "SoftwareApplication", "name": f"simaudit {name}"}
            tool |= {"softwareVersion": workflow["version"], "description": helps.get(name, "")}
            tools[name] = crate.add(SoftwareApplication(crate, f"#simaudit-{name}", properties=tool))
            step = {"@type": "HowToStep", "name": name, "position": str(len(steps) + 1)}
            step["workExample"] = tools[name]
            steps[name] = crate.add(ContextEntity(crate, f"{SNAKEFILE}#{name}", step))
        refer(tools[name], "hasPart", *(_source(module, entities) for module in record.code))
        if record.environment:
            refer(tools[name], "softwareRequirements", _lock(crate, record.environment, entities))
    workflow["hasPart"] = list(tools.values())
    workflow["step"] = list(steps.values())
    return Workflow(workflow, tools, steps)


def engine(crate: ROCrate, records: Iterable[Record], lock: Content | None) -> Any:
    """Add Snakemake; its version is what the lock says, if every job ran with that lock."""
    properties = {"@type": "SoftwareApplication", "name": "Snakemake", "url": "https://snakemake.github.io"}
    if lock and {record.environment for record in records} == {lock.sha256}:
        version = re.search(r"^snakemake==(\S+)", Path(lock.path).read_text(encoding="utf-8"), re.MULTILINE)
        properties |= {"softwareVersion": version[1]} if version else {}
    return crate.add(SoftwareApplication(crate, "#snakemake", properties=properties))


def _source(module: str, entities: Mapping[str, Any]) -> Any:
    return next(entities[path] for path in module_files(module) if path in entities)


def _lock(crate: ROCrate, digest: str, entities: Mapping[str, Any]) -> Any:
    """Return the lock that a job ran with: the one in the crate, or an earlier one, of which only the hash is known."""
    if LOCK in entities and entities[LOCK]["sha256"] == digest:
        return entities[LOCK]
    identifier = f"#{LOCK}-{digest[:12]}"
    properties = {"@type": "CreativeWork", "name": f"another {LOCK}, not in this crate", "sha256": digest}
    return crate.get(identifier) or crate.add(ContextEntity(crate, identifier, properties))
