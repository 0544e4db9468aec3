"""The commands of README.md and docs/, typed in a finished run: all that take seconds there."""

from itertools import chain

import pytest

from commands_of_pages import commands

pytestmark = pytest.mark.workflow

INSTEAD = {
    "simaudit COMMAND --help": "simaudit trace --help",
    "simaudit run PROCESS": "simaudit run evaluation/digits-ddpm",
    "simaudit run JOB": "simaudit run verdict",
    "simaudit run <job>": "simaudit run split/digits-300",
    "simaudit trace ID": "simaudit trace digits-ddpm.pia.auc",
    "simaudit trace FILE": "simaudit trace results/summary.json",
    "simaudit diff A B": "simaudit diff . results/numbers.json",
    "simaudit diff A B --output diff.html": "simaudit diff . results/numbers.json --output diff.html",
    # What the small run does not draw.
    "simaudit figure norms --target digits-ddpm --output norms.pdf": (
        "simaudit figure roc_loglog --target digits-ddpm --output norms.pdf"
    ),
    "simaudit figure mean_ranks --output ranks.pdf": "simaudit figure forest --output ranks.pdf",
}
"""What is typed in place of a command that has a placeholder, or asks for what the small run has not."""

NOT_TYPED = {
    "a subcommand that is named without what it needs": [
        "simaudit audit",
        "simaudit convert",
        "simaudit evaluate-scores",
        "simaudit run",
        "simaudit run score/…",
        "simaudit trace",
        "simaudit verify",
    ],
    "test_your_model.py types it": [
        "simaudit example case",
        "simaudit audit --model model --images images --members members.csv --dry-run",
        "simaudit audit --model model --images images --members members.csv --output audit",
        "simaudit audit --model model --images images --members members.csv --output audit "
        "--fail-above tpr_at_1pct_fpr=0.05",
        "simaudit trace model.sima.auc",
    ],
    "test_scores_page.py types it": [
        "simaudit evaluate-scores theirs.csv --member-when low --output theirs",
        "simaudit trace theirs.secmi.auc",
    ],
    "it reads files of the reader": [
        "simaudit audit --model my-model --images photos --members members.csv --dry-run",
        "simaudit audit --model my-model --images photos --members members.csv --fail-above tpr_at_1pct_fpr=0.05",
        "simaudit convert FORMAT CHECKPOINT [--flagfile FILE] [--weights NAME] --output DIR",
        "simaudit convert pytorch-ddpm downloads/ckpt.pt --flagfile downloads/flagfile.txt --output cifar10-ddpm",
        "dvc add data/raw/photos data/raw/members.csv",
        "snakemake --cores all --configfile own.yaml --directory own",
    ],
    "it needs a remote, which test_handover.py has": [
        "dvc import-url s3://bucket/photos data/raw/photos",
        "dvc pull",
        "dvc push",
    ],
    "it needs a cluster, which test_slurm.py has": [
        "snakemake --profile profiles/slurm",
        "snakemake --profile profiles/slurm --profile site.yaml",
    ],
    "it trains, or scores all again, for minutes or hours": [
        "dvc exp run -S targets.digits-ddpm.training.seed=1",
        "simaudit verify --rerun score:digits-ddpm",
        "snakemake --cores all --configfile experiments/beta-sweep.yaml --directory beta-sweep",
        "snakemake --cores all --configfile experiments/full-grids.yaml --directory full-grids",
        "snakemake --cores all --configfile experiments/seeds.yaml --directory seeds",
        "snakemake --cores all --configfile experiments/smoke.yaml --directory smoke",
        "snakemake --forceall",
    ],
    "it tests or measures for minutes": [
        "make bench",
        "make bench-gpu",
        "make coverage",
        "make fuzz",
        "make test",
    ],
    "it deletes the results": [
        "make clean",
    ],
    "it is about the default run": [
        "make doc-numbers",
        "simaudit params --config params.yaml --config experiments/epochs.yaml",
    ],
}
"""The commands that are read here and not typed, by the reason."""


@pytest.fixture
def repository(results):
    """A finished run that DVC knows, too, with an environment that make finds ready."""
    ready = results.path / ".venv/.ready"
    ready.parent.mkdir()
    ready.touch()
    for command in (
        "simaudit adopt",
        "git add --all",
        "git -c user.name=a -c user.email=b commit -qm results",
    ):
        done = results.run(*command.split())
        assert done.returncode == 0, done.stderr
    return results


def test_what_takes_seconds_in_a_finished_run_ends_well(repository):
    written = list(dict.fromkeys(" ".join(command.words) for command in commands()))
    left_out = set(chain.from_iterable(NOT_TYPED.values()))
    assert left_out | INSTEAD.keys() <= set(written), "no page has it any more"
    failed = {}
    for command in written:
        if command not in left_out:
            done = repository.run(*INSTEAD.get(command, command).split())
            if done.returncode:
                failed[command] = done.stdout[-1000:] + done.stderr[-1000:]
    assert not failed
