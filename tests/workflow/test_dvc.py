"""What `dvc repro` promises: the same chain, the same incrementality, and peace with Snakemake afterwards."""

import json
import re
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

pytestmark = pytest.mark.workflow


TARGETS = {"digits-ddpm", "digits-optimal"}
"""Two of the smoke parameters' targets: to DVC the others are more of the same stages."""
STAGES = {f"train_{kind}": "train" for kind in ("ddpm", "latent", "optimal")} | {
    "evaluation": "evaluate",
    "figures": "figure",
}
"""The stage of a rule that has another name, both without the audit's."""
SUMMING_UP = {"compare", "numbers", "figures_run", "tables", "verdict", "report"}


def every(stage, targets=TARGETS):
    return {f"{stage}@{target}" for target in targets}


def repro(repository):
    """Run `dvc repro`; the stages that ran."""
    done = repository.run("dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"Running stage '([^']+)'", done.stdout))


@pytest.fixture(scope="module")
def reproduced(module_clone):
    repository = module_clone
    values = yaml.safe_load((repository.path / "params.yaml").read_text())
    for section in ("targets", "audits"):
        repository.change(section, {name: values[section][name] for name in TARGETS})
    repository.run("simaudit", "stamps")  # names of stages for DVC
    per_target = set().union(*map(every, ("train", "score", "evaluate", "figure")))
    once = {"params", "theory", "prepare@digits"}
    once |= {f"{stage}@digits-300" for stage in ("split", "features", "blind", "nearest")}
    assert repro(repository) == once | per_target | SUMMING_UP
    return repository


@pytest.fixture
def repository(reproduced, tmp_path):
    return reproduced.copy(tmp_path / "repository")


def test_afterwards_neither_dvc_nor_snakemake_finds_anything_to_do(reproduced):
    assert "up to date" in reproduced.run("dvc", "status").stdout
    assert reproduced.due() == set()
    assert repro(reproduced) == set()


SUMMARY = "results/summary.json"


def metrics(repository, *files):
    """What `dvc metrics show` has of some files, by their names."""
    shown = json.loads(repository.run("dvc", "metrics", "show", *files, "--json").stdout)
    return {Path(name).as_posix(): entry["data"] for name, entry in shown[""]["data"].items()}


def test_metrics_are_the_summary_of_the_run(reproduced):
    (said,) = metrics(reproduced).items()
    assert said == (SUMMARY, json.loads((reproduced.path / SUMMARY).read_text()))
    assert (said[1]["audited"], said[1]["worst"]) == (1, "digits-ddpm")  # the other is a control


def test_metrics_of_each_audit_are_a_row_where_they_are_asked_for(reproduced):
    files = [f"results/metrics/{target}.json" for target in TARGETS]
    found = metrics(reproduced, *files)
    assert set(found) == set(files)
    row = found["results/metrics/digits-ddpm.json"]
    numbers = json.loads((reproduced.path / "results/numbers.json").read_text())
    auc = numbers[f"digits-ddpm.{row['best']}.auc"]
    assert [row["auc"], row["auc_low"], row["auc_high"]] == [
        round(auc[key], 3) for key in ("value", "low", "high")
    ]
    assert (
        max(numbers[f"digits-ddpm.{a}.calibration_auc"]["value"] for a in ("loss", "pia", "sima"))
        == (numbers[f"digits-ddpm.{row['best']}.calibration_auc"]["value"])
    )


