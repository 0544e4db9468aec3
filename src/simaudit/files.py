"""Files that are whole or absent, and their hashes."""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from simaudit.errors import SimauditError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` on success and vanishes on failure.

    What is written may be a file or a directory. A process killed in between leaves `path` as it was, and its temporary
    one for the next to clear away. The name holds the process, so that a job that outlived its killed Snakemake and the
    job that replaces it do not write into one file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        if not _is_running(int(leftover.name.split(".")[-2])):
            remove(leftover)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_dir():
            remove(path)
        temporary.replace(path)
    finally:
        remove(temporary)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it exists
    return True


def remove(path: Path) -> None:
    """Remove a file or a whole directory, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def canonical_json(value: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, two spaces, a newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as canonical JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(canonical_json(value), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a result file. Raises SimauditError when it is missing or not valid JSON."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; make it with: snakemake --cores all {path}") from None
    except json.JSONDecodeError as error:
        raise SimauditError(f"{path}: not valid JSON ({error}); delete it and run again") from None
    return content


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises SimauditError when it is missing or not valid YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; run in the folder that holds it") from None
    except yaml.YAMLError as error:
        raise SimauditError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
