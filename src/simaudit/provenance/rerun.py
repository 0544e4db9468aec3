"""A job run once more, in a clean clone and from the recorded inputs, and held against what it made the first time."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simaudit.provenance.disagreement import Disagreement
from simaudit.provenance.records import Record
from simaudit.provenance.stamps import Stamp
from simaudit.storage.array import read_arrays
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json, write_json
from simaudit.storage.parquet import CHECKED
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far numbers may lie apart that another machine, another number of threads or another batch computed."""


def rerun(record: Record, repository: Path = Path()) -> Iterator[Disagreement]:
    """Yield what the job makes differently now, beyond tolerance, on the commit that is checked out.

    Raises SimauditError when it cannot be run again.
    """
    with tempfile.TemporaryDirectory(prefix="simaudit-rerun-") as name:
        clone = Path(name) / "clone"
        _git("clone", "--quiet", "--no-hardlinks", str(repository.resolve()), str(clone))
        given = Stamp.read(repository / record.stamp).relative_files()
        for path in (*record.inputs, *given):
            if not (repository / path).is_file():
                raise SimauditError(f"{path}: missing; {record.job} read it and cannot be run again")
            if sha256_file(repository / path) != {**given, **record.inputs}[path]:
                raise SimauditError(
                    f"{path}: not what {record.job} read, which cannot be run again; simaudit verify --all says more"
                )
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / path, clone / path)
        write_json(clone / paths.SPEED, {record.job: _on_any_device(record.speed)})
        environment = os.environ | {"PYTHONPATH": str(clone / "src")}
        command = [sys.executable, "-m", "simaudit", *record.command[1:]]
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise SimauditError(
                f"{record.job}: failed when run again, with exit code {done.returncode}: {last}"
            )
        for path, digest in record.outputs.items():
            if digest and not same(repository / path, clone / path):
                yield Disagreement(
                    "rerun", f"{path} (of {record.job})", "what the first run made", "something else"
                )


def _on_any_device(speed: Mapping[str, Any]) -> dict[str, Any]:
    """Return these speed knobs with every device `auto`: the recorded one may not be here."""
    return {
        key: _on_any_device(knob) if isinstance(knob, Mapping) else "auto" if key == "device" else knob
        for key, knob in speed.items()
    }


def same(first: Path, second: Path) -> bool:
    """Return whether two files are equal, or differ only in numbers, and in these within tolerance."""
    if not (first.is_file() and second.is_file()):
        return False
    if first.read_bytes() == second.read_bytes():
        return True
    if {first.suffix, second.suffix} == {".png"}:
        return _same_picture(first, second)
    read = {
        ".parquet": _parquet,
        ".json": read_json,
        ".npy": np.load,
        ".npz": read_arrays,
        ".safetensors": _weights,
    }
    reader: Any = read.get(first.suffix)
    try:
        return reader is not None and alike(reader(first), reader(second))
    except Exception:  # each format has its own: one of them is damaged
        return False


def _same_picture(first: Path, second: Path) -> bool:
    """Return whether no pixel of two pictures differs by more than one of 256 levels."""
    try:
        one, other = (np.asarray(Image.open(path), dtype=np.int16) for path in (first, second))
    except Exception:  # one of them is damaged
        return False
    return one.shape == other.shape and bool((np.abs(one - other) <= 1).all())


def alike(first: Any, second: Any) -> bool:
    """Return whether two structures have the same keys and texts, and numbers within tolerance."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(alike, first, second))
    if isinstance(first, np.ndarray | float):
        one, other = np.asarray(first), np.asarray(second)
        if one.shape != other.shape or one.dtype.kind not in "fiu":
            return bool(np.array_equal(one, other))
        return bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))
    return bool(first == second)


def _parquet(path: Path) -> dict[str, np.ndarray]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, **CHECKED)
    return {name: table[name].to_pandas().to_numpy() for name in table.column_names}


def _weights(path: Path) -> Any:
    from safetensors.numpy import load_file

    return load_file(path)


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SimauditError(f"git {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
