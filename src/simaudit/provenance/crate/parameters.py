"""The parameters of jobs, as formal parameters of the tools and values of these."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.provenance.crate.links import refer
from simaudit.provenance.records import Record
from simaudit.storage.hashes import sha256_bytes

TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


class Parameters:
    """The parameters of all tools. A parameter stands in the crate once, and so does a value that jobs share."""

    def __init__(self, crate: ROCrate) -> None:
        self._crate = crate

    def values(self, record: Record, tool: Any) -> list[Any]:
        """Return the values that a job was given: those of its stamp, by dotted name, and options that are no files."""
        return [self._value(tool, name, value) for name, value in job_parameters(record)]

    def slots(self, record: Record, tool: Any, entities: Mapping[str, Any]) -> None:
        """Link the job's files to the options of its command that name them, as inputs and outputs of the tool."""
        for end, paths in (("input", record.inputs), ("output", record.outputs)):
            for path in paths:
                for option, value in options(record.command):
                    if _is_in(path, value):
                        refer(entities[path], "exampleOfWork", self._formal(tool, end, option, "File"))

    def _value(self, tool: Any, name: str, value: Any) -> Any:
        plain = value if type(value) in TYPES else json.dumps(value, ensure_ascii=False)
        identifier = f"{tool.id}/{name}/{sha256_bytes(json.dumps(value).encode())[:12]}"
        formal = self._formal(tool, "input", name, TYPES[type(plain)])
        return self._crate.get(identifier) or self._crate.add(
            ContextEntity(
                self._crate,
                identifier,
                {"@type": "PropertyValue", "name": name, "value": plain, "exampleOfWork": formal},
            )
        )

    def _formal(self, tool: Any, end: str, name: str, kind: str) -> Any:
        identifier = f"{tool.id}/{name}:{kind}"
        formal = self._crate.get(identifier) or self._crate.add(
            ContextEntity(
                self._crate, identifier, {"@type": "FormalParameter", "name": name, "additionalType": kind}
            )
        )
        refer(tool, end, formal)
        return formal


def job_parameters(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every parameter that the job was given."""
    yield from leaves(record.params)
    for option, value in options(record.command):
        if not any(_is_in(path, value) for path in (*record.inputs, *record.outputs)):
            yield option, value


def leaves(params: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted name and value of everything in nested parameters; a list is one value."""
    if isinstance(params, Mapping) and params:
        for key, value in params.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, params


def options(command: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (--option, value) for every value that an option of the command has."""
    option = None
    for word in command:
        if word.startswith("--"):
            option = word
        elif option:
            yield option, word


def _is_in(path: str, value: str) -> bool:
    return path == value or path.startswith(f"{value}/")
