"""The files of a run as entities of its crate: each with its hash, size and format."""

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.provenance.crate.contents import Content

FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".safetensors": "application/x-safetensors",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".tex": "text/x-tex",
    ".py": "text/x-python",
    ".csv": "text/csv",
    ".js": "text/javascript",
}
"""Formats that some machine's table of types does not know, or knows by another name."""


def add_files(crate: ROCrate, contents: Iterable[Content]) -> dict[str, Any]:
    """Add the files, and return each entity by path. A file that the crate does not hold is named #<path>."""
    return {
        content.path: crate.add_file(content.path, content.path, properties=facts(content))
        if content.inside
        else crate.add(ContextEntity(crate, f"#{quote(content.path)}", {"@type": "File", **facts(content)}))
        for content in contents
    }


def facts(content: Content) -> dict[str, Any]:
    """Return what is known of a file. `sha256` is a term of the profile's context."""
    suffix = Path(content.path).suffix
    known = {
        "name": content.path,
        "sha256": content.sha256,
        "contentSize": str(content.size),
        "encodingFormat": FORMATS.get(suffix) or mimetypes.guess_type(content.path)[0] or "text/plain",
    }
    if not content.inside:
        known["alternateName"] = content.path
        known["description"] = "Not in this crate, known by its hash"
    return known
