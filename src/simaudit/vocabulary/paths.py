"""Where files are: those under results/ by the name that figures and comparisons use, and the published numbers."""

from pathlib import Path

PUBLISHED = Path(__file__).parents[1] / "evaluation/comparison/papers"
"""The folder of numbers from papers, as CSV files."""

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
    "line": "theory/line.parquet",
    "field": "theory/field.parquet",
}
"""The files of all targets together."""
