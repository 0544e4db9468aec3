"""The largest memory that this process has taken."""

import resource
import sys

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss


def peak_memory() -> int:
    """Return the largest resident memory so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
