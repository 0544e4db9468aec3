"""A crate as a folder, or as one file that can be sent along with a paper."""

import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.machine.commit import commit, commit_date
from simaudit.provenance import runlog
from simaudit.provenance.crate.actions import Run, add_actions, span
from simaudit.provenance.crate.contents import contents
from simaudit.provenance.crate.files import add_files
from simaudit.provenance.crate.links import unwrap
from simaudit.provenance.crate.people import about
from simaudit.provenance.crate.workflow import LOCK, SNAKEFILE, add_steps, add_workflow, engine, in_order
from simaudit.provenance.records import Record
from simaudit.storage.atomic import atomic_path
from simaudit.storage.yaml import read_yaml
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

METADATA = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: no time of packing


def write_crate(records: Mapping[str, Record], output: Path, with_data: bool) -> None:
    """Write the run as a folder, or as a zip if `output` says so. The same run gives the same bytes.

    Raises SimauditError when a crate would claim what is not so, and when `output` is something else than a crate.
    """
    _refuse_to_replace(output)
    crate = run_crate(records, with_data)
    if output.suffix != ".zip":
        with atomic_path(output) as temporary:
            crate.write(temporary)
        return
    with tempfile.TemporaryDirectory(prefix="simaudit-crate-") as name, atomic_path(output) as temporary:
        crate.write(name)
        _pack(Path(name), temporary)


def run_crate(records: Mapping[str, Record], with_data: bool) -> ROCrate:
    """Return the crate of a run in this folder, not yet written. Raises SimauditError as `write_crate` does."""
    files = contents(records, with_data)
    ordered = in_order(records)
    runs = {job: runlog.read(paths.log(job)) for job in records}
    citation = read_yaml(Path("CITATION.cff"))
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(CONTEXT)
    shared = about(crate, citation)
    code = shared.pop("codeRepository", None)
    for name, value in shared.items():
        crate.root_dataset[name] = value
    crate.name = citation["title"]
    crate.description = (
        f"A run of {len(records)} jobs: what each was asked, read and made, and every figure, table and number. "
        f"{'It holds' if with_data else 'It names by hash, and does not hold,'} images, weights and scores."
    )
    crate.datePublished = _date(runs)
    crate.root_dataset["conformsTo"] = [
        crate.add(
            ContextEntity(
                crate, uri, {"@type": "CreativeWork", "name": name, "version": uri.rsplit("/", 1)[1]}
            )
        )
        for uri, name in PROFILES.items()
    ]
    workflow = add_workflow(
        crate,
        files[SNAKEFILE],
        _version(citation),
        shared | ({"codeRepository": code} if code else {}),
    )
    entities = add_files(crate, (content for content in files.values() if content.path != SNAKEFILE))
    if "README.md" in entities:
        entities["README.md"]["about"] = crate.root_dataset
    steps = add_steps(crate, workflow, ordered, entities)
    add_actions(crate, steps, engine(crate, ordered, files.get(LOCK)), ordered, entities, runs)
    unwrap(crate)
    return crate


def _refuse_to_replace(output: Path) -> None:
    """Raise SimauditError unless what is there is a crate, or a zip for a zip, and not the folder that we are in."""
    replaceable = output.is_file() if output.suffix == ".zip" else (output / METADATA).is_file()
    if (output.exists() and not replaceable) or Path.cwd().is_relative_to(output.resolve()):
        raise SimauditError(f"{output}: there already, and no crate; name another place with --output")


def _version(citation: Mapping[str, str]) -> str:
    """Return, as PEP 440 has it, the version, the commit that is checked out, and whether files differ from it."""
    state = commit()
    version = str(citation.get("version", "0"))
    if state["commit"] is None:
        return version
    return f"{version}+{state['commit']}" + (".dirty" if state["dirty"] else "")


def _date(runs: Mapping[str, Run]) -> str:
    """Return when the last job ended; without logs, when the commit was made. RO-Crate demands a date.

    Raises SimauditError where neither is known.
    """
    ends = [known[1] for known in map(span, runs.values()) if known]
    date = max(ends).isoformat(timespec="seconds") if ends else commit_date()
    if date is None:
        raise SimauditError("results/logs: no run log, and no commit: nothing says when this was made")
    return date


def _pack(folder: Path, path: Path) -> None:
    """Write the files of a folder as a zip, sorted, and with no time in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            member = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            with file.open("rb") as source, archive.open(member, "w", force_zip64=True) as packed:
                shutil.copyfileobj(source, packed)
