"""How much memory a job needs that scores."""

from simaudit.attacks.attack import attack_type
from simaudit.attacks.learning_attack import LearningAttack
from simaudit.targets.memory import model_mb
from simaudit.vocabulary.job import Job

COPIES = 4
"""How often the maps of one timestep are in memory where a network learns of them: those of the calibration fold, what
is taken from them for their deviation, and, twice while it is made, what is standardised."""
OF_FLOAT = 4
"""Bytes of a number in a map; of an image as it is stored, one number is a byte or more."""


def score_mb(job: Job) -> float:
    """Return how much memory a job needs that runs a model, and what an attack needs besides that learns from maps.

    The maps of all timesteps wait in a file; they are as large as the images, or smaller where these are encoded.
    """
    learns = issubclass(attack_type(job.params["attack_kind"]), LearningAttack)
    return model_mb(job) + (COPIES * OF_FLOAT * job.read_mb("images") if learns else 0)
