"""JSON files: equal values give equal text, and a file is whole or absent."""

import json
from pathlib import Path
from typing import Any

from simaudit.storage.atomic import atomic_path
from simaudit.storage.reading import reading


def canonical_json(value: Any) -> str:
    """Return JSON text that is the same for equal values: sorted keys, two spaces, a newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as canonical JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(canonical_json(value), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises SimauditError when it is missing or not valid JSON."""
    with reading(path, "valid JSON"):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
