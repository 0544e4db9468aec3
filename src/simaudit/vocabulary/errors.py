"""The errors that are meant for the user, and how to know one that comes from too little memory."""

from collections.abc import Collection, Iterable, Sequence

NO_MEMORY = ("allocate memory", "unable to allocate", "out of memory", "bad_alloc", "alloc_failed")
"""What torch, CUDA, numpy and the system write, in lower case, where they get no more memory."""
NAMED = 20  # names that a line lists
LONGEST_VALUE = 60  # characters of a value that a line shows
LONGEST_NAME = 500  # characters of a name, such as a path, that a line shows as it is


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


class EntryError(SimauditError):
    """An error that a job finds in its own entry of the parameters, or in a value of it, at these keys.

    A job does not know which file its entry stands in; whoever runs it does, and names that file.
    """

    def __init__(self, keys: Sequence[str], why: object, file: str = "params.yaml") -> None:
        super().__init__(f"{file}: {'.'.join(keys)}: {why}")
        self.keys, self.why = keys, why


def shown(value: object) -> str:
    """Return a value as a line shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def printable(name: str) -> str:
    """Return a name of a file, a key or the like as a line shows it: as it is, or quoted and cut.

    It is quoted where it cannot be printed, is empty or very long, or has spaces around it.
    """
    is_plain = name and name.isprintable() and name == name.strip() and len(name) <= LONGEST_NAME
    return name if is_plain else shown(name)


def some(names: Iterable[object], most: int = NAMED) -> str:
    """Return names as an error lists them, in their order: none, or no more than `most`, and always in one line."""
    texts = list(map(str, names))
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(map(printable, texts[:most])) + more or "none"


def named(what: str, names: Collection[object], count: str = "", most: int = NAMED) -> list[str]:
    """Return the clause about what is wrong in one way, how many, and which, or no clause where nothing is."""
    return [f"{what} ({count or len(names)}): {some(names, most)}"] if names else []


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there is too little memory, of the machine or of its GPU.

    numpy and Arrow raise a MemoryError; torch raises a RuntimeError, and the system, which maps files, an OSError.
    """
    says_so = any(words in str(error).lower() for words in NO_MEMORY)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError | OSError) and says_so)
