"""The files of a target: where its states are, and whether they are what its training wrote."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simaudit.storage.hashes import hashes, sha256_bytes, sha256_file
from simaudit.storage.json import read_json
from simaudit.storage.reading import reading
from simaudit.storage.walk import files_below
from simaudit.vocabulary.errors import SimauditError

EPOCHS = "epochs"  # the folder of intermediate checkpoints
SUMMARY = "training.json"  # what a target says of itself, beside the diffusers files
AUTOENCODER = "vqvae"  # the folder in which diffusers' LDMPipeline saves any autoencoder
AUTOENCODER_CLASS = "AutoencoderKL"


def state_folder(directory: Path, epoch: int | None) -> Path:
    """Return where a target keeps its state after that many epochs: a directory like its own, which is that of None."""
    return directory / EPOCHS / str(epoch) if epoch else directory


def unaccounted(directory: Path, files: Collection[str]) -> list[Path]:
    """Return the files of a target's directory that its summary does not list, sorted.

    Where a training that begins anew is killed, its intermediate checkpoints stay behind without a summary; they are
    known by `files`, what the target's family saves of each.
    """
    listed = {SUMMARY}
    with suppress(SimauditError, KeyError):
        listed |= set(read_json(directory / SUMMARY)["files"])
    here = (
        {file.relative_to(directory): file for file in files_below(directory)} if directory.is_dir() else {}
    )
    return sorted(
        file
        for name, file in here.items()
        if name.as_posix() not in listed
        and not (name.parts[0] == EPOCHS and Path(*name.parts[2:]).as_posix() in files)
    )


def summary_of(state: Path) -> Path:
    """Return where the training.json of a target is that keeps one of its states in this folder, see `state_folder`."""
    return (state.parent.parent if state.parent.name == EPOCHS else state) / SUMMARY


def file_hashes(directory: Path, places: Mapping[str, Path] = MappingProxyType({})) -> dict[str, str]:
    """Return the SHA-256 of every file of a target by its relative path, except its summary.

    `places` are files of it that lie elsewhere, by the name that each goes by; their hashes are remembered.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != SUMMARY)
    own = {path.relative_to(directory).as_posix(): sha256_file(path) for path in files}
    here = [path for path in places.values() if path.is_file()]
    elsewhere = hashes(here) if here else {}
    return own | {
        name: elsewhere[path.as_posix()] for name, path in places.items() if path.as_posix() in elsewhere
    }


def read_summary(directory: Path) -> dict[str, Any]:
    """Return a target's training.json, after comparing the target's files with the hashes in it.

    Raises SimauditError naming the first file that is missing or damaged, or that was changed after training.
    """
    file = directory / SUMMARY
    with reading(file, "the summary of a target"):
        summary = read_json(file)
        files = dict(summary["files"])
        if not {"sha256", "split"} <= set(summary["members"]):
            raise ValueError("it does not say who the members are")
        places = {name: Path(path) for name, path in summary.get("places", {}).items()}
    here = file_hashes(directory, places)
    for name, expected in files.items():
        if here.get(name) != expected:
            file, state = places.get(name, directory / name), "changed" if name in here else "missing"
            remedy = (
                f"put it back, or delete {directory / SUMMARY}"
                if name in places
                else "train the target again"
            )
            since = " since training" if name in here and name not in places else ""
            raise SimauditError(f"{file}: {state}{since} (sha256 in {SUMMARY}); {remedy}")
    return summary


def target_hash(summary: Mapping[str, Any]) -> str:
    """Return the identity of a trained target: SHA-256 over its files' hashes."""
    return sha256_bytes(json.dumps(summary["files"], sort_keys=True).encode())
