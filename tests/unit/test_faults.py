"""A full disk, a missing permission, too little memory: one line that names the path or the knob."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from calling import assert_refused, call, run
from matplotlib.figure import Figure
from storing import store

from permissions import RULED
from simaudit.cli import simaudit
from simaudit.data.jobs import SplitKnobs, split_job
from simaudit.data.split import make_split, write_split
from simaudit.data.store import Images
from simaudit.evaluation.controls.jobs import blind_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import stamps
from simaudit.storage.atomic import atomic_path
from simaudit.storage.hashes import hashes, sha256_bytes
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError, is_out_of_memory
from simaudit.vocabulary.job import FEWER

pytestmark = pytest.mark.usefixtures("here")

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
"""A device that takes no byte, as a full disk; Linux has it."""
SPLIT = split_job("mine", SplitKnobs(dataset="d", members=40, calibration=0.5, allow_duplicates=True))


@pytest.fixture
def images():
    store("d", np.zeros((80, 1, 2, 2), np.float32))


FRAME = pd.DataFrame({"x": np.arange(1000.0)})
WRITERS = {
    "text": lambda path: path.write_text("x" * 10**5),
    "numpy": lambda path: np.save(path.open("wb"), np.zeros(1000)),
    "npz": lambda path: np.savez_compressed(path.open("wb"), x=np.arange(10**5)),
    "torch": lambda path: torch.save({"x": torch.zeros(10**5)}, path),
    "torch stream": lambda path: torch.save({"x": torch.zeros(10**5)}, path.open("wb")),
    "parquet": lambda path: FRAME.to_parquet(path),
    "csv": lambda path: FRAME.to_csv(path),
    "png": lambda path: Figure().savefig(path, format="png"),
    "pdf": lambda path: Figure().savefig(path, format="pdf"),
}


def write(path, writer):
    with atomic_path(path) as temporary:
        writer(temporary)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named_with_the_file_whichever_library_writes(tmp_path, kind):
    def to_full_disk(temporary):
        temporary.symlink_to(FULL)
        WRITERS[kind](temporary)

    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(
        SimauditError, match=rf"^{path}: no space left on its disk, or in your quota"
    ) as error:
        write(path, to_full_disk)
    assert "\n" not in str(error.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def fail(error):
    raise error


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT"])
def test_a_full_disk_or_quota_is_known_by_the_systems_error(tmp_path, number):
    error = OSError(getattr(errno, number), os.strerror(getattr(errno, number)))
    with pytest.raises(SimauditError, match="no space left"):
        write(tmp_path / "file", lambda _: fail(error))


def test_a_full_disk_is_known_by_its_free_space_where_a_library_does_not_say_it(tmp_path, monkeypatch):
    error = ValueError("could not write")
    with pytest.raises(ValueError, match="could not write"):
        write(tmp_path / "file", lambda _: fail(error))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**6, 10**6, 0))
    with pytest.raises(SimauditError, match="no space left"):
        write(tmp_path / "file", lambda _: fail(error))


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    error = PermissionError(13, "Permission denied", "/elsewhere/data.csv")
    with pytest.raises(SimauditError, match=r"^/elsewhere/data.csv: permission denied"):
        write(tmp_path / "file", lambda _: fail(error))


SMALL_DISK = (
    "mount -t tmpfs -o size=64k tmpfs data/splits && head -c 1m /dev/zero > data/splits/filler 2>/dev/null; "
)


def test_a_job_on_a_full_disk_leaves_nothing_and_succeeds_once_there_is_space(images):
    if subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
    ).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    stamps.write([SPLIT])
    Path("data/splits").mkdir()
    step = "$0 run split/mine; echo $?; ls -A data/splits; rm -f data/splits/filler; "
    done = call(cwd=Path.cwd(), before=("unshare", "-rm", "sh", "-c", SMALL_DISK + step + step))
    assert done.stdout.split() == ["2", "filler", "0", "mine.parquet"]
    line = "data/splits/mine.parquet: no space left on its disk, or in your quota; free some, and run the same again\n"
    assert done.stderr == line


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_refusal_is_one_line_where_the_disk_of_the_log_is_full():
    log = paths.log(SPLIT.name)
    log.parent.mkdir(parents=True)
    log.symlink_to(FULL)
    assert_refused(run(SPLIT), f"{paths.items('d')}: missing")


def test_a_folder_that_must_not_be_written_is_named_with_the_file(images, locked):
    Path("data/splits").mkdir()
    locked(Path("data/splits"), 0o555)
    assert_refused(
        run(SPLIT, before=RULED), "data/splits/mine.parquet: permission denied; change its permissions"
    )
    shutil.rmtree(paths.LOGS)
    locked(Path("results"), 0o555)
    assert_refused(
        call("run", SPLIT.name, cwd=Path.cwd(), before=RULED), "results/logs", ": permission denied"
    )


def test_a_file_that_must_not_be_read_is_named(images, locked):
    locked(paths.items("d"), 0o000)
    assert_refused(run(SPLIT, before=RULED), f"{paths.items('d')}: must not be read; change its permissions")
    locked(paths.stamp(SPLIT.name), 0o000)
    assert_refused(
        call("run", SPLIT.name, cwd=Path.cwd(), before=RULED), f"{paths.stamp(SPLIT.name)}: permission denied"
    )


@pytest.mark.parametrize("command", [["params"], ["stamps"]])
def test_parameters_that_must_not_be_read_are_one_line(locked, command):
    file = Path("params.yaml")
    file.write_text("datasets: {}\n")
    locked(file, 0o000)
    assert_refused(
        call(*command, cwd=Path.cwd(), before=RULED), "params.yaml: must not be read; change its permissions"
    )


def test_stamps_in_a_folder_that_must_not_be_written_are_refused(locked):
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    Path("results").mkdir()
    locked(Path("results"), 0o555)
    assert_refused(call("stamps", cwd=Path.cwd(), before=RULED), "results/params", ": permission denied")


def test_a_job_runs_where_the_cache_of_hashes_must_not_be_written(images, locked):
    assert run(SPLIT).returncode == 0
    locked(Path(".simaudit/hashes.sqlite"), 0o444)
    locked(Path(".simaudit"), 0o555)
    assert call("run", SPLIT.name, cwd=Path.cwd(), before=RULED).stderr == ""
    assert paths.record(SPLIT.name).exists()


@pytest.mark.parametrize(
    "damage", [lambda cache: cache.mkdir(parents=True), lambda cache: cache.write_bytes(b"x" * 5000)]
)
def test_hashes_are_computed_where_their_cache_is_damaged(tmp_path, damage):
    file, cache = tmp_path / "file", tmp_path / "cache"
    file.write_bytes(b"content")
    damage(cache)
    assert hashes([file], cache) == {file.as_posix(): sha256_bytes(b"content")}


GIGABYTE = 2**30
ALLOCATIONS = """
import resource
import numpy as np, pyarrow as pa, torch
from simaudit.vocabulary.errors import is_out_of_memory
resource.setrlimit(resource.RLIMIT_AS, (2**36, 2**36))
for allocate in (np.empty, torch.empty, bytearray, pa.allocate_buffer):
    try:
        allocate(2**38)
    except Exception as error:
        print(is_out_of_memory(error))
