"""Every phase reruns exactly when something that decides its result has changed: found from the jobs' declarations."""

import ast
from pathlib import Path

import pytest
from repositories import ROOT

from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.vocabulary import paths

pytestmark = pytest.mark.workflow

JOBS = {job.name: job for job in jobs(load([ROOT / "params.yaml", ROOT / "experiments/smoke.yaml"]))}
FUNCTIONS = {job.phase: job.run for job in JOBS.values()}


def written_by(job):
    return [*job.outputs, paths.record(job.name)]


def under(path, folders):
    return any(Path(path).is_relative_to(folder) or Path(folder).is_relative_to(path) for folder in folders)


def with_what_follows(phase):
    """The processes that do the jobs of a phase, and each that reads something that one of these writes."""
    processes = {job.done_by for job in JOBS.values() if job.phase == phase}
    while True:
        made = [path for job in JOBS.values() if job.done_by in processes for path in written_by(job)]
        reading = {job.done_by for job in JOBS.values() if any(under(path, made) for path in job.inputs)}
        if reading <= processes:
            return processes
        processes |= reading


def function_file(repository, phase):
    """The file of the function that does the jobs of a phase, and the function's syntax tree in it."""
    module, _, name = FUNCTIONS[phase].partition(":")
    file = repository.path / "src" / f"{module.replace('.', '/')}.py"
    tree = ast.parse(file.read_text())
    return file, next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


@pytest.fixture(scope="module")
def repository(finished, tmp_path_factory):
    """A finished clone whose files each test leaves as it found them."""
    return finished.copy(tmp_path_factory.mktemp("identity") / "clone")


@pytest.mark.parametrize("phase", sorted(FUNCTIONS))
def test_a_computing_line_more_reruns_its_phase_and_what_follows(repository, phase):
    file, function = function_file(repository, phase)
    text = file.read_text()
    first = function.body[1]  # after the docstring
    lines = text.splitlines(keepends=True)
    lines.insert(first.lineno - 1, " " * first.col_offset + "len(job.reads)\n")
    file.write_text("".join(lines))
    try:
        assert repository.due() == with_what_follows(phase)  # and nothing by the line of the phase before
    finally:
        file.write_text(text)


def test_lines_that_are_taken_out_again_leave_nothing_due(repository):
    assert repository.due() == set()


def test_comments_docstrings_layout_rules_and_speed_rerun_nothing(finished, tmp_path):
    repository = finished.copy(tmp_path / "clone")
    for phase in FUNCTIONS:
        file, function = function_file(repository, phase)
        docstring = ast.get_docstring(function, clean=False)
        file.write_text(file.read_text().replace(docstring, f"{docstring} And this."))
    for file in (repository.path / "src").rglob("*.py"):
        file.write_text(file.read_text() + "\n\n# a remark\n")
    for file in (repository.path / "workflow").rglob("*.smk"):
        file.write_text(file.read_text() + "\n# a remark\n")
    for key, value in {
        "scoring.batch_size": 17,
        "scoring.device": "cpu",
        "scoring.threads": 2,
        "evaluation.threads": 2,
        "targets.digits-ddpm.training.threads": 2,
        "targets.digits-ddpm.training.device": "cpu",
        "targets.digits-ddpm.training.checkpoint_every": 7,
        "targets.digits-ldm.autoencoder.training.checkpoint_every": 7,
    }.items():
        repository.change(key, value)
    assert repository.due() == set()
