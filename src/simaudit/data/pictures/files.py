"""The picture files below a folder, in an order that depends on nothing of the machine."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simaudit.data.pictures.decoding import EXTENSIONS, PictureError
from simaudit.data.source import composed, decomposed
from simaudit.machine.progress import log
from simaudit.storage.walk import files_below, name_of
from simaudit.vocabulary.errors import SimauditError, printable


@dataclass(frozen=True)
class PictureFile:
    """A picture file, its POSIX path relative to the folder, in Unicode's form NFC, and why that is no name for it."""

    path: Path
    name: str
    why_not: str | None = None


def picture_files(folder: Path) -> list[PictureFile]:
    """Return the files at any depth whose extension, in any case, is that of a picture; hidden ones are passed over.

    They are sorted by the code points of their names with the extension in lower case. Links to files and folders are
    followed, but not where they lead back to a folder that they lie in. Raises SimauditError when a folder cannot be
    read or there is no picture.
    """
    found, others = list[tuple[str, Path]](), Counter[str]()
    try:
        for path in files_below(folder):
            if path.suffix.lower() in EXTENSIONS:
                found.append((composed(name_of(path.relative_to(folder))), path))
            else:
                others[path.suffix.lower() or "without an extension"] += 1
    except OSError as error:
        name = printable(str(error.filename))
        raise SimauditError(f"the folder {name} cannot be read ({error.strerror}); let it be read") from None
    if not found:
        raise SimauditError(
            f"{folder} has no pictures ({', '.join(EXTENSIONS)}); name a folder that has some"
        )
    if others:
        kinds = ", ".join(f"{count} {printable(kind)}" for kind, count in sorted(others.items()))
        log.info("%s: passed over what is no picture: %s", folder, kinds)
    return _in_order(found)


def named_pictures(folder: Path, names: Iterable[str]) -> list[PictureFile]:
    """Return the files of these names below a folder, whether they are there or not, in the order of `picture_files`.

    The accents of a name may be composed or not, as they are on disk or otherwise.
    """
    return _in_order([(composed(name), _on_disk(folder, name)) for name in names])


def _on_disk(folder: Path, name: str) -> Path:
    forms = [folder / form for form in (name, composed(name), decomposed(name))]
    return next((path for path in forms if os.path.lexists(path)), forms[0])


def picture_data(path: Path) -> bytes:
    """Return the content of a picture file. Raises PictureError when it cannot be read."""
    if not path.is_file():  # reading a pipe would wait for ever
        raise PictureError("is a link to nothing, or no file; replace or remove it")
    try:
        return path.read_bytes()
    except PermissionError:
        raise PictureError("must not be read; change its permissions") from None
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror}); replace or remove it") from None


def _in_order(found: Iterable[tuple[str, Path]]) -> list[PictureFile]:
    seen, files = set[str](), []
    for name, path in sorted(found, key=_place):
        files.append(PictureFile(path, name, _why_not(name, seen)))
        seen.add(name)
    return files


def _place(named: tuple[str, Path]) -> tuple[str, bytes]:
    name, path = named
    extension = PurePosixPath(name).suffix
    return name.removesuffix(extension) + extension.lower(), os.fsencode(path)


def _why_not(name: str, seen: set[str]) -> str | None:
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        return "has a name that is not UTF-8; rename it"
    if name in seen:
        return "has the name of another file, its letters composed in another way; rename one of them"
    return None
