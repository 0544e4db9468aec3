"""Folders of pictures: which files count, in which order, what is known of them, and what is refused."""

import os
import random
import shutil
import subprocess
import sys
import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from calling import assert_refused, run
from drawing import COLOURS, saved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from permissions import RULED
from simaudit.data.jobs import prepare_job
from simaudit.data.prepare import write_store
from simaudit.data.source import Unusable
from simaudit.data.sources.folder import Folder
from simaudit.data.store import pixels_hash, read_items
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

pytestmark = pytest.mark.usefixtures("here")


def write(name, content=COLOURS[0], root="pictures"):
    """Write a picture, or bytes, below a folder."""
    path = Path(root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else saved(content))
    return path


def folder(**knobs):
    return Folder(source="folder", **{"path": "pictures", **knobs})


def items(**knobs):
    return list(folder(**knobs).items())


def files(**knobs):
    return [item.file for item in items(**knobs)]


def prepared(**knobs):
    """The images' file and the table that a folder becomes."""
    write_store(folder(**knobs).items(), paths.images("d"), paths.items("d"))
    return paths.images("d").read_bytes(), read_items(paths.items("d"))


# ---- which files, in which order -------------------------------------------------------------------------------------


def test_pictures_at_any_depth_are_images_by_their_relative_paths():
    for number, name in enumerate(("b.png", "a/c.png", "a/b/d.png", "a-z.png")):
        write(name, COLOURS[number])
    found = items()
    assert [item.file for item in found] == ["a-z.png", "a/b/d.png", "a/c.png", "b.png"]
    assert all(
        np.array_equal(item.pixels, COLOURS[number].transpose(2, 0, 1))
        for item, number in zip(found, (3, 2, 1, 0), strict=True)
    )
    assert (found[0].label, found[0].caption, found[0].origin) == (None, None, None)
    assert files(path=Path("pictures").absolute().as_posix()) == [item.file for item in found]


def test_the_content_decides_what_a_picture_is_and_its_extension_whether_it_counts():
    write("photograph.png", saved(COLOURS[0], "JPEG"))
    write("b.JPEG", saved(COLOURS[1]))
    for name in ("notes.txt", "picture", "scan.png.bak", "Thumbs.db", "c.svg"):
        write(name)
    assert files() == ["b.JPEG", "photograph.png"]


def test_files_that_are_passed_over_are_in_the_log(caplog):
    for name in ("a.png", "b.HEIC", "c.heic", "readme"):
        write(name)
    caplog.set_level("INFO", "simaudit")
    items()
    assert "pictures: passed over what is no picture: 2 .heic, 1 without an extension" in caplog.text


def test_hidden_files_and_those_of_operating_systems_are_passed_over():
    for name in ("a.png", ".b.png", "._a.png", ".git/c.png", "__MACOSX/a.png", "@eaDir/a.png", "d/.DS_Store"):
        write(name)
    assert files() == ["a.png"]


NAMES = ("a.png", "B.png", "b.png", "10.jpg", "9.jpg", "é.png", "z/ø.gif", "z.tif", "Z/a b.bmp", "日本.webp")
ORDER = ("10.jpg", "9.jpg", "B.png", "Z/a b.bmp", "a.png", "b.png", "z.tif", "z/ø.gif", "é.png", "日本.webp")
"""By the code points of their names."""
CONTENT = {
    name: saved(
        COLOURS[number % 6] ^ np.uint8(number), Image.registered_extensions()[Path(name).suffix], **how
    )
    for number, name in enumerate(NAMES)
    for how in ({"lossless": True} if name.endswith("webp") else {"quality": 90},)
}


