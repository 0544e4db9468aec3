"""The errors that are meant for the user, and how to know one that comes from too little memory."""

from collections.abc import Collection
from itertools import islice

NO_MEMORY = ("allocate memory", "unable to allocate", "out of memory", "bad_alloc", "alloc_failed")
"""What torch, CUDA, numpy and the system write, in lower case, where they get no more memory."""


class SimauditError(Exception):
    """An error that the user can mend: one line that names the file or key, says what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class FileError(SimauditError):
    """A file that is missing or damaged, or that cannot be read or written: no parameter is wrong."""


class KnobError(SimauditError):
    """An error in the value at a key of some entry of params.yaml; whoever knows the entry puts its own key before."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key, self.why = key, why


def printable(name: str) -> str:
    """Return a name of a file, a column or the like as a line shows it: quoted where it cannot be printed."""
    return name if name and name.isprintable() else repr(name)


def some(names: Collection[object], most: int) -> str:
    """Return names as an error lists them, not all where they are more than `most`, and always within one line."""
    texts = (printable(str(name)) for name in islice(names, most))
    return ", ".join(texts) + (f" and {len(names) - most} more" if len(names) > most else "")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there is too little memory, of the machine or of its GPU.

    numpy and Arrow raise a MemoryError; torch raises a RuntimeError, and the system, which maps files, an OSError.
    """
    says_so = any(words in str(error).lower() for words in NO_MEMORY)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError | OSError) and says_so)
