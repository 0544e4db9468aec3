"""The job that derives: one attack, computed of the scores of others, for every sample of a split."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from simaudit.attacks.derived_attack import DerivedAttack
from simaudit.scoring.jobs import asked, attack_of, modules_of
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference


def derive_mb(job: Job) -> float:
    """Return how much memory the scores need that a derived attack reads."""
    return 600 + 30 * job.read_mb(*{"scores", "references"} & job.reads.keys())


MEMORY_MB = {"derive": derive_mb}
"""MB of memory that a job needs, by its function."""


def derive_job(
    audit: str,
    attack: str,
    knobs: DerivedAttack,
    split: str,
    dataset: str,
    references: Mapping[str, str] = MappingProxyType({}),
) -> Job:
    """Compute one attack of the scores of others of the same audit, its bases, or of images that its target draws.

    `references` are the splits of the audit's references, by target, where the attack reads scores under these, too.
    Its name begins as those of the audit's other scores, so that whoever takes them all takes it too.
    """
    under = {
        "references": {
            name: {base: paths.reference_scores(audit, name, base) for base in knobs.bases}
            for name in references
        },
        "trained_on": {name: paths.split(own) for name, own in references.items()},
    }
    drawn = {"images": paths.images(dataset), "samples": paths.samples(audit)} if knobs.needs_samples else {}
    return Job(
        f"score/{audit}/derived/{attack}",
        reference(derive),
        {"audit": audit, **asked(attack, knobs)},
        {
            "scores": {base: paths.scores(audit, base) for base in knobs.bases},
            "split": paths.split(split),
            "features": paths.features(split),
            **(under if references else {}),
            **drawn,
        },
        {"scores": paths.scores(audit, attack), "cost": paths.cost(audit, attack)},
        modules_of(knobs),
        process=f"{'derive' if references else 'score'}/{audit}",
    )


def derive(job: Job) -> None:
    """Compute one attack of the scores of others or of drawn images, for every sample of the split."""
    from simaudit.data.complexity import read_features
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.machine.cost import Meter
    from simaudit.scoring.derived.derive import ReferenceFiles, write_derived
    from simaudit.storage.json import write_json

    name, samples = job.params["name"], Split.read(job.input("split"))
    attack = attack_of(job.params, DerivedAttack)
    meter = Meter()
    write_derived(
        job.output("scores"),
        name,
        attack,
        _paths(job.reads["scores"]),
        samples,
        read_features(job.input("features"), samples.sample_id),
        {
            target: ReferenceFiles(_paths(files), Path(job.reads["trained_on"][target]))
            for target, files in job.reads.get("references", {}).items()
        },
        **{role: Images.open(job.input(role)) for role in ("images", "samples") if role in job.reads},
    )
    attacks = {name: {"cost": meter.read()}}
    write_json(job.output("cost"), {"target": job.params["audit"], "attacks": attacks})


def _paths(files: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(file) for name, file in files.items()}