@settings(max_examples=30, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    names=st.permutations(NAMES),
    upper=st.lists(st.booleans(), min_size=len(NAMES), max_size=len(NAMES)),
    form=st.sampled_from(["NFC", "NFD"]),
    seed=st.integers(0, 99),
)
def test_the_order_on_disk_the_case_of_extensions_and_unicodes_forms_change_nothing(
    names, upper, form, seed, tmp_path_factory
):
    os.chdir(tmp_path_factory.mktemp("disk"))
    for name, is_upper in zip(names, upper, strict=True):
        stem, dot, extension = name.rpartition(".")
        written = write(
            unicodedata.normalize(form, stem) + dot + (extension.upper() if is_upper else extension)
        )
        written.write_bytes(CONTENT[name])
    for path in random.Random(seed).sample([*Path("pictures").rglob("*.*")], 5):  # other places on disk
        shutil.copy(path, "other")
        path.unlink()
        shutil.move("other", path)
    images, table = prepared(colour="rgb")
    found = [f"{Path(name).with_suffix('')}{Path(name).suffix.lower()}" for name in table.file]
    assert found == list(ORDER)
    assert images == expected_images()


@cache
def expected_images():
    """The images' file of CONTENT in ORDER, without any code of a source."""
    stream = BytesIO()
    pictures = [np.asarray(Image.open(BytesIO(CONTENT[name])).convert("RGB")) for name in ORDER]
    np.save(stream, np.stack(pictures).transpose(0, 3, 1, 2).copy())
    return stream.getvalue()


@pytest.mark.parametrize(("locale", "utf8"), [("C", "0"), ("C", "1"), ("POSIX", "0"), ("C.utf8", "0")])
def test_no_locale_changes_anything(locale, utf8):
    for name in NAMES:
        write(name, CONTENT[name])
    switches = {"LC_ALL": locale, "LANG": locale, "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"}
    done = run(prepare_job("d", folder(colour="rgb")), env=os.environ | switches)
    assert done.returncode == 0, done.stderr
    assert paths.images("d").read_bytes() == expected_images()
    assert read_items(paths.items("d")).file.tolist() == list(ORDER)


def test_two_files_whose_names_differ_in_the_extensions_case_are_two_images():
    for number, name in enumerate(("a.png", "a.PNG")):
        write(name, COLOURS[number])
    assert files() == ["a.PNG", "a.png"]


def test_two_files_of_one_name_in_two_unicode_forms_are_refused():
    for form in ("NFC", "NFD"):
        write(unicodedata.normalize(form, "é.png"))
    [_, second] = items()
    assert (second.file, second.why[:30]) == ("é.png", "has the name of another file, ")


def test_links_are_followed_and_a_circle_is_walked_once():
    write("a/1.png")
    write("2.png", root="elsewhere")
    Path("pictures/link.png").symlink_to(Path("elsewhere/2.png").absolute())
    Path("pictures/there").symlink_to(Path("elsewhere").absolute())
    Path("pictures/a/up").symlink_to(Path("pictures").absolute())
    Path("pictures/a/self").symlink_to("self")
    assert files() == ["a/1.png", "link.png", "there/2.png"]


# ---- a part of a folder ----------------------------------------------------------------------------------------------


def test_only_the_pictures_of_a_table_are_read_and_hashed(monkeypatch):
    for name in ("b.png", "c/a.PNG", "a.png", "e\u0301.png"):
        write(name)
    write("broken.png", b"broken")
    Path("part.csv").write_text(
        "file,role\nc/a.PNG,member\nb.png,heldout\n\u00e9.png,heldout\n", encoding="utf-8"
    )
    names = ["b.png", "c/a.PNG", "\u00e9.png"]
    assert files(only="part.csv") == names
    assert folder(only="part.csv").given == (
        Path("part.csv"),
        *(Path("pictures") / name for name in (*names[:2], "e\u0301.png")),
    )
    table = pd.DataFrame({"file": ["a.png", *names, "broken.png"], "label": ["x", "y", "z", "y", "w"]})
    table.to_csv("m.csv", index=False)
    labels = [item.label for item in items(only="part.csv", metadata="m.csv", labels="metadata")]
    assert labels == [2, 3, 2]  # among the classes of the whole table


