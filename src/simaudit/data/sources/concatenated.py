"""Several sources as one dataset, such as one that the members come from and one that the held-out images come from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from simaudit.data.source import Item, Source, SourceEntry, Unusable
from simaudit.vocabulary.errors import FileError, SimauditError
from simaudit.vocabulary.knobs import Name


class Concatenated(Source):
    """The images of each source under `of`, one source after the other in the alphabetical order of their names.

    `origin` is the name of the source under `of`. `file` is <name>/<file of the source>, where the source names no
    files <name>/<number of the image in the source, from 0>.
    """

    source: Literal["concatenated"]
    of: Annotated[dict[Name, SourceEntry], Field(min_length=1)]

    @property
    def given(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(path for part in self.of.values() for path in part.given))

    @property
    def plugins(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys([*super().plugins, *(own for part in self.of.values() for own in part.plugins)])
        )

    def items(self) -> Iterator[Item | Unusable]:
        """Yield the images of every source. What a source raises names it."""
        for name, part in sorted(self.of.items()):
            try:
                for number, entry in enumerate(part.items()):
                    file = f"{name}/{number if entry.file is None else entry.file}"
                    named = replace(entry, file=file)
                    yield replace(named, origin=name) if isinstance(named, Item) else named
            except FileError:
                raise  # no parameter is wrong
            except SimauditError as error:
                raise SimauditError(f"of.{name}: {error}") from None