"""


def test_too_little_memory_is_known_whichever_library_wants_it():
    done = subprocess.run([sys.executable, "-c", ALLOCATIONS], capture_output=True, text=True)
    assert done.stdout.split() == ["True"] * 4, done.stderr
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_job_with_too_little_memory_names_its_knob():
    file = paths.images("d")
    file.parent.mkdir(parents=True)
    np.lib.format.open_memmap(
        file, "w+", np.float32, (80, 1, 8192, 8192)
    )  # 20 GiB of nothing: no byte is written
    write_split(paths.split("s"), make_split([f"{i:064x}" for i in range(80)], 40, 0.5, 0))
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (8 * GIGABYTE, 8 * GIGABYTE))}
    done = run(blind_job("s", "d", EvaluationKnobs()), **limit)
    file.unlink()
    assert_refused(done, f"blind/s: not enough memory; lower evaluation.blind.side, or {FEWER}")
    assert not paths.blind("s", "parquet").exists()


def test_the_knobs_that_jobs_name_for_their_memory_exist():
    params = load([ROOT / "params.yaml"]).model_dump()
    advice = {job.phase: job.less_memory for job in jobs(load([ROOT / "params.yaml"]))}
    assert advice["train"] == f"lower training.batch_size of the target, or {FEWER}"
    assert advice["figure"] == FEWER
    keys = {word for text in advice.values() for word in text.replace(",", "").split() if "." in word}
    assert {"scoring.batch_size", "quality.samples", "evaluation.bootstrap"} < keys
    for key in keys - {"training.batch_size"}:
        value = params
        for part in key.split("."):
            value = value[part]


FAILING = """
import sys
import click
from simaudit import cli
def fail():
    raise {error}
cli.simaudit.add_command(click.Command("fail", callback=fail))
sys.argv = ["simaudit", "fail"]
cli.main()
"""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("KeyboardInterrupt", 130, "simaudit: stopped"),
        ("MemoryError", 2, "not enough memory; end other programs, or use another machine"),
        (
            "PermissionError(13, 'no', 'a/file')",
            2,
            "a/file: permission denied; change its permissions, or those of its folder",
        ),
        (
            "OSError(28, 'no')",
            2,
            "output: no space left on its disk, or in your quota; free some, and run the same again",
        ),
        ("EOFError", 1, "RuntimeError: a file ended too early"),
        ("KeyError(3)", 1, "KeyError: 3"),
    ],
)
def test_a_subcommand_that_fails_ends_with_this_code_and_last_line(error, code, line):
    script = FAILING.format(error=error)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1] == line
    assert (len(done.stderr.splitlines()) == 1) is (code != 1)


PEER = ("evaluate-scores", "peer.csv", "--member-when", "low", "--output")


@pytest.mark.parametrize("command", [PEER, ("example",)], ids=["evaluate-scores", "example"])
@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("file/folder", "name a"),
        ("x" * 300, "is too long; name another"),
        pytest.param("/proc/x", "name another", marks=pytest.mark.skipif(not FULL.exists(), reason="Linux")),
    ],
    ids=["in a file", "too long", "in no real folder"],
)
def test_a_folder_that_cannot_be_made_is_refused_in_one_line(command, folder, why, capsys):
    Path("file").touch()
    columns = {"file": [f"{k}.png" for k in range(80)], "role": ["member", "heldout"] * 40, "attack": "pia"}
    pd.DataFrame({**columns, "statistic": np.arange(80.0)}).to_csv("peer.csv", index=False)
    with pytest.raises(SimauditError) as refusal:
        simaudit.main([*command, folder], standalone_mode=False)
    assert why in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_an_empty_file_is_a_damaged_one_and_not_a_stop(images):
    paths.items("d").write_bytes(b"")
    assert_refused(run(SPLIT), f"{paths.items('d')}: not a whole table of items (", "delete it and run again")
    Path("empty.npy").write_bytes(b"")
    with pytest.raises(SimauditError, match=r"not a whole \.npy file \(No data left in file\); delete it"):
        Images.open(Path("empty.npy"))
