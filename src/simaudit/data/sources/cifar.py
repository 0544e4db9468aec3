"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their original Python batches, unpacked or as the .tar.gz."""

import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simaudit.data.source import Item, Source, given_files
from simaudit.data.sources._batch import read_batch, read_names
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import FileError
from simaudit.vocabulary.knobs import GivenPath

ARCHIVES = (".tar.gz", ".tgz", ".tar")
BATCHES = {
    "cifar-10": {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]},
    "cifar-100": {"train": ["train"], "test": ["test"]},
}
LABELS = {
    ("cifar-10", "fine"): ("labels", 10),
    ("cifar-100", "fine"): ("fine_labels", 100),
    ("cifar-100", "coarse"): ("coarse_labels", 20),
}
"""The key of the labels in a batch, and how many classes they are of."""
NAMES = {
    ("cifar-10", "fine"): ("batches.meta", "label_names"),
    ("cifar-100", "fine"): ("meta", "fine_label_names"),
    ("cifar-100", "coarse"): ("meta", "coarse_label_names"),
}
"""The file beside the batches that has the names of the classes, and their key in it."""
KIND = "a whole batch of CIFAR"
REMEDY = "name the folder of the original batches, or their .tar.gz"


class Cifar(Source):
    """The 32×32 colour images of the batches, in the usual order: those to train by batch and row, then those to test.

    So the images to train have the sample_ids 0 to 49 999 that published splits name, such as SecMI's. `origin` is
    train or test. `file` is <batch>/<file name in the batch>; where a batch has a name again, ~2, ~3, … follows it.
    `labels` are the 100 fine classes of CIFAR-100 or its 20 coarse ones. Classes have the names of the file
    `batches.meta` (`meta` of CIFAR-100), where it lies beside the batches.
    """

    source: Literal["cifar"]
    path: GivenPath
    dataset: Literal["cifar-10", "cifar-100"]
    part: Literal["train", "test", "all"] = "all"
    labels: Literal["fine", "coarse"] = "fine"

    @model_validator(mode="after")
    def _has_such_labels(self) -> "Cifar":
        if self.dataset == "cifar-10" and self.labels == "coarse":
            raise PydanticCustomError("labels", "has no coarse labels in cifar-10; leave labels out")
        return self

    @property
    def given(self) -> tuple[Path, ...]:
        if self.path.endswith(ARCHIVES):
            return given_files(self.path)
        named = Path(self.path) / NAMES[self.dataset, self.labels][0]
        batches = (Path(self.path) / name for _, name in self._batches)
        return given_files(*batches, named if named.is_file() else None)

    def items(self) -> Iterator[Item]:
        """Yield the images, one batch in memory at a time. Raises FileError when a batch is missing or damaged."""
        key, classes = LABELS[self.dataset, self.labels]
        class_names = self._class_names(classes)
        for origin, batch in self._batches:
            with _opened(Path(self.path), batch) as (named, stream):
                images, labels, names = read_batch(stream, named, key, classes)
            seen = Counter[str]()
            for pixels, label, name in zip(images, labels, names, strict=True):
                seen[name] += 1
                again = f"~{seen[name]}" if seen[name] > 1 else ""
                file = f"{batch}/{name}{again}"
                yield Item(pixels, file, label, origin=origin, class_name=class_names[label])

    def _class_names(self, classes: int) -> Sequence[str | None]:
        """Return the names of so many classes; None for each where their file does not lie beside the batches."""
        file, key = NAMES[self.dataset, self.labels]
        try:
            with _opened(Path(self.path), file) as (named, stream):
                return read_names(stream, named, key, classes)
        except NotThereError:
            return [None] * classes

    @property
    def _batches(self) -> list[tuple[str, str]]:
        """The part and the name of each batch, in order."""
        parts = BATCHES[self.dataset]
        return [(part, name) for part, names in parts.items() if self.part in (part, "all") for name in names]


class NotThereError(FileError):
    """A file that neither a folder nor an archive has."""


@contextmanager
def _opened(path: Path, batch: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open a batch of a folder or of an archive, of which nothing is unpacked to disk; with it stands its name.

    Raises NotThereError when there is none, and FileError when it turns out to be damaged within the context.
    """
    if not path.name.endswith(ARCHIVES):
        file = path / batch
        if not file.exists():
            raise NotThereError(f"{file}: missing; {REMEDY}")
        with reading(file, KIND, REMEDY), file.open("rb") as stream:
            yield str(file), stream
        return
    with reading(path, "a whole archive of batches of CIFAR", REMEDY), tarfile.open(path) as archive:
        member = next((file for file in archive if file.isfile() and Path(file.name).name == batch), None)
        content = archive.extractfile(member) if member else None
        if member is None or content is None:
            raise NotThereError(f"{path}: has no {batch}; {REMEDY}")
        named = f"{path}: {member.name}"
        with reading(Path(named), KIND, REMEDY):
            yield named, content
