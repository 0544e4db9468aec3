"""How much memory a model needs, as far as that follows from the data."""

from pathlib import Path

from simaudit.storage.json import read_json
from simaudit.targets.files import SUMMARY
from simaudit.vocabulary.job import Job

OF_WEIGHTS = 3
"""How often weights are in memory while they are loaded: as they are, and in the network, which doubles half ones."""


def model_mb(job: Job) -> float:
    """Return how much memory a job needs that runs a model: images are read batch by batch, but for the closed form."""
    images = 5 * job.read_mb("images") if job.params["kind"] == "optimal" else 0
    return 4000 + images + OF_WEIGHTS * _elsewhere_mb(job)


def _elsewhere_mb(job: Job) -> float:
    """Return how large the files of the job's target are, in MB, that lie elsewhere, as far as it says so already."""
    summary = job.input("target") / SUMMARY if "target" in job.reads else None
    if summary is None or not summary.is_file():
        return 0
    places = map(Path, read_json(summary).get("places", {}).values())
    return sum(file.stat().st_size for file in places if file.is_file()) / 1e6
