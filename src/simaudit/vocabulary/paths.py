"""Where files are: results under results/, by the name that figures and comparisons read them by; published numbers."""

from pathlib import Path

PUBLISHED = Path(__file__).parents[1] / "evaluation/comparison/papers"
"""The folder of numbers from papers, CSV."""

RUN = "run"
"""The folder of the figures and tables of all targets together, beside those of each; no target may have this name."""

TARGET_FILES = {
    "summary": "evaluation/{target}.json",
    "table": "evaluation/{target}.parquet",
    "selected": "evaluation/selected/{target}.parquet",
    "permutation": "evaluation/permutation/{target}.json",
    "profiles": "evaluation/profiles/{target}.parquet",
    "quality": "evaluation/quality/{target}.json",
    "gallery": "samples/shown/{target}.npz",
}
"""The files of one target."""

RUN_FILES = {
    "numbers": "numbers.json",
    "published": "comparison/published.json",
    "line": "theory/line.parquet",
    "field": "theory/field.parquet",
}
"""The files of all targets together."""
