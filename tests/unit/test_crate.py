"""A crate says of a run what is so: every job, file, parameter and time; and it says nothing when it is not so."""

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from rocrate.rocrate import ROCrate
from sources import Sources, forget

from simaudit.cli import simaudit
from simaudit.evaluation.jobs import numbers_job
from simaudit.provenance import code, environment, stamps
from simaudit.provenance.records import write_record
from simaudit.storage.json import write_json
from simaudit.targets.jobs import train
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

CITATION = """
cff-version: 1.2.0
title: An audit
version: 1.2.0
license: MIT
authors: [{given-names: Ada, family-names: Lovelace, orcid: "https://orcid.org/0000-0000-0000-0001"}]
references: [{type: article, title: On leaks, authors: [{family-names: Rao}], year: 2025, url: "https://arxiv.org/abs/1"}]
"""
IMAGES, WEIGHTS, LOSS = (
    "data/prepared/d/images.npy",
    "results/targets/net/weights.safetensors",
    "results/targets/net/training.json",
)
SHA256 = {
    path: hashlib.sha256(path.encode()).hexdigest()
    for path in (IMAGES, WEIGHTS, LOSS, "results/numbers.json", "results/occasion.json")
}
"""Every output of this run holds its own name."""
PREPARE = Job("prepare/d", "simaudit.data.jobs:prepare", {"source": "digits"}, {}, {"images": Path(IMAGES)})
TRAIN = Job(
    "train/net",
    "simaudit.targets.jobs:train",
    {"training": {"epochs": 3, "learning_rate": 0.5, "widths": [8, 16]}},
    {"images": Path(IMAGES)},
    {"target": paths.target("net")},
    ("simaudit.targets.families.ddpm",),
    speed={"threads": 2},
)
NUMBERS = numbers_job([Path(LOSS)], {"net": "stated"})
JOBS = {job.name: job for job in (PREPARE, TRAIN, NUMBERS)}


