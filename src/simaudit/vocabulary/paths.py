"""Where everything is: the only module that spells params.yaml and paths under data/ and results/."""

from pathlib import Path

PARAMS = Path("params.yaml")
"""The parameters of a run, in the folder that it is run in."""
DATA, RESULTS = Path("data"), Path("results")
PREPARED, SPLITS = DATA / "prepared", DATA / "splits"
"""What the pipeline makes of raw data, which may lie beside them."""
MADE = (PREPARED, SPLITS, RESULTS)
"""The folders that hold nothing but what a run makes."""

RUN = "run"
"""The folder of the figures and tables of all audits together, beside those of each; no audit may have this name."""

TARGET_FILES = {
    "summary": "evaluation/{target}.json",
    "table": "evaluation/{target}.parquet",
    "selected": "evaluation/selected/{target}.parquet",
    "differences": "evaluation/differences/{target}.json",
    "permutation": "evaluation/permutation/{target}.json",
    "epochs": "evaluation/epochs/{target}.json",
    "profiles": "evaluation/profiles/{target}.parquet",
    "quality": "evaluation/quality/{target}.json",
    "own_statistics": "samples/statistics/{target}.parquet",
    "own_samples": "evaluation/own_samples/{target}.json",
    "sets": "evaluation/sets/{target}.json",
    "set_p_values": "evaluation/sets/{target}.parquet",
    "at_risk": "evaluation/at_risk/{target}.json",
    "at_risk_samples": "evaluation/at_risk/{target}.parquet",
    "at_risk_sheet": "evaluation/at_risk/{target}.png",
    "metrics": "metrics/{target}.json",
    "gallery": "samples/shown/{target}.npz",
    "sheet": "samples/shown/{target}.png",
}
"""Results of one audit under results/, by the name that figures and comparisons read them by."""

RUN_FILES = {
    "numbers": "numbers.json",
    "published": "comparison/published.json",
    "line": "theory/line.parquet",
    "field": "theory/field.parquet",
}
"""Results of all audits together under results/, by name."""

SPLIT_FILES = {
    "pairs": "evaluation/nearest/{split}.npz",
    "pairs_sheet": "evaluation/nearest/{split}.png",
}
"""Results of one split under results/ that figures read, by name."""

COMPARISONS = ("against", "carried", "controls", "groups", "published", "ranks")
"""The files of results/comparison/."""

STAMPS, RECORDS, LOGS = RESULTS / "params", RESULTS / "records", RESULTS / "logs"
SPEED = RESULTS / "speed.json"
"""The speed knobs of every job, which are in no stamp."""
PROCESSES = RESULTS / "processes.json"
"""The names of the jobs that one process does, by its name, where there are several."""
ASKED = RESULTS / "asked.json"
"""The parameter files that the last run was asked for by."""
COST, OCCASION = RESULTS / "cost", RESULTS / "occasion.json"
"""What each attack cost; and when the numbers were taken, by which version of simaudit and at which commit."""
MEASURED = (COST, OCCASION)
"""The folders and files of what is measured while a job runs: another run does not repeat it."""
VERDICT = RESULTS / "verdict.json"
"""The verdicts of a run, for machines; the page and the terminal begin with what it says."""
SUMMARY = RESULTS / "summary.json"
"""A run in a few plain numbers, which DVC shows of every revision and experiment."""
TARGETS, SCORES, TABLES, NUMBERS = (
    RESULTS / "targets",
    RESULTS / "scores",
    RESULTS / "tables",
    RESULTS / "numbers.json",
)
PAGE = RESULTS / "report" / "index.html"
FIGURES, FIGURE_SUFFIXES = RESULTS / "figures", ("pdf", "png", "csv", "json")


def images(dataset: str) -> Path:
    """Return the path of the prepared images of a dataset."""
    return PREPARED / dataset / "images.npy"


