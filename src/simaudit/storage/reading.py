"""The one refusal of a result file that is missing or damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simaudit.vocabulary.errors import SimauditError


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Read a result file within this context: a file that is missing or damaged is one line that says what to do.

    `kind` says what the file then is not, such as "a whole score file".
    """
    try:
        yield
    except (SimauditError, MemoryError):
        raise
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; make it with: snakemake --cores all {path}") from None
    except PermissionError:
        raise SimauditError(f"{path}: must not be read; change its permissions") from None
    except Exception as error:  # libraries raise many kinds for a damaged file
        why = " ".join(str(error).split()) or type(error).__name__
        raise SimauditError(f"{path}: not {kind} ({why}); delete it and run again") from None
