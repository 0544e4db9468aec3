"""Datasets in the formats of Hugging Face's library `datasets`: in local files, or on the Hub at a pinned revision."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simaudit.data.pictures.conversion import pixels
from simaudit.data.pictures.decoding import PictureError
from simaudit.data.pictures.files import picture_data
from simaudit.data.pictures.knobs import PictureKnobs
from simaudit.data.pictures.labels import Label, numbered
from simaudit.data.pictures.library import imported, local_files
from simaudit.data.source import Item, Unusable, composed
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import KnobError, printable, some
from simaudit.vocabulary.knobs import GivenPath

Column = Annotated[str, Field(min_length=1, max_length=255)]
Labels = Callable[[Any], Label]


class HuggingFace(PictureKnobs):
    """The split `split` of a dataset that the library `datasets` reads, its pictures decoded as those of `folder`.

    `path` is a file or a folder in one of the formats, or, with `download: true`, a dataset's name on the Hub, of which
    `revision` pins the commit. Without it, nothing is asked of any network. `image` names the column of pictures, if
    there are several; `label` and `caption` those of labels and captions, if they shall be kept. `file` names the
    column of a text that is different for every image; the column of pictures stands for the file names that are stored
    with them. In the format imagefolder a file is known by its path below the folder anyway.
    """

    source: Literal["huggingface"]
    path: GivenPath
    format: Literal["imagefolder", "parquet", "arrow", "webdataset"] | None = None
    split: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=255)] = "train"
    image: Column | None = None
    label: Column | None = None
    caption: Column | None = None
    file: Column | None = None
    download: bool = False
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None

    @model_validator(mode="after")
    def _is_local_or_pinned(self) -> "HuggingFace":
        if self.download and self.revision is None:
            raise PydanticCustomError(
                "pinned", "download: true needs a revision; name a commit of the dataset"
            )
        if not self.download and self.revision is not None:
            raise PydanticCustomError("pinned", "revision needs download: true; a local path has none")
        if self.download and self.format is not None:
            raise PydanticCustomError("format", "download: true takes no format; the Hub knows it")
        if not self.download and self.format is None:
            raise PydanticCustomError(
                "format", "needs a format; set imagefolder, parquet, arrow or webdataset"
            )
        return self

    @property
    def given(self) -> tuple[Path, ...]:
        return () if self.download else (Path(self.path),)

    def items(self) -> Iterator[Item | Unusable]:
        path = Path(self.path)
        if path.exists() == self.download:
            why = "is on this machine; remove download: true" if self.download else "is not there; correct it"
            raise KnobError("path", f"{self.path} {why}")
        kind = f"what the library datasets reads as {self.format or 'a dataset'}"
        with TemporaryDirectory() as cache, reading(path, kind, "correct path, format, split or the file"):
            dataset, image = self._opened(cache)
            label_of = self._labels(dataset)
            seen = set[str]()
            for row, values in enumerate(dataset):
                yield self._item(row, values, image, label_of, seen)

    def _opened(self, cache: str) -> tuple[Any, str]:
        """Return the dataset, which reads its rows where they are iterated over, and the column of pictures."""
        library = imported(self.download, cache)
        if self.format:
            where = local_files(library, self.format, self.path, self.split)
        else:
            where = {"path": self.path, "revision": self.revision}
        dataset = library.load_dataset(**where, split=self.split, streaming=True, cache_dir=cache)
        columns = dataset.features or {}
        chosen = {key: getattr(self, key) for key in ("image", "label", "caption", "file")}
        if self.image is None:
            pictures = [name for name, feature in columns.items() if isinstance(feature, library.Image)]
            if len(pictures) != 1:
                raise KnobError("image", f"name the column of pictures; the columns are {some(columns)}")
            chosen["image"] = pictures[0]
        names = list(dict.fromkeys(name for name in chosen.values() if name))
        for key, name in chosen.items():
            if name is not None and name not in columns:
                raise KnobError(key, f"there is no column {printable(name)}; the columns are {some(columns)}")
        image = chosen["image"]
        if not _may_hold_pictures(columns[image]):
            raise KnobError("image", f"the column {printable(image)} holds no pictures; name one that does")
        return dataset.select_columns(names).cast_column(image, library.Image(decode=False)), image

    def _labels(self, dataset: Any) -> Labels:
        """Return the function that numbers a label: texts by their place among all, for which they are read first."""
        if self.label is None:
            return lambda _: Label()
        feature = dataset.features[self.label]
        if hasattr(feature, "names"):
            return lambda value: _of_class(value, feature.names)
        if getattr(feature, "dtype", "").startswith(("int", "uint")):
            return lambda value: numbered([value])[value]
        labels = numbered(row[self.label] for row in dataset.select_columns([self.label]))
        return lambda value: Label() if value != value else labels[value]  # NaN is no key

    def _item(
        self, row: int, values: Mapping[str, Any], image: str, label_of: Labels, seen: set[str]
    ) -> Item | Unusable:
        picture = values[image] or {}
        file = self._file(values, picture)
        if file is not None and file in seen:
            return Unusable(file, "is the name of an earlier image too; name another column in file")
        if file is not None:
            seen.add(file)
        label, caption = (values[key] if key else None for key in (self.label, self.caption))
        text = None if caption is None else str(caption)
        try:
            number, name = label_of(label)
            return Item(pixels(self._data(picture), self), file, number, text, class_name=name)
        except PictureError as error:
            return Unusable(file or f"row {row}", str(error))

    def _file(self, values: Mapping[str, Any], picture: Mapping[str, Any]) -> str | None:
        if self.format == "imagefolder":
            return composed(Path(picture["path"]).relative_to(Path(self.path).resolve()).as_posix())
        value = values[self.file] if self.file else None
        name = value.get("path") if isinstance(value, Mapping) else value
        return None if name is None else str(name)

    def _data(self, picture: Mapping[str, Any]) -> bytes:
        """Return the bytes of a picture, which stand in a file of their own in an imagefolder alone."""
        data, path = (picture.get(key) for key in ("bytes", "path"))
        if data is None and path is not None:
            if self.format == "imagefolder":
                return picture_data(Path(path))
            raise PictureError("is the path of a picture and not the picture; store the pictures themselves")
        if data is None:
            raise PictureError("has no picture; remove the row")
        return bytes(data)


def _of_class(value: int | None, names: Sequence[str]) -> Label:
    """Return a label of a column of classes, in which -1 stands for none."""
    number = None if value == -1 else numbered([value])[value].number
    return Label(number, names[number] if number is not None and number < len(names) else None)


def _may_hold_pictures(feature: Any) -> bool:
    """Return whether a column can be read as pictures: it is known to, or has bytes, alone or beside a file name."""
    is_bytes = getattr(feature, "dtype", None) in ("PIL.Image.Image", "binary", "large_binary")
    return is_bytes or (isinstance(feature, Mapping) and "bytes" in feature)
