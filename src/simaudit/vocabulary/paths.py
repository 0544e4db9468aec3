"""Where things are: results under results/ by the name that figures and comparisons read them by; published numbers."""

from pathlib import Path

PUBLISHED = Path(__file__).parents[1] / "evaluation/comparison/papers"
"""The folder of numbers from papers, CSV."""

TARGET_FILES = {
    "summary": "evaluation/{target}.json",
    "table": "evaluation/{target}.parquet",
    "selected": "evaluation/selected/{target}.parquet",
    "permutation": "evaluation/permutation/{target}.json",
    "profiles": "evaluation/profiles/{target}.parquet",
    "quality": "evaluation/quality/{target}.json",
    "gallery": "samples/shown/{target}.npz",
}
"""Of one target."""

RUN_FILES = {
    "numbers": "numbers.json",
    "line": "theory/line.parquet",
    "field": "theory/field.parquet",
}
"""Of all targets together."""

LOGS = Path("results/logs")


def job_of(log: Path) -> str:
    """Return the name of the job that writes a log: results/logs/score/net/sima.log is that of "score net/sima"."""
    job = log.relative_to(LOGS) if log.is_relative_to(LOGS) else Path(log.name)
    return job.with_suffix("").as_posix().replace("/", " ", 1)
