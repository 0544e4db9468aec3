"""Where each printed number is from: its file, its place there, every job back to the data; and how a page packs it."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from simaudit.evaluation.numbers import PURE, Ledger, Number
from simaudit.figures.printed import TAIL
from simaudit.provenance.records import Record, makers
from simaudit.provenance.trace import ancestors, scored
from simaudit.report.page.names import plain_name
from simaudit.vocabulary.membership import VERIFIED


def sources(
    ledger: Ledger, printed: Sequence[str], records: Mapping[str, Record], again: str = ""
) -> dict[str, Any]:
    """Return all that the page can say of the numbers with these ids, as plain JSON.

    `numbers` are in the order of `printed`, each with the place of its file in `files` and of its jobs in `chains`, of
    which the job that wrote the file is the first; there are no jobs where there is no record. `jobs` are by name.
    `again` is the command that makes everything again, where it is not Snakemake.
    """
    made_by = makers(records)
    numbers = {name: ledger.numbers[name] for name in printed}
    hashes = {number.source: number.source_sha256 for number in numbers.values()}
    files = sorted(hashes)
    asked = {name: (number.source, scored(number.pointer)) for name, number in numbers.items()}
    behind = {of: tuple(ancestors(of[0], made_by, of[1])) for of in dict.fromkeys(asked.values())}
    chains = sorted(set(behind.values()))
    return {
        "files": [
            {"path": path, "sha256": hashes[path], "command": again or f"snakemake --cores all {path}"}
            for path in files
        ],
        "chains": chains,
        "numbers": [
            _facts(number) | {"file": files.index(number.source), "chain": chains.index(behind[asked[name]])}
            for name, number in numbers.items()
        ],
        "jobs": {name: _job(records[name]) for name in sorted({job for chain in chains for job in chain})},
    }


def packed(content: Any) -> str:
    """Return JSON as text for a page: compressed by zlib, in base64. Equal content gives equal text."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def _facts(number: Number) -> dict[str, Any]:
    """Return what is said of one number, without what says nothing."""
    is_known = number.membership in (None, VERIFIED)
    facts = {
        "id": number.id,
        "name": plain_name(number),
        "value": number.value,
        "limits": [number.low, number.high] if number.has_limits else None,
        "unit": number.unit if number.unit not in (PURE, number.metric) else None,
        "pointer": number.pointer,
        "members": None if is_known else number.membership,
        "mark": TAIL if number.tail_too_small else None,
    }
    return {key: fact for key, fact in facts.items() if fact is not None}


def _job(record: Record) -> dict[str, Any]:
    return {
        "command": " ".join(record.command),
        "params": record.params,
        "read": record.inputs,
        "made": record.outputs,
    }
