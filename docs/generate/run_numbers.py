"""The numbers of the default run that README.md and docs/ mention.

A page writes a number between two comments, `<!--digits-ddpm.sima.auc-->0.924 [0.907, 0.941]<!--/-->`, which no reader
sees: its id in results/numbers.json, and then its value, or its value and its limits. As many decimals are kept as are
there, and a value before " %" is written in percent. `make doc-numbers` takes the numbers of results/numbers.json
into docs/numbers.json, which has those that pages mention and no others, and writes them into the pages; it copies the
run's picture that they show, too. A test fails while a page says something else than docs/numbers.json.

An AUC that a figure alone has is named by the figure's CSV and what the columns of its row hold:
`digits-ddpm/norms.csv:norm=2,selected_in_variant=True`.
"""

import csv
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRACT = ROOT / "docs/numbers.json"
PICTURE = "metrics_over_time.png"
MARKED = re.compile(r"<!--(?P<id>[^ <>]+\.[^ <>]+)-->(?P<text>[^<]*)<!--/-->")
NUMBER = re.compile(r"[−-]?\d+(?:\.(?P<decimals>\d+))?")

Numbers = Mapping[str, list[float | None]]
"""Value, low and high of each number, by its id."""


def pages() -> list[Path]:
    """Return the files that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def mentioned() -> set[str]:
    """Return the ids of all numbers that pages mention."""
    return {found["id"] for page in pages() for found in MARKED.finditer(page.read_text(encoding="utf-8"))}


def written(text: str, numbers: Numbers) -> str:
    """Return a page with the numbers that it mentions."""

    def number(found: re.Match[str]) -> str:
        text, values = found["text"], iter(numbers[found["id"]])
        scale = 100 if text.endswith("%") else 1
        said = NUMBER.sub(
            lambda old: _rounded(scale * float(next(values) or 0), len(old["decimals"] or "")), text
        )
        return f"<!--{found['id']}-->{said}<!--/-->"

    return MARKED.sub(number, text)


def _rounded(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def read(file: Path) -> dict[str, list[float | None]]:
    """Return the numbers of docs/numbers.json."""
    found: dict[str, list[float | None]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def drawn(id: str, figures: Path) -> list[float | None]:
    """Return an AUC with its limits, of the one row that an id names, in a CSV under a folder of figures."""
    file, _, named = id.partition(":")
    wanted = dict(pair.split("=") for pair in named.split(","))
    with (figures / file).open(encoding="utf-8", newline="") as table:
        (row,) = (row for row in csv.DictReader(table) if wanted.items() <= row.items())
    return [float(row[key]) for key in ("auc", "auc_low", "auc_high")]


def main() -> None:
    results = ROOT / "results"
    ledger = json.loads((results / "numbers.json").read_text(encoding="utf-8"))
    numbers = {
        id: drawn(id, results / "figures")
        if ".csv:" in id
        else [ledger[id][key] for key in ("value", "low", "high")]
        for id in sorted(mentioned())
    }
    lines = ",\n".join(f" {json.dumps(id)}: {json.dumps(values)}" for id, values in numbers.items())
    EXTRACT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    for page in pages():
        page.write_text(written(page.read_text(encoding="utf-8"), numbers), encoding="utf-8")
    shutil.copyfile(results / "figures/digits-ddpm" / PICTURE, ROOT / "docs" / PICTURE)


if __name__ == "__main__":
    main()
