"""How much memory a model needs, as far as that follows from the data."""

from simaudit.vocabulary.job import Job


def model_mb(job: Job) -> float:
    """Return how much memory a job needs that runs a model: images are read batch by batch, but for the closed form."""
    return 4000 + (5 * job.read_mb("images") if job.params["kind"] == "optimal" else 0)
