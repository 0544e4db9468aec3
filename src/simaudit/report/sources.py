"""Where each printed number is from: the file, the place in it, the job that wrote it, and how to make it again."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.evaluation.ledger import Ledger

STAMP_OF = {
    "evaluation/blind": "blind/{name}",
    "evaluation/quality": "quality/{name}",
    "evaluation/differences": "evaluate/{name}",
    "evaluation/epochs": "evaluate/{name}",
    "evaluation/permutation": "evaluate/{name}",
    "evaluation": "evaluate/{name}",
    "comparison": "compare",
}
"""By folder under results/, the stamp of the job that wrote its files; `cost/<target>` is that of scoring."""


@dataclass(frozen=True)
class Source:
    """One result file. `numbers` are those of it that are printed, by id; `params` is JSON, empty if not known."""

    anchor: str
    path: str
    sha256: str
    params: str
    numbers: Mapping[str, Mapping[str, Any]]

    @property
    def command(self) -> str:
        """What makes the file, if it is missing or no longer holds."""
        return f"snakemake --cores all {self.path}"


def sources(ledger: Ledger, printed: Iterable[str], root: Path) -> list[Source]:
    """The files that the numbers with these ids are from, in the order of their names; `root` is results/."""
    by_file: dict[str, list[str]] = {}
    for name in sorted(set(printed)):
        by_file.setdefault(ledger.numbers[name]["source"], []).append(name)
    return [
        Source(
            f"source-{place}",
            path,
            ledger.numbers[names[0]]["source_sha256"],
            _params(path, root),
            {name: ledger.numbers[name] for name in names},
        )
        for place, (path, names) in enumerate(sorted(by_file.items()), start=1)
    ]


def _params(source: str, root: Path) -> str:
    path = Path(source)
    folder = path.parent.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    scoring = re.sub("^cost/(.+)$", r"score/\1/{name}", folder)
    stamp = root / "params" / f"{STAMP_OF.get(folder, scoring).format(name=path.stem)}.json"
    if not stamp.is_file():
        return ""
    params = json.loads(stamp.read_text(encoding="utf-8"))["params"]
    return json.dumps(params, indent=2, sort_keys=True, ensure_ascii=False)