def test_a_picture_that_is_not_there_is_named_and_so_is_one_that_a_table_names_twice():
    write("a.png")
    Path("part.csv").write_text("file\na.png\nb.png\n")
    assert [(item.file, type(item).__name__) for item in items(only="part.csv")] == [
        ("a.png", "Item"),
        ("b.png", "Unusable"),
    ]
    Path("part.csv").write_text("file\na.png\na.png\n")
    with pytest.raises(
        SimauditError, match=r"part.csv: must name each picture once; listed twice \(1\): a.png"
    ):
        items(only="part.csv")
    assert folder(only="part.csv").given == (Path("part.csv"),)


# ---- labels and metadata ---------------------------------------------------------------------------------------------


def test_the_first_folder_is_the_class_in_sorted_order():
    for name in ("dog/a.png", "cat/x/b.png", "Zebra/c.png", "dog/d.png"):
        write(name)
    labels = {item.file: item.label for item in items(labels="folders")}
    assert labels == {"Zebra/c.png": 0, "cat/x/b.png": 1, "dog/a.png": 2, "dog/d.png": 2}
    assert [item.class_name for item in items(labels="folders")] == ["Zebra", "cat", "dog", "dog"]


def test_a_picture_outside_of_all_class_folders_is_named():
    for name in ("a.png", "dog/b.png"):
        write(name)
    assert items(labels="folders")[0] == Unusable(
        "a.png", "lies in no folder of a class; move it into one, or set labels: none"
    )


ROWS = pd.DataFrame(
    {
        "file": ["x/b.png", "a.png", "./ü ö.png"],
        "label": ["dog", "cat", "dog"],
        "caption": ['a "dog", asleep', "", "two\nlines"],
        "origin": ["web", "web", "camera"],
        "role": ["member", "member", "heldout"],
    }
)
TABLES = {
    "m.csv": lambda frame: frame.to_csv("m.csv", index=False),
    "excel.csv": lambda frame: frame.rename(columns=str.upper).to_csv(
        "excel.csv", index=False, sep=";", lineterminator="\r\n"
    ),
    "m.TSV": lambda frame: frame.to_csv("m.TSV", index=False, sep="\t"),
    "bom.csv": lambda frame: frame.to_csv("bom.csv", index=False, encoding="utf-8-sig"),
    "m.jsonl": lambda frame: frame.to_json("m.jsonl", orient="records", lines=True, force_ascii=False),
    "m.parquet": lambda frame: frame.rename(columns=str.title).to_parquet("m.parquet"),
}


@pytest.mark.parametrize(
    "names", [{}, {"file": "file_name", "caption": "text"}], ids=["ours", "imagefolder's"]
)
@pytest.mark.parametrize("table", TABLES)
def test_a_table_gives_labels_captions_and_origins(table, names):
    for name in ("a.png", "x/b.png", "ü ö.png"):
        write(name)
    TABLES[table](ROWS.rename(columns=names))
    known = {
        item.file: (item.label, item.caption, item.origin)
        for item in items(metadata=table, labels="metadata")
    }
    assert known == {
        "a.png": (0, None, "web"),
        "x/b.png": (1, 'a "dog", asleep', "web"),
        "ü ö.png": (1, "two\nlines", "camera"),
    }
    assert {item.label for item in items(metadata=table)} == {None}  # unless they are asked for


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "10"], [10, 9, 10]),
        (["3.0", "", "7.0"], [3, None, 7]),
        (["10", "9", "x"], [0, 1, 2]),
        (["", "", ""], [None] * 3),
        ([" 4", "05", "4"], [4, 5, 4]),
    ],
    ids=str,
)
def test_labels_that_are_whole_numbers_stay_and_others_are_numbered_as_sorted_texts(labels, expected):
    for name in "abc":
        write(f"{name}.png")
    pd.DataFrame({"file": ["a.png", "b.png", "c.png"], "label": labels}).to_csv("m.csv", index=False)
    assert [item.label for item in items(metadata="m.csv", labels="metadata")] == expected


def test_numbers_with_gaps_in_parquet_are_numbers():
    for name in "ab":
        write(f"{name}.png")
    pd.DataFrame({"file": ["a.png", "b.png"], "label": [5.0, None]}).to_parquet("m.parquet")
    assert [item.label for item in items(metadata="m.parquet", labels="metadata")] == [5, None]


