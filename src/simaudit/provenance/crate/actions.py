"""What happened: each job as an action of its tool, and the run of the workflow that they were part of."""

import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.provenance.crate.links import refer
from simaudit.provenance.crate.parameters import Parameters
from simaudit.provenance.crate.workflow import Workflow
from simaudit.provenance.records import Record, makers
from simaudit.vocabulary import paths

Run = Mapping[str, Any] | None
"""What the run log of a job says, where there is one."""
DONE = "http://schema.org/CompletedActionStatus"  # a job that failed leaves no record


def add_actions(
    crate: ROCrate,
    workflow: Workflow,
    engine: Any,
    records: Sequence[Record],
    entities: Mapping[str, Any],
    runs: Mapping[str, Run],
) -> None:
    """Describe each job as an action of its tool, and the whole run; `records` are in order, `runs` are by job."""
    parameters = Parameters(crate)
    orders = []
    for record in records:
        tool = workflow.tools[record.phase]
        parameters.slots(record, tool, entities)
        job = _add(
            crate,
            f"#job/{record.job}",
            "CreateAction",
            name=record.job,
            description=shlex.join(record.command) + _where(runs[record.job]),
            instrument=tool,
            object=[*(entities[path] for path in record.inputs), *parameters.values(record, tool)],
            result=[entities[path] for path in record.outputs],
            actionStatus=DONE,
            **_when([runs[record.job]]),
        )
        entities[paths.record(record.job).as_posix()]["about"] = job
        order = {"instrument": workflow.steps[record.phase], "object": job}
        orders.append(
            _add(crate, f"#order/{record.job}", "ControlAction", name=f"order {record.job}", **order)
        )
    times = _when(list(runs.values()))
    whole = _add(
        crate,
        "#run",
        "CreateAction",
        name="the whole run",
        description=f"{len(records)} jobs, each an action of its own",
        instrument=workflow.entity,
        object=[entities[path] for path in given(records)],
        result=[entities[path] for path in final(records)],
        actionStatus=DONE,
        **times,
    )
    orchestration = _add(
        crate,
        "#orchestration",
        "OrganizeAction",
        name="the run of Snakemake",
        instrument=engine,
        object=orders,
        result=whole,
        **times,
    )
    jobs = [order["object"] for order in orders]
    crate.root_dataset["mentions"] = [whole, *jobs, orchestration]
    _workflow_slots(crate, workflow.entity, whole)


def given(records: Sequence[Record]) -> list[str]:
    """Return what jobs read and none made: the resolved parameters of each, and files from elsewhere."""
    outputs = makers({record.job: record for record in records})
    read = {path for record in records for path in record.inputs if path not in outputs}
    return sorted(path for path in read if not Path(path).is_relative_to(paths.RECORDS))


def final(records: Sequence[Record]) -> list[str]:
    """Return what jobs made and none read, and the ledger of numbers."""
    read = {path for record in records for path in record.inputs} - {paths.NUMBERS.as_posix()}
    return sorted({path for record in records for path in record.outputs if path not in read})


def span(run: Run) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Return when a job began and ended; None where no log says so."""
    if run is None:
        return None
    started = datetime.datetime.fromisoformat(run["started"])
    return started, started + datetime.timedelta(seconds=run["seconds"])


def _when(runs: Sequence[Run]) -> dict[str, str]:
    """Return the beginning and the end of all together; nothing when they are not known of each."""
    spans = [known for known in map(span, runs) if known]
    if len(spans) < len(runs):
        return {}
    return {
        "startTime": min(start for start, _ in spans).isoformat(timespec="seconds"),
        "endTime": max(end for _, end in spans).isoformat(timespec="seconds"),
    }


def _where(run: Run) -> str:
    if run is None or run["commit"] is None:
        return ""
    return f"; on commit {run['commit']}" + (", with changes that were not committed" if run["dirty"] else "")


def _workflow_slots(crate: ROCrate, workflow: Any, whole: Any) -> None:
    """Give the workflow its one input, the parameters as jobs read them, and its one output."""
    for end, name, files in (("input", "given", whole["object"]), ("output", "results", whole["result"])):
        slot = {"@type": "FormalParameter", "name": name, "additionalType": "File", "multipleValues": True}
        formal = crate.add(ContextEntity(crate, f"{workflow.id}#{end}/{name}", slot))
        workflow[end] = [formal]
        for file in files:
            refer(file, "exampleOfWork", formal)


def _add(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Any:
    return crate.add(ContextEntity(crate, identifier, {"@type": kind, **properties}))
