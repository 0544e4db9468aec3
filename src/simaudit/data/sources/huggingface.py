"""Datasets in the formats of Hugging Face's library `datasets`: in local files, or on the Hub at a pinned revision."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal
from unicodedata import normalize

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simaudit.data.pictures.conversion import pixels
from simaudit.data.pictures.decoding import PictureError
from simaudit.data.pictures.knobs import PictureKnobs
from simaudit.data.pictures.labels import label_numbers
from simaudit.data.source import Item, Unusable
from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import KnobError, printable
from simaudit.vocabulary.knobs import GivenPath

Column = Annotated[str, Field(min_length=1, max_length=255)]
Numbers = Callable[[Any], int | None]
ROWS_AT_ONCE = 100  # of a Parquet file: memory is bounded by them and not by its row groups
ENDINGS = {"parquet": ".parquet", "arrow": ".arrow", "webdataset": ".tar"}


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
            raise KnobError("path", f"{printable(self.path)} {why}")
        if "::" in self.path:
            raise KnobError(
                "path", "the library datasets takes :: for a place inside an archive; rename the folder"
            )
        kind = f"what the library datasets reads as {self.format or 'a dataset'}"
        with TemporaryDirectory() as cache, reading(path, kind, "correct path, format, split or the file"):
            dataset, image = self._opened(cache)
            number_of = self._numbers(dataset)
            seen = set[str]()
            for row, values in enumerate(dataset):
                yield self._item(row, values, image, number_of, seen)

    def _opened(self, cache: str) -> tuple[Any, str]:
        """Return the dataset, which reads its rows where they are iterated over, and the column of pictures."""
        library = _library(self.download, cache)
        where = self._on_the_hub() if self.download else self._here(library)
        dataset = library.load_dataset(**where, split=self.split, streaming=True, cache_dir=cache)
        columns = dataset.features or {}
        chosen = {key: getattr(self, key) for key in ("image", "label", "caption", "file")}
        if self.image is None:
            pictures = [name for name, feature in columns.items() if isinstance(feature, library.Image)]
            if len(pictures) != 1:
                raise KnobError("image", f"name the column of pictures; the columns are {_listed(columns)}")
            chosen["image"] = pictures[0]
        names = list(dict.fromkeys(name for name in chosen.values() if name))
        for key, name in chosen.items():
            if name is not None and name not in columns:
                raise KnobError(
                    key, f"there is no column {printable(name)}; the columns are {_listed(columns)}"
                )
        image = chosen["image"]
        if not _may_hold_pictures(columns[image]):
            raise KnobError("image", f"the column {printable(image)} holds no pictures; name one that does")
        return dataset.select_columns(names).cast_column(image, library.Image(decode=False)), image

    def _on_the_hub(self) -> dict[str, Any]:
        return {"path": self.path, "revision": self.revision}

    def _here(self, library: Any) -> dict[str, Any]:
        """Return what `load_dataset` is told of local files. Those of a folder belong to splits by their names."""
        if Path(self.path).is_file():
            return self._in([self.path])
        base, names = escape(Path(self.path).resolve().as_posix()), library.data_files
        try:
            patterns = names.get_data_patterns(base)
        except FileNotFoundError:
            raise KnobError("path", f"{printable(self.path)} has no files; name another folder") from None
        if self.split not in patterns:
            splits = _listed(map(str, patterns))
            raise KnobError("split", f"there is no split {self.split}; the splits are {splits}")
        if self.format == "imagefolder":
            return {"path": self.format, "data_dir": base}
        files = names.DataFilesDict.from_patterns(patterns, base_path=base)[self.split]
        ending = ENDINGS[str(self.format)]
        few = [file for file in files if file.endswith(ending)]
        if not few:
            why = f"{printable(self.path)} has no files *{ending} in the split {self.split}"
            raise KnobError("path", f"{why}; correct path, format or split")
        return self._in(few)

    def _in(self, files: list[str]) -> dict[str, Any]:
        few = {"batch_size": ROWS_AT_ONCE} if self.format == "parquet" else {}
        return {"path": self.format, "data_files": {self.split: [escape(file) for file in files]}, **few}

    def _numbers(self, dataset: Any) -> Numbers:
        """Return the function that numbers a label: texts by their place among all, for which they are read first."""
        if self.label is None:
            return lambda _: None
        if getattr(dataset.features[self.label], "dtype", "").startswith(("int", "uint")):
            is_class = hasattr(dataset.features[self.label], "names")
            return lambda value: None if is_class and value == -1 else label_numbers([value])[value]
        numbers = label_numbers(row[self.label] for row in dataset.select_columns([self.label]))
        return numbers.__getitem__

    def _item(
        self, row: int, values: Mapping[str, Any], image: str, number_of: Numbers, seen: set[str]
    ) -> Item | Unusable:
        picture = values[image] or {}
        file = self._file(values, picture)
        name = file or f"row {row}"
        if file is not None and file in seen:
            return Unusable(file, "is the name of an earlier image too; name another column in file")
        if file is not None:
            seen.add(file)
        try:
            label, caption = (values[key] if key else None for key in (self.label, self.caption))
            data = picture.get("bytes")
            if data is None:
                data = self._bytes(picture.get("path"))
            return Item(pixels(data, self), file, number_of(label), None if caption is None else str(caption))
        except PictureError as error:
            return Unusable(name, str(error))

    def _file(self, values: Mapping[str, Any], picture: Mapping[str, Any]) -> str | None:
        if self.format == "imagefolder":
            return normalize("NFC", Path(picture["path"]).relative_to(Path(self.path).absolute()).as_posix())
        value = values[self.file] if self.file else None
        name = value.get("path") if isinstance(value, Mapping) else value
        return None if name is None else str(name)

    def _bytes(self, path: str | None) -> bytes:
        """Return the content of a file that stands in the place of a picture. Only those in the dataset are hashed."""
        if path is None:
            raise PictureError("has no picture; remove the row")
        file, folder = Path(path), Path(self.path).resolve()
        if not file.resolve().is_relative_to(folder) or not file.is_file():
            raise PictureError(
                f"names {printable(path)}, which is no file below path; store the picture itself"
            )
        try:
            return file.read_bytes()
        except OSError as error:
            raise PictureError(f"cannot be read ({error.strerror}); replace or remove it") from None


def _may_hold_pictures(feature: Any) -> bool:
    """Return whether a column can be read as pictures: it is known to, or has bytes, alone or beside a file name."""
    is_bytes = getattr(feature, "dtype", None) in ("PIL.Image.Image", "binary", "large_binary")
    return is_bytes or (isinstance(feature, Mapping) and "bytes" in feature)


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(printable, columns)) or "none"


def _library(download: bool, cache: str) -> Any:
    """Import `datasets`, which writes to no other folder than `cache`, and asks no network where nothing is downloaded.

    Both libraries read these switches of the environment while they are imported, and their own copies afterwards.
    """
    folders = {name: f"{cache}/{name}" for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_MODULES_CACHE")}
    offline = {} if download else {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    os.environ.update({**folders, **offline, "HF_UPDATE_DOWNLOAD_COUNTS": "0"})
    import datasets
    import huggingface_hub.constants

    if not download:
        datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
    huggingface_hub.constants.HF_HUB_CACHE = folders["HF_HUB_CACHE"]
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    return datasets