def digest(path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """Three jobs in a row with their files, records and run logs, beside the sources that they ran."""
    folder = tmp_path_factory.mktemp("recorded")
    Sources.copied(folder / "src/simaudit")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write("Snakefile", "rule all:\n")
        write("CITATION.cff", CITATION)
        write("requirements.lock", "numpy==2.0\nsnakemake==9.1.2\n    # via simaudit\n")
        write("experiments/smoke.yaml", "{}\n")
        patch.setattr(environment, "LOCK", Path("requirements.lock"))
        for path in SHA256:
            write(path, path)
        stamps.write(JOBS.values())
        for hour, job in enumerate(JOBS.values()):
            write_record(stamps.read_job(job.name), ["simaudit", "run", job.name], {})
            write_json(
                Path(f"results/logs/{job.name}.run.json"),
                {
                    "started": f"2026-01-02T0{hour}:00:00+00:00",
                    "seconds": 90.5,
                    "commit": "c0ffee",
                    "dirty": True,
                },
            )
    return folder


@pytest.fixture(autouse=True)
def project(recorded, tmp_path, monkeypatch):
    """The same in a folder of its own, which is the current one, and whose sources are those that are running."""
    folder = shutil.copytree(recorded, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(code, "ROOT", folder / "src/simaudit")
    forget()
    yield
    forget()


def packed(*options: str, output: str = "crate") -> ROCrate:
    """The crate that the command line writes, as the library reads it."""
    done = CliRunner().invoke(simaudit, ["crate", "--output", output, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return ROCrate(output)


def ids(value) -> set[str]:
    return {entity.id for entity in (value if isinstance(value, list) else [value])}


def asked(crate: ROCrate, job: str) -> dict:
    """Name and value of what an action of the crate was asked."""
    objects = crate.get(f"#job/{job}")["object"]
    return {entity["name"]: entity["value"] for entity in objects if entity.type == "PropertyValue"}


def test_every_job_is_an_action_with_its_inputs_and_outputs():
    crate = packed()
    train = crate.get("#job/train/net")
    files = {entity.id for entity in train["object"] if entity.type == "File"}
    assert files == {"results/params/train/net.json", f"#{IMAGES}"}
    assert ids(train["result"]) == {f"#{WEIGHTS}", LOSS}
    assert train["instrument"].id == "#simaudit-train"
    assert train["description"] == (
        "simaudit run train/net; on commit c0ffee, with changes that were not committed"
    )
    actions = [entity.id for entity in crate.get_by_type("CreateAction") if entity.id != "#run"]
    assert actions == [f"#job/{job}" for job in JOBS]  # each after those whose outputs it reads


def test_the_run_takes_the_parameters_and_gives_what_no_job_reads_and_the_ledger():
    run = packed().get("#run")
    assert run["instrument"].id == "Snakefile"
    assert ids(run["object"]) == {f"results/params/{job}.json" for job in JOBS}
    assert ids(run["result"]) == {f"#{WEIGHTS}", "results/numbers.json", "results/occasion.json"}


def test_steps_tools_and_orders_hang_together_as_the_profile_demands():
    crate = packed()
    workflow = crate.mainEntity
    assert workflow.type == ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    assert workflow["programmingLanguage"]["name"] == "Snakemake"
    assert [(step.id, step["position"]) for step in workflow["step"]] == [
        ("Snakefile#prepare", "1"),
        ("Snakefile#train", "2"),
        ("Snakefile#numbers", "3"),
    ]
    assert ids(workflow["hasPart"]) == {step["workExample"].id for step in workflow["step"]}
    order = crate.get("#order/train/net")
    assert (order["instrument"].id, order["object"].id) == ("Snakefile#train", "#job/train/net")
    engine = crate.get("#orchestration")
    assert engine["result"].id == "#run"
    assert ids(engine["object"]) == {f"#order/{job}" for job in JOBS}
    assert engine["instrument"]["softwareVersion"] == "9.1.2"
    conforms = ids(crate.root_dataset["conformsTo"])
    assert {
        f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow", "provenance")
    } < conforms


def test_what_a_job_was_asked_is_in_it_by_name_with_its_type():
    crate = packed()
    assert asked(crate, "train/net") == {
        "training.epochs": 3,
        "training.learning_rate": 0.5,
        "training.widths": "[8, 16]",
        "threads": 2,
    }
    assert asked(crate, "numbers") == {"membership.net": "stated"}
    slots = {slot["name"]: slot["additionalType"] for slot in crate.get("#simaudit-train")["input"]}
    assert slots == {
        "training.epochs": "Integer",
        "training.learning_rate": "Float",
        "training.widths": "Text",
        "threads": "Integer",
        "images": "File",
        "stamp": "File",
    }
    assert crate.get("#simaudit-train")["output"]["name"] == "target"
    assert "#simaudit-train/images:File" in ids(crate.get(f"#{IMAGES}")["exampleOfWork"])
    assert ids(crate.get(LOSS)["exampleOfWork"]) == {  # a file of a folder, and one by itself
        "#simaudit-train/target:File",
        "#simaudit-numbers/files:File",
    }
    assert ids(crate.get("results/params/train/net.json")["exampleOfWork"]) > {"#simaudit-train/stamp:File"}


@pytest.mark.parametrize("options", [(), ("--with-data",)])
def test_files_have_their_hash_and_size_and_are_there_unless_named_otherwise(options):
    crate = packed(*options)
    listed = {entity["name"]: entity for entity in crate.get_by_type("File", exact=True)}
    for path, sha256 in SHA256.items():
        held = bool(options) or path.endswith(".json")
        assert listed[path]["sha256"] == sha256
        assert listed[path]["contentSize"] == str(len(path))
        assert listed[path].id == (path if held else f"#{path}")
        assert Path("crate", path).exists() == held
    inside = {path.relative_to("crate").as_posix() for path in Path("crate").rglob("*") if path.is_file()}
    named = {entity.id for entity in listed.values() if not entity.id.startswith("#")}
    assert inside == named | {"Snakefile", "ro-crate-metadata.json"}
    for path in named:
        assert listed[path]["sha256"] == digest(f"crate/{path}")


def test_the_code_that_ran_and_the_lock_are_in_it():
    tool = packed().get("#simaudit-train")
    modules = json.loads(paths.record("train/net").read_text())["code"]
    assert ids(tool["hasPart"]) == {f"src/{module.replace('.', '/')}.py" for module in modules}
    assert "simaudit.training.loop" in modules
    assert ids(tool["softwareRequirements"]) == {"requirements.lock"}
    assert tool["description"] == train.__doc__
    assert Path("crate/experiments/smoke.yaml").exists()  # to run it again


def test_code_that_is_not_what_runs_is_not_packed(monkeypatch, tmp_path):
    monkeypatch.setattr(code, "ROOT", tmp_path / "site-packages/simaudit")
    with pytest.raises(
        SimauditError, match=r"src/simaudit: not the simaudit that is running \(.*site-packages"
    ):
        packed()


def test_a_lock_that_is_no_longer_here_is_named_by_hash_and_is_no_file():
    before = digest("requirements.lock")
    write("requirements.lock", "numpy==3.0\nsnakemake==9.9.9\n")
    crate = packed()
    lock = crate.get("#simaudit-train")["softwareRequirements"]
    assert (lock.type, lock["sha256"]) == ("CreativeWork", before)
    assert "softwareVersion" not in crate.get("#snakemake")


def test_times_are_those_of_the_run_logs():
    crate = packed()
    train, run = crate.get("#job/train/net"), crate.get("#run")
    assert train["startTime"] == "2026-01-02T01:00:00+00:00"
    assert train["endTime"] == "2026-01-02T01:01:30+00:00"
    assert (run["startTime"], run["endTime"]) == ("2026-01-02T00:00:00+00:00", "2026-01-02T02:01:30+00:00")
    assert crate.root_dataset["datePublished"] == run["endTime"]


def test_a_time_that_nobody_wrote_down_is_not_invented():
    Path("results/logs/train/net.run.json").unlink()
    crate = packed()
    for action in ("#job/train/net", "#run", "#orchestration"):
        assert "startTime" not in crate.get(action)
        assert "endTime" not in crate.get(action)
    assert "startTime" in crate.get("#job/prepare/d")


def test_without_logs_the_date_is_that_of_the_commit_and_the_version_names_it():
    for log in Path("results/logs").rglob("*.run.json"):
        log.unlink()
    with pytest.raises(SimauditError, match="nothing says when"):
        packed()
    environment = os.environ | {"GIT_COMMITTER_DATE": "2021-02-03T04:05:06+00:00"}
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (
        ["init", "-q"],
        ["add", "Snakefile"],
        ["commit", "-qm", "x", "--date", "2020-01-01T00:00Z"],
    ):
        subprocess.run([*git, *command], check=True, env=environment)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    crate = packed()
    assert crate.root_dataset["datePublished"] == "2021-02-03T04:05:06+00:00"
    assert crate.mainEntity["version"] == f"1.2.0+{commit}"
    write("Snakefile", "rule other:\n")
    assert packed().mainEntity["version"] == f"1.2.0+{commit}.dirty"


def test_names_and_licence_are_those_of_the_citation():
    crate = packed()
    assert crate.name == "An audit"
    assert crate.license.id == "https://spdx.org/licenses/MIT"
    assert crate.mainEntity["author"]["name"] == "Ada Lovelace"
    assert crate.mainEntity["citation"]["name"] == "On leaks"


def changed():
    write(LOSS, "another loss")


def missing():
    Path(WEIGHTS).unlink()


def other_code():
    Sources(Path("src/simaudit")).append("training/loop", "\nprint(1)\n")


def other_question():
    write("results/params/train/net.json", "{}")


def in_the_folder_of_an_audit():
    Path("CITATION.cff").unlink()


def no_record():
    for record in Path("results/records").rglob("*.json"):
        record.unlink()


@pytest.mark.parametrize(
    ("happen", "named"),
    [
        (changed, LOSS),
        (missing, WEIGHTS),
        (other_code, "simaudit.training.loop"),
        (other_question, "results/params/train/net.json"),
        (
            in_the_folder_of_an_audit,
            "CITATION.cff: missing; a crate holds the program",
        ),
        (no_record, "results/records: no record"),
    ],
)
def test_what_is_not_so_is_refused_in_one_line(happen, named):
    happen()
    with pytest.raises(SimauditError) as refused:
        packed()
    assert named in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert not Path("crate").exists()


def test_a_zip_holds_what_the_folder_holds_and_is_the_same_to_the_byte_the_next_time():
    packed()
    packed(output="one.zip")
    packed(output="two.zip")
    with zipfile.ZipFile("one.zip") as archive:
        zipped = {name: archive.read(name) for name in archive.namelist()}
    folder = (path for path in Path("crate").rglob("*") if path.is_file())
    assert zipped == {path.relative_to("crate").as_posix(): path.read_bytes() for path in folder}
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()


def test_a_crate_replaces_a_crate_and_nothing_else():
    packed()
    write("crate/stale.txt", "")
    packed()
    assert not Path("crate/stale.txt").exists()
    for place in ("results", ".", "..", "Snakefile", "ro-crate-metadata.json"):
        write(
            "ro-crate-metadata.json", "{}"
        )  # the project may be somebody's crate: it is not ours to replace
        with pytest.raises(SimauditError, match="no crate"):
            packed(output=place)
    assert Path(WEIGHTS).exists()
    assert Path("Snakefile").exists()


def test_no_reference_leads_nowhere():
    packed()
    graph = json.loads(Path("crate/ro-crate-metadata.json").read_text())["@graph"]
    known = [entity["@id"] for entity in graph]
    assert len(known) == len(set(known))
    outside = ("https://w3id.org/ro/crate/", "https://w3id.org/workflowhub/", "https://doi.org/")
    outside += ("http://schema.org/", "https://snakemake.readthedocs.io")
    for entity in graph:
        for value in entity.values():
            for reference in value if isinstance(value, list) else [value]:
                if isinstance(reference, dict):
                    assert reference["@id"] in known or reference["@id"].startswith(outside), entity


def test_runcrate_reports_every_action(capsys):
    report = pytest.importorskip("runcrate.report")
    report.dump_crate_actions(packed())
    said = capsys.readouterr().out
    for job in JOBS:
        assert f"action: #job/{job}\n" in said
    assert f"#{IMAGES} <- #simaudit-train/images:File" in said