def items(dataset: str) -> Path:
    """Return the path of what is known of each image of a dataset: file, label, caption, origin, hash."""
    return PREPARED / dataset / "items.parquet"


def split(name: str) -> Path:
    """Return the path of who is a member of a split."""
    return SPLITS / f"{name}.parquet"


def target(name: str) -> Path:
    """Return the folder of a target's weights."""
    return TARGETS / name


def target_of(path: Path) -> str | None:
    """Return the name of the target in whose folder a path lies; None where it is in none."""
    return path.relative_to(TARGETS).parts[0] if TARGETS in path.parents else None


def features(split: str) -> Path:
    """Return the path of how complex each image of a split is."""
    return RESULTS / "features" / f"{split}.parquet"


def checkpoints(name: str) -> Path:
    """Return the folder of a training's progress, which outlives a killed job."""
    return RESULTS / "checkpoints" / name


def unfinished(name: str) -> Path:
    """Return the folder of what is finished of scores that are not, by what the names of their jobs begin with.

    No such folder is in another, since it is deleted when its scores are finished.
    """
    return RESULTS / "unfinished" / name.replace("/", ".")


def shard(process: str, number: int) -> Path:
    """Return the path of a file that says that a shard of a process is done, and of nothing else."""
    return RESULTS / "shards" / process / f"{number}.json"


def scores(audit: str, attack: str, epoch: int | None = None) -> Path:
    """Return the path of an attack's scores, on an intermediate checkpoint where an epoch is given."""
    return SCORES / audit / (f"epochs/{epoch}" if epoch else "") / f"{attack}.parquet"


def reference_scores(audit: str, reference: str, attack: str) -> Path:
    """Return the path of an attack's scores on a reference of an audit, for the samples of the audit."""
    return SCORES / audit / "references" / reference / f"{attack}.parquet"


def cost(audit: str, attack: str) -> Path:
    """Return the file of what scoring spent."""
    return COST / audit / f"{attack}.json"


def samples(audit: str) -> Path:
    """Return the path of the images drawn from an audit's target."""
    return RESULTS / "samples" / f"{audit}.npy"


def blind(split: str, suffix: str) -> Path:
    """Return the path of the scores (parquet) or the summary (json) of the blind classifiers of a split."""
    return RESULTS / "evaluation" / "blind" / f"{split}.{suffix}"


def nearest(split: str, suffix: str = "parquet") -> Path:
    """Return the path of the nearest member of every sample (parquet), or of how many are near duplicates (json)."""
    return RESULTS / "evaluation" / "nearest" / f"{split}.{suffix}"


def comparison(name: str) -> Path:
    """Return the path of one of COMPARISONS."""
    return RESULTS / "comparison" / f"{name}.json"


def of_target(name: str, target: str) -> Path:
    """Return the path of one of TARGET_FILES."""
    return RESULTS / TARGET_FILES[name].format(target=target)


def of_run(name: str) -> Path:
    """Return the path of one of RUN_FILES."""
    return RESULTS / RUN_FILES[name]


def of_split(name: str, split: str) -> Path:
    """Return the path of one of SPLIT_FILES."""
    return RESULTS / SPLIT_FILES[name].format(split=split)


def stamp(job: str) -> Path:
    """Return the path of the stamp of a job."""
    return STAMPS / f"{job}.json"


def record(job: str) -> Path:
    """Return the path of the record of a job."""
    return RECORDS / f"{job}.json"


def log(job: str) -> Path:
    """Return the path of the log of a job, or of a process that does several."""
    return LOGS / f"{job}.log"


def job_of(log: Path) -> str:
    """Return the name of the job or process that writes a log: that of results/logs/sample/net.log is sample/net."""
    job = log.relative_to(LOGS) if log.is_relative_to(LOGS) else Path(log.name)
    return job.with_suffix("").as_posix()


def title(job: str) -> str:
    """Return the name of a job or process for people: sample/net is "sample net"."""
    return job.replace("/", " ", 1)