BAD_TABLES = {
    "no file column": (
        "name,label\na.png,1\n",
        "m.csv: has no column file or file_name; its columns are name, label",
    ),
    "no label column": ("file\na.png\nb.png\n", "m.csv: has no column label; its columns are file"),
    "a row too long": (
        "file,label\na.png,1,2\n",
        "m.csv: must list every picture once; lines of other than the header's 2 cells (1): line 2 has 3; without",
    ),
    "a row too short": (
        "file,label\na.png\n",
        "m.csv: must list every picture once; lines of other than the header's 2 cells (1): line 2 has 1; without",
    ),
    "not UTF-8": (
        "file,label\né.png,1\n".encode("latin-1"),
        "m.csv: not a UTF-8 table of texts and numbers ('utf-8' codec",
    ),
    "a label below zero": (
        "file,label\na.png,-1\nb.png,1\n",
        "m.csv: the label -1 is no whole number from 0",
    ),
    "empty": ("", "m.csv: has no column file"),
    "many mistakes": (
        'file,label\na.png,1\na.png,1\nc.png,1\n"d\ne.png",1\n',
        "m.csv: must list every picture once; listed twice (1): a.png; "
        r"no picture of the folder (2): c.png, 'd\ne.png'; without a row (1): b.png",
    ),
}


