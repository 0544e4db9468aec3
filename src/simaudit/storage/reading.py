"""The one refusal of a file that is missing or damaged."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simaudit.vocabulary.errors import FileError, SimauditError, is_out_of_memory

LONGEST_REASON = 200  # characters; a library's message may fill a screen


@contextmanager
def reading(path: Path, kind: str, remedy: str = "") -> Iterator[None]:
    """Read a result file within this context: a file that is missing or damaged is one line that says what to do.

    `kind` says what the file then is not, such as "a whole score file". `remedy` is what to do with a file that no job
    makes, or not alone.
    """
    try:
        yield
    except SimauditError:
        raise
    except FileNotFoundError:
        make = remedy or f"make it with: snakemake --cores all {path}"
        raise FileError(f"{path}: missing; {make}") from None
    except Exception as error:  # libraries raise many kinds for a damaged file
        if is_out_of_memory(error):
            raise
        if isinstance(error, PermissionError) or (path.exists() and not os.access(path, os.R_OK)):
            raise FileError(f"{path}: must not be read; change its permissions") from None
        why = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
        raise FileError(f"{path}: not {kind} ({why}); {remedy or 'delete it and run again'}") from None
