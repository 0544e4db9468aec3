"""The library `datasets`: kept from the network and from folders of its own, and told where its files lie."""

import os
from glob import escape
from pathlib import Path
from typing import Any

from simaudit.vocabulary.errors import KnobError, some

ENDINGS = {"parquet": ".parquet", "arrow": ".arrow", "webdataset": ".tar"}
ROWS_AT_ONCE = 100  # that are made of a row group of a Parquet file
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
IS_OFFLINE = any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in OFFLINE)
"""Whether whoever runs the program has forbidden every download."""


def imported(download: bool, cache: str) -> Any:
    """Import `datasets`, which writes to no other folder than `cache`, and asks no network where nothing is downloaded.

    Both libraries read these switches of the environment while they are imported, and their own copies afterwards.
    """
    folders = {name: f"{cache}/{name}" for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_MODULES_CACHE")}
    offline = IS_OFFLINE or not download
    os.environ.update(
        {**folders, **dict.fromkeys(OFFLINE, str(int(offline))), "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    )
    import datasets
    import huggingface_hub.constants

    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = offline
    huggingface_hub.constants.HF_HUB_CACHE = folders["HF_HUB_CACHE"]
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    datasets.config.TORCH_AVAILABLE = False  # it would be imported, for data loaders that share a dataset
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    return datasets


def local_files(library: Any, format: str, path: str, split: str) -> dict[str, Any]:
    """Return what `load_dataset` is told of a file, or of those files of a folder whose names say that split.

    Raises KnobError when there are none.
    """
    if "::" in path:
        raise KnobError("path", "the library datasets takes :: for a place in an archive; rename the folder")
    if Path(path).is_file():
        return _in(format, split, [path])
    base, names = escape(Path(path).resolve().as_posix()), library.data_files
    try:
        patterns = names.get_data_patterns(base)
    except FileNotFoundError:
        raise KnobError("path", f"{path} has no files; name another folder") from None
    if split not in patterns:
        raise KnobError("split", f"there is no split {split}; the splits are {some(patterns)}")
    if format == "imagefolder":
        return {"path": format, "data_dir": base, "data_files": {split: patterns[split]}}
    ending, there = ENDINGS[format], names.DataFilesDict.from_patterns(patterns, base_path=base)[split]
    files = [file for file in there if file.endswith(ending)]
    if not files:
        why = f"{path} has no files *{ending} in the split {split}"
        raise KnobError("path", f"{why}; correct path, format or split")
    return _in(format, split, files)


def _in(format: str, split: str, files: list[str]) -> dict[str, Any]:
    where: dict[str, Any] = {"path": format, "data_files": {split: [escape(file) for file in files]}}
    if format == "parquet":  # one row group in memory, and not several forms of it
        from pyarrow.dataset import ParquetFragmentScanOptions  # which imports pandas

        in_parts = ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
        where |= {"batch_size": ROWS_AT_ONCE, "fragment_scan_options": in_parts}
    return where
