"""Datasets that the library `datasets` reads: the same images as from a folder, no network, one line for a mistake."""

import os
import socket
import subprocess
import sys
import tarfile
import tracemalloc
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from calling import assert_refused, run
from drawing import COLOURS, saved
from pydantic import ValidationError

from simaudit.data.jobs import prepare_job
from simaudit.data.pictures import library
from simaudit.data.prepare import write_store
from simaudit.data.source import Unusable, source_type
from simaudit.data.sources.folder import Folder
from simaudit.data.sources.huggingface import HuggingFace
from simaudit.data.store import read_items
from simaudit.vocabulary import paths

PNGS = [saved(picture) for picture in COLOURS]
FILES = [f"{number}.png" for number in range(6)]
LABELS = [1, 0, 1, 0, 1, 0]
CLASSES = ["dog" if label else "cat" for label in LABELS]
CAPTIONS = [f"picture {number}" for number in range(6)]
REVISION = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of its own, and no network."""
    monkeypatch.chdir(tmp_path)

    def connect(*_):
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", connect)


def parquet(path="d.parquet", pictures=PNGS, **columns):
    """Write a Parquet file as `datasets` does, but for the notes in its metadata that name the type of a column."""
    rows = [
        None if data is None else {"bytes": data, "path": name}
        for data, name in zip(pictures, FILES, strict=False)
    ]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": rows, **columns}), path)
    return path


def images(**columns):
    """The pictures as a Dataset of the library itself."""
    import datasets

    rows = [{"bytes": data, "path": name} for data, name in zip(PNGS, FILES, strict=True)]
    return datasets.Dataset.from_dict({"image": rows, **columns}).cast_column("image", datasets.Image())


def imagefolder(path="pictures"):
    for data, name, kind in zip(PNGS, FILES, CLASSES, strict=True):
        file = Path(path, kind, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return path


def webdataset(path="d.tar"):
    with tarfile.open(path, "w") as archive:
        for number in range(6):
            parts = {
                "png": PNGS[number],
                "cls": str(LABELS[number]).encode(),
                "txt": CAPTIONS[number].encode(),
            }
            for extension, data in parts.items():
                entry = tarfile.TarInfo(f"{number}.{extension}")
                entry.size = len(data)
                archive.addfile(entry, BytesIO(data))
    return path


def source(**knobs):
    return HuggingFace(source="huggingface", **{"format": "parquet", "path": "d.parquet", **knobs})


def items(**knobs):
    return list(source(**knobs).items())


def hashes(source):
    write_store(source.items(), paths.images("d"), paths.items("d"))
    return read_items(paths.items("d")).sha256.tolist()


# ---- the same images from every format -------------------------------------------------------------------------------


def test_the_same_images_have_the_same_hashes_in_a_folder_an_array_and_every_format():
    for name, data in zip(FILES, PNGS, strict=True):
        Path("flat").mkdir(exist_ok=True)
        Path("flat", name).write_bytes(data)
    expected = hashes(Folder(source="folder", path="flat"))
    images(label=LABELS).to_parquet("d.parquet")
    images(label=LABELS).save_to_disk("disk")
    pq.write_table(pa.table({"img": PNGS, "label": LABELS}), "bytes.parquet")
    np.savez("d.npz", images=COLOURS)
    arrays = {"source": "array", "path": "d.npz", "images": "images", "layout": "NHWC"}
    assert len(set(expected)) == 6
    assert hashes(source_type("array").model_validate(arrays)) == expected
    assert hashes(source()) == expected
    assert hashes(source(path=parquet("plain.parquet"), image="image")) == expected
    assert hashes(source(path="bytes.parquet", image="img")) == expected
    assert hashes(source(path="disk", format="arrow")) == expected
    assert hashes(source(path=webdataset(), format="webdataset")) == expected
    assert sorted(hashes(source(path=imagefolder(), format="imagefolder"))) == sorted(expected)


def test_a_folder_of_pictures_is_the_same_by_imagefolder():
    imagefolder()
    ours = list(Folder(source="folder", path="pictures", labels="folders", size=4).items())
    theirs = items(path="pictures", format="imagefolder", label="label", size=4)
    assert [(item.file, item.label) for item in theirs] == [(item.file, item.label) for item in ours]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(ours, theirs, strict=True))


def test_labels_captions_and_files_are_kept_where_their_columns_are_named():
    images(label=LABELS, kind=CLASSES, text=CAPTIONS).to_parquet("d.parquet")
    plain = items()
    assert {(item.file, item.label, item.caption) for item in plain} == {(None, None, None)}
    named = items(label="label", caption="text", file="image")
    assert [item.label for item in named] == LABELS
    assert [item.label for item in items(label="kind")] == LABELS  # cat is 0 and dog is 1
    assert [item.class_name for item in items(label="kind")] == CLASSES
    assert [item.caption for item in named] == CAPTIONS
    assert [item.file for item in named] == FILES
    assert [item.file for item in items(file="text")] == CAPTIONS


def test_parts_of_a_webdataset_are_columns():
    found = items(path=webdataset(), format="webdataset", label="cls", caption="txt", file="png")
    assert [(item.file, item.label, item.caption) for item in found] == list(
        zip(FILES, LABELS, CAPTIONS, strict=True)
    )


def test_minus_one_is_no_class():
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    images(label=[-1, 0, 1, 0, 1, None]).cast(features).to_parquet("d.parquet")
    assert [item.label for item in items(label="label")] == [None, 0, 1, 0, 1, None]
    names = [None, "cat", "dog", "cat", "dog", None]
    assert [item.class_name for item in items(label="label")] == names


def test_a_folder_of_several_files_has_splits_by_their_names_and_other_files_do_not_count():
    parquet("d/data/train-00000-of-00002.parquet", PNGS[:2])
    parquet("d/data/train-00001-of-00002.parquet", PNGS[2:4])
    parquet("d/data/test-00000-of-00001.parquet", PNGS[4:])
    Path("d/README.md").write_text(
        "---\nconfigs: [{config_name: x, data_files: https://example.org/x.parquet}]\n---\n"
    )
    whole = [item.pixels.tolist() for item in items(path="d", image="image")]
    assert whole == [picture.transpose(2, 0, 1).tolist() for picture in COLOURS[:4]]
    assert len(items(path="d", image="image", split="test")) == 2
    parquet("e/part.parquet")
    Path("e/notes.txt").write_text("not a table")
    assert len(items(path="e", image="image")) == 6


@pytest.mark.parametrize("name", ["with a space", "[a] *?", "日本"])
def test_a_path_may_have_any_letters(name):
    assert len(items(path=parquet(f"{name}/{name}.parquet"), image="image")) == 6
    assert len(items(path=name, image="image")) == 6
    imagefolder(f"{name}/pictures")
    assert len(items(path=f"{name}/pictures", format="imagefolder")) == 6


# ---- no network, nothing left behind ---------------------------------------------------------------------------------


PROGRAM = """
import socket
def refuse(*_):
    raise AssertionError("asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
from simaudit.data.sources.huggingface import HuggingFace
print(len(list(HuggingFace(source="huggingface", format="{format}", path="{path}").items())))
"""


@pytest.mark.parametrize("format", ["parquet", "imagefolder", "webdataset"])
def test_in_a_fresh_process_the_network_is_not_asked_and_nothing_is_written(format):
    path = {"parquet": lambda: images().to_parquet("d.parquet") and "d.parquet", "imagefolder": imagefolder}
    path = path.get(format, webdataset)()
    home, temporary = Path("home"), Path("temporary")
    for folder in (home, temporary):
        folder.mkdir()
    before = {file: file.stat().st_mtime_ns for file in Path().rglob("*")}
    switches = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(format=format, path=path)],
        env=switches | {"HOME": str(home.absolute()), "TMPDIR": str(temporary.absolute())},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
    after = {file: file.stat().st_mtime_ns for file in Path().rglob("*") if file != temporary}
    assert after == {file: time for file, time in before.items() if file != temporary}


def test_the_hub_is_asked_only_for_a_pinned_revision(monkeypatch):
    import datasets

    asked = {}

    def load_dataset(**how):
        asked.update(how, is_offline=datasets.config.HF_HUB_OFFLINE)
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(library, "IS_OFFLINE", False)  # whatever this test runs under
    hub = {"path": "someone/pictures", "format": None, "download": True, "revision": REVISION}
    assert source(**hub).given == ()
    assert_one_line(hub, "someone/pictures: not what the library datasets reads as a dataset (no network)")
    assert (asked["path"], asked["revision"], asked["split"]) == ("someone/pictures", REVISION, "train")
    assert not asked["is_offline"]
    assert "trust_remote_code" not in asked
    images().to_parquet("d.parquet")
    assert_one_line({}, "no network")
    assert asked["is_offline"]


def assert_one_line(knobs, *words):
    from simaudit.vocabulary.errors import SimauditError

    with pytest.raises(SimauditError) as refused:
        items(**knobs)
    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("knobs", "why"),
    [
        ({"download": True, "format": None}, "download: true needs a revision; name a commit"),
        ({"revision": REVISION}, "revision needs download: true"),
        ({"download": True, "revision": REVISION}, "download: true takes no format"),
        ({"format": None}, "needs a format; set imagefolder"),
        ({"download": True, "format": None, "revision": "main"}, "String should match pattern"),
        ({"split": "train[:10%]"}, "String should match pattern"),
        ({"trust_remote_code": True}, "Extra inputs"),
    ],
    ids=str,
)
def test_knobs_that_contradict_one_another_are_refused(knobs, why):
    with pytest.raises(ValidationError, match=why.replace("[", r"\[")):
        source(**knobs)


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_all_bad_pictures_are_named_in_one_line_and_nothing_is_written():
    parquet(pictures=[PNGS[0], PNGS[1][:60], None, b"", b"<html>", saved(COLOURS[0, :4])])
    job = prepare_job("d", source(image="image", file="image"))
    assert_refused(
        run(job),
        "params.yaml: datasets.d: 5 images cannot be used: 1.png is truncated or damaged",
        "row 2 has no picture; remove the row",
        "3.png is empty",
        "4.png is no PNG",
        "5.png has 3 channels of 4×7 pixels in uint8, and the first image 3 channels of 5×7",
    )
    assert list(paths.images("d").parent.iterdir()) == []


@pytest.mark.parametrize("path", ["secret.png", "https://example.org/a.png", "/etc/passwd"])
def test_a_picture_must_be_in_the_dataset_and_not_elsewhere(path):
    Path("secret.png").write_bytes(PNGS[0])
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array([{"bytes": None, "path": path}], kind)}), "d.parquet")
    why = "is the path of a picture and not the picture; store the pictures themselves"
    assert items(image="image") == [Unusable("row 0", why)]


def test_pictures_of_an_imagefolder_are_named_like_those_of_a_folder():
    imagefolder()
    Path("pictures/cat/1.png").write_bytes(b"")
    Path("pictures/dog/7.png").symlink_to(Path("pictures/dog/0.png").absolute())
    Path("link").symlink_to("pictures")
    found = items(path="link", format="imagefolder")
    assert found[0] == Unusable("cat/1.png", "is empty; replace or remove it")
    assert np.array_equal(found[-1].pixels, COLOURS[0].transpose(2, 0, 1))


def test_a_name_that_stands_twice_is_refused():
    parquet(name=["a", "b", "a", "c", "d", "e"])
    bad = [item for item in items(image="image", file="name") if isinstance(item, Unusable)]
    assert bad == [Unusable("a", "is the name of an earlier image too; name another column in file")]


def test_a_source_that_cannot_be_read_is_one_line():
    images(label=LABELS, text=CAPTIONS).to_parquet("d.parquet")
    Path("bad.parquet").write_bytes(b"PAR1 and no more")
    Path("none").mkdir()
    Path("a::b").mkdir()
    for knobs, words in (
        ({"path": "gone"}, ["path: gone is not there; correct it"]),
        ({"path": "https://example.org/d.parquet"}, ["path: https://example.org/d.parquet is not there"]),
        ({"path": "someone/pictures"}, ["path: someone/pictures is not there"]),
        ({"path": "none"}, ["path: none has no files; name another folder"]),
        (
            {"path": "a::b"},
            ["path: the library datasets takes :: for a place in an archive; rename the folder"],
        ),
        (
            {"path": "bad.parquet"},
            ["bad.parquet: not what the library datasets reads as parquet (", "); correct path"],
        ),
        ({"format": "webdataset"}, ["d.parquet: not what the library datasets reads as webdataset"]),
        ({"format": "arrow"}, ["d.parquet: not what the library datasets reads as arrow"]),
        (
            {"image": "picture"},
            ["image: there is no column picture; the columns are image, label, text"],
        ),
        ({"image": "label"}, ["image: the column label holds no pictures; name one that does"]),
        ({"label": "kind"}, ["label: there is no column kind; the columns are image, label, text"]),
        ({"caption": "kind"}, ["caption: there is no column kind"]),
        ({"file": "kind"}, ["file: there is no column kind"]),
    ):
        assert_one_line(knobs, *words)
    imagefolder()
    pictures = {"path": "pictures", "format": "imagefolder", "split": "test"}
    assert_one_line(pictures, "split: there is no split test; the splits are train")
    pictures = {"path": "pictures", "format": "parquet"}
    assert_one_line(pictures, "path: pictures has no files *.parquet in the split train; correct")
    pq.write_table(pa.table({"a": PNGS, "b": PNGS}), "two.parquet")
    assert_one_line({"path": "two.parquet"}, "image: name the column of pictures; the columns are a, b")


def test_ten_times_as_many_rows_need_no_more_memory():
    def peak(count):
        writer = pq.ParquetWriter("d.parquet", pa.schema([("image", pa.binary())]))
        data = saved(np.zeros((64, 64, 3), np.uint8))
        for _ in range(count // 100):
            writer.write_table(pa.table({"image": pa.array([data] * 100, pa.binary())}))
        writer.close()
        items = source(image="image").items()
        next(items)
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        most = 0
        for _ in items:
            most = max(most, pa.total_allocated_bytes() - before)
        most += tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(2000) < 1.3 * peak(200) + 2**20