@pytest.mark.parametrize(("content", "why"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_line_that_names_all_its_mistakes(content, why):
    for name in "ab":
        write(f"{name}.png")
    Path("m.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SimauditError) as refused:
        items(metadata="m.csv", labels="metadata")
    assert str(refused.value).startswith(why)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "m.jsonl",
            b"[1]\n\n{'file': 1}\n",
            "m.jsonl: has no column file or file_name and no column label; its columns are none; lines that are no "
            "JSON object (2): line 1, line 3",
        ),
        (
            "m.jsonl",
            b'{"file": "a.png", "label": [1]}\n',
            "m.jsonl: not a UTF-8 table of texts and numbers (a cell is a list",
        ),
        (
            "m.jsonl",
            b'{"file": "a.png", "label": 1, "label": 2}\n',
            "m.jsonl: has several columns label; keep",
        ),
        ("m.parquet", b"PAR1 not", "m.parquet: not a Parquet table of texts and numbers"),
        ("gone.csv", None, "gone.csv: missing; save one there, or name another"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(name, content, why):
    write("a.png")
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(SimauditError) as refused:
        items(metadata=name, labels="metadata")
    assert str(refused.value).startswith(why)


def test_a_table_of_another_kind_is_refused_before_any_job():
    with pytest.raises(ValidationError, match=r"must end in \.csv or \.tsv or .* \.parquet"):
        folder(metadata="m.xlsx")


def test_labels_of_a_table_need_a_table():
    with pytest.raises(ValidationError, match="needs the key metadata"):
        folder(labels="metadata")


def test_the_folder_and_the_table_are_part_of_the_job():
    assert folder(metadata="m.csv").given == (Path("pictures"), Path("m.csv"))
    assert prepare_job("d", folder()).given == (Path("pictures"),)


# ---- what is refused, as a user sees it ------------------------------------------------------------------------------


def broken():
    """Every kind of picture that cannot be used, by name: its content and why."""
    whole = saved(COLOURS[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = saved(COLOURS[0], "GIF", save_all=True, append_images=[Image.fromarray(COLOURS[1])])
    transparent = np.dstack([COLOURS[0], COLOURS[0, :, :, :1]])
    return {
        "b empty.png": (b"", "is empty"),
        "c.png": (b"hello", "is no PNG, JPEG"),
        "d.jpg": (saved(np.tile(COLOURS[0], (9, 9, 1)), "JPEG")[:-900], "is truncated or damaged"),
        "e.gif": (frames, "has 2 frames"),
        "f.png": (saved(transparent), "has pixels that are not opaque; set background"),
        "g.tiff": (saved(np.ones((5, 7), np.int32), "TIFF"), "has 32 bits per pixel"),
        "h.png": (
            saved(COLOURS[0, :4]),
            "has 3 channels of 4×7 pixels in uint8, and the first image 3 channels of 5×7",
        ),
        "i.png": (saved(COLOURS[0, :, :, 0]), "has 1 channel of 5×7"),
        "j.png": (saved(np.ones((5, 7), np.uint16)), "has 1 channel of 5×7 pixels in float32"),
        "k.png": (saved(COLOURS[0], exif=exif), "has 3 channels of 7×5"),
        "l\nm.png": (b"", "b empty.png, 'l\\nm.png': each is empty"),
        "ñ.png": (whole[:60], "ñ.png is truncated or damaged"),
        "o.tif": (saved(Image.new("LAB", (7, 5)), "TIFF"), "is in Pillow's mode LAB"),
    }


def test_all_broken_pictures_are_named_in_one_line_and_nothing_is_written():
    write("a.png")
    for name, (content, _) in broken().items():
        write(name, content)
    Path("pictures/p.png").symlink_to("nothing")
    os.mkfifo("pictures/q.png")
    job = prepare_job("d", folder())
    done = run(job, timeout=60)
    assert_refused(
        done, "params.yaml: datasets.d: 15 images cannot be used: ", *(why for _, why in broken().values())
    )
    assert "p.png, q.png: each is a link to nothing, or no file" in done.stderr
    assert list(paths.images("d").parent.iterdir()) == []


def test_a_picture_too_small_is_named_among_the_others():
    write("a.png")
    write("b.png", COLOURS[0, :3])
    assert_refused(run(prepare_job("d", folder(size=4))), "b.png has 3×7 pixels, too few for 4×4; lower size")


def test_a_name_that_is_not_utf8_is_named():
    Path(os.fsdecode(write("a.png").parent.as_posix().encode() + b"/b\xff.png")).write_bytes(
        saved(COLOURS[0])
    )
    with pytest.raises(
        SimauditError, match=r"^1 image cannot be used: 'b\\udcff\.png' has a name that is not UTF-8"
    ):
        prepared()


RULED_BY_PERMISSIONS = """
from pathlib import Path
from simaudit.data.prepare import write_store
from simaudit.data.sources.folder import Folder
write_store(Folder(source='folder', path='pictures').items(), Path('images'), Path('items'))
"""


def refused_by_permissions():
    """The last line of what is said where permissions are obeyed."""
    done = subprocess.run(
        [*RULED, sys.executable, "-c", RULED_BY_PERMISSIONS], capture_output=True, text=True
    )
    return done.stderr.splitlines()[-1]


def test_pictures_that_must_not_be_read_are_named():
    write("a.png")
    for name in ("b.png", "c.png"):
        write(name).chmod(0)
    why = "2 images cannot be used: b.png, c.png: each must not be read; change"
    assert why in refused_by_permissions()


def test_a_folder_that_must_not_be_read_is_named():
    write("a.png")
    write("b/c.png").parent.chmod(0)
    try:
        assert "the folder pictures/b cannot be read (Permission denied)" in refused_by_permissions()
    finally:
        Path("pictures/b").chmod(0o700)


@pytest.mark.parametrize(
    ("knobs", "why"),
    [
        ({"path": "gone"}, "params.yaml: datasets.d: path: gone is no folder; name one that is there"),
        ({"path": "a.png"}, "params.yaml: datasets.d: path: a.png is no folder"),
        ({"path": "empty"}, "params.yaml: datasets.d: empty has no pictures (.avif, "),
        ({"metadata": "gone.csv"}, "gone.csv: missing; save one there, or name another"),
    ],
    ids=str,
)
def test_a_source_that_is_not_there_is_one_line(knobs, why):
    write("a.png")
    write("a.png", root=".")
    write("notes.txt", root="empty")
    assert_refused(run(prepare_job("d", folder(**knobs))), why)


def test_the_table_of_items_names_files_with_any_letters():
    for name in ("a b.png", "c\nd.png", "日本/é.png"):
        write(name)
    _, table = prepared()
    assert table.file.tolist() == ["a b.png", "c\nd.png", "日本/é.png"]
    assert set(table.sha256) == {pixels_hash(COLOURS[0].transpose(2, 0, 1))}