def test_a_changed_attack_and_one_of_the_users_own_are_scored_again_and_nothing_is_trained(repository):
    repository.change("attacks.loss.draws", [2])
    repository.add_the_attack_of_the_docs()
    repository.change("audits.digits-ddpm.attacks", ["loss", "my_attack", "pia", "sima"])
    rerun = {f"{stage}@digits-ddpm" for stage in ("score", "evaluate", "figure")}
    assert repro(repository) == {"params"} | rerun | SUMMING_UP
    assert repository.done_by("score/digits-ddpm") == [
        *(f"score/digits-ddpm/{name}" for name in ("loss", "my_attack")),
        "own_statistics/digits-ddpm",
    ]
    assert "quality/digits-ddpm" not in repository.done_by("evaluation/digits-ddpm")
    summary = json.loads((repository.path / "results/evaluation/digits-ddpm.json").read_text())
    assert "my_attack" in summary["attacks"]
    assert summary["attacks"]["loss"]["selected"]["variant"] == {"draws": 2}
    diff = json.loads(repository.run("dvc", "metrics", "diff", "--json").stdout)
    assert SUMMARY in {Path(name).as_posix() for name in diff}
    assert "up to date" in repository.run("dvc", "status").stdout
    assert repository.due() == set()

    repository.change("audits.digits-ddpm.attacks", ["loss", "pia", "sima"])
    assert repro(repository) == {"params"} | rerun | SUMMING_UP
    left = {path.stem for path in (repository.path / "results/scores/digits-ddpm").glob("*.parquet")}
    assert left == {"loss", "pia", "sima"}
    assert repository.done_by("score/digits-ddpm") == ["own_statistics/digits-ddpm"]
    assert "up to date" in repository.run("dvc", "status").stdout
    assert repository.due() == set()


def test_code_of_a_figure_redraws_and_a_comment_does_not(repository):
    module = "src/simaudit/figures/of_target/nearest_member.py"
    repository.append(module, "\n# a remark\n")
    assert repro(repository) == {"params"}
    repository.append(module, "\nlen(__name__)\n")
    assert repro(repository) == {"params", "figure@digits-ddpm"}  # to the same picture
    assert repository.done_by("figures/digits-ddpm") == ["figure/digits-ddpm/nearest_member"]
    assert repository.due() == set()


def test_a_target_more_is_a_stage_more_once_its_name_is_known(repository):
    repository.change("targets.another", {"kind": "optimal", "split": "digits-300"})
    repository.change("audits.another", {"target": "another", "attacks": ["sima"], "figures": []})
    done = repository.run("dvc", "repro", "train@digits-optimal")
    assert done.returncode != 0
    assert (
        "workflow/expanded.yaml: was not what params.yaml asks for, and is now; run the command again"
        in done.stderr
    )
    assert {"train@another", "params"} <= set(json.loads(repository.run("dvc", "status", "--json").stdout))


def test_a_wrong_parameter_stops_before_any_work_with_its_line(repository):
    repository.change("targets.digits-ddpm.training.batch_size", 0)
    done = repository.run("dvc", "repro")
    assert done.returncode != 0
    line = "params.yaml: targets.digits-ddpm.training.batch_size: must be greater than 0 (got 0)"
    assert line in done.stderr.splitlines()
    assert "exited with 2" in done.stderr
    assert "Running stage 'train" not in done.stdout


def test_every_stage_declares_what_its_rule_reads_and_writes(finished):
    """dvc.yaml against the Snakefile: a stage's outs hold its rules' outputs, its deps cover their inputs."""
    table = finished.snakemake("--detailed-summary").stdout.splitlines()
    header = next(i for i, line in enumerate(table) if line.startswith("output_file"))
    columns = table[header].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in table[header + 1 :] if "\t" in line]
    audits = yaml.safe_load((finished.path / "params.yaml").read_text())["audits"]
    shared = {f"{process}_{name}" for process in ("score", "evaluation", "figures") for name in audits}
    once = {
        "prepare",
        "split",
        "train_ddpm",
        "train_optimal",
        "train_latent",
        "blind",
        "nearest",
        "features",
        "theory",
    }
    assert {row["rule"] for row in rows} == once | shared | SUMMING_UP

    def under(path, folders):
        return any(Path(path).is_relative_to(folder) for folder in folders)

    stages = {
        stage.name: (
            [Path(out.fspath).relative_to(finished.path) for out in stage.outs],
            [Path(dep.fspath).relative_to(finished.path) for dep in stage.deps if dep.protocol == "local"],
        )
        for stage in Repo(str(finished.path)).index.stages
    }
    for row in rows:
        (stage,) = (name for name, (outs, _) in stages.items() if under(row["output_file"], outs))
        rule = row["rule"] if row["rule"] in once | SUMMING_UP else row["rule"].split("_")[0]
        assert stage.split("@")[0] == STAGES.get(rule, rule)
        for path in filter(None, row["input-file(s)"].split(",")):
            assert under(path, stages[stage][1]), f"{stage} lacks a dependency on {path}"
