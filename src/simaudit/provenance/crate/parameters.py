"""What jobs were asked, as formal parameters of the tools and values of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.provenance.crate.links import refer
from simaudit.provenance.records import Record
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import sha256_bytes
from simaudit.vocabulary.job import paths_in
from simaudit.vocabulary.knobs import leaves

TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


class Parameters:
    """The parameters of all tools. The crate holds each once, and so a value that several jobs were given."""

    def __init__(self, crate: ROCrate) -> None:
        self._crate = crate

    def values(self, record: Record, tool: Any) -> list[Any]:
        """Return the values of a job's knobs, by dotted name; those of its speed are as they turned out."""
        return [
            self._value(tool, name, value)
            for knobs in (record.params, record.speed)
            for name, value in leaves(knobs)
        ]

    def slots(self, record: Record, tool: Any, entities: Mapping[str, Any]) -> None:
        """Tie the job's files to what its function calls them, as inputs and outputs of the tool."""
        job = Stamp.read(Path(record.stamp)).job
        for end, files, roles in (
            ("input", record.inputs, {"stamp": record.stamp, **job.reads}),
            ("output", record.outputs, job.writes),
        ):
            for role, named in roles.items():
                formal = self._formal(tool, end, role, "File")
                for path in files:
                    if any(Path(path).is_relative_to(folder) for folder in paths_in(named)):
                        refer(entities[path], "exampleOfWork", formal)

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
