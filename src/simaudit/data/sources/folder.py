"""Pictures in a folder, at any depth, in any of the usual formats."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simaudit.data.given_table import TableFile, read_given_table
from simaudit.data.pictures.conversion import pixels
from simaudit.data.pictures.decoding import PictureError
from simaudit.data.pictures.files import PictureFile, named_pictures, picture_data, picture_files
from simaudit.data.pictures.knobs import PictureKnobs
from simaudit.data.pictures.metadata import Known, read_metadata
from simaudit.data.source import Item, Unusable, given_files
from simaudit.vocabulary.errors import KnobError, SimauditError, named
from simaudit.vocabulary.knobs import GivenPath


class Folder(PictureKnobs):
    """Every picture below the folder `path`.

    Its label is the first folder below `path` that it lies in, or stands in the table `metadata`, or there is none.
    Captions and origins stand in that table too. With a table `only`, nothing is read or hashed but the pictures that
    its column file names; `metadata` may then list others.
    """

    source: Literal["folder"]
    path: GivenPath
    labels: Literal["folders", "metadata", "none"] = "none"
    metadata: TableFile | None = None
    only: TableFile | None = None

    @model_validator(mode="after")
    def _has_the_labels(self) -> "Folder":
        if self.labels == "metadata" and self.metadata is None:
            raise PydanticCustomError("labels", "labels: metadata needs the key metadata; name a table there")
        return self

    @property
    def given(self) -> tuple[Path, ...]:
        if self.only is None:
            return (Path(self.path), *given_files(self.metadata))
        try:
            pictures = [file.path for file in self._chosen(self.only)]
        except SimauditError:  # whoever reads it says what is wrong with it
            pictures = []
        return (*given_files(self.only, self.metadata), *pictures)

    def items(self) -> Iterator[Item | Unusable]:
        folder = Path(self.path)
        if not folder.is_dir():
            raise KnobError("path", f"{self.path} is no folder; name one that is there")
        files = picture_files(folder) if self.only is None else self._chosen(self.only)
        known = self._known([file.name for file in files if not file.why_not])
        for file in files:
            yield self._item(file, known)

    def _chosen(self, only: str) -> list[PictureFile]:
        """Return the pictures that a table names. Raises SimauditError when it is none, or names one twice."""
        table = read_given_table(Path(only), ["file"])
        table.require(["file"])
        names = [name or "" for name in table.columns["file"]]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if mistakes := [*table.mistakes, *named("listed twice", twice)]:
            raise SimauditError(f"{only}: must name each picture once; {'; '.join(mistakes)}")
        return named_pictures(Path(self.path), names)

    def _known(self, names: list[str]) -> Mapping[str, Known]:
        if self.metadata:
            known = read_metadata(
                Path(self.metadata), names, self.labels == "metadata", of_more=self.only is not None
            )
        else:
            known = {name: {} for name in names}
        if self.labels == "folders":
            classes = {name: name.split("/")[0] for name in names if "/" in name}
            numbers = {folder: number for number, folder in enumerate(sorted(set(classes.values())))}
            for name, folder in classes.items():
                known[name] |= {"label": numbers[folder], "class_name": folder}
        return known

    def _item(self, file: PictureFile, known: Mapping[str, Known]) -> Item | Unusable:
        if file.why_not:
            return Unusable(file.name, file.why_not)
        if self.labels == "folders" and "/" not in file.name:
            return Unusable(file.name, "lies in no folder of a class; move it into one, or set labels: none")
        try:
            return Item(pixels(picture_data(file.path), self), file.name, **known[file.name])
        except PictureError as error:
            return Unusable(file.name, str(error))
