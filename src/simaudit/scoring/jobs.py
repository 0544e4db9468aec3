"""The jobs that score: one attack on one target, for every sample of a split; or one attack, derived of others."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from simaudit.attacks.attack import Attack, TargetAttack, attack_modules, kind_of
from simaudit.attacks.derived_attack import DerivedAttack
from simaudit.attacks.residual_attack import ResidualAttack
from simaudit.attacks.wrapping_attack import WrappingAttack
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.targets.memory import model_mb
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import BatchSize
from simaudit.vocabulary.errors import EntryError, SimauditError
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import (
    Condition,
    Device,
    Knobs,
    Precision,
    Seed,
    Speed,
    Threads,
    deciding,
    speed,
)
from simaudit.vocabulary.registry import implementation

if TYPE_CHECKING:
    from simaudit.diffusion.schedule import NoiseSchedule

AttackOfKind = TypeVar("AttackOfKind", bound=Attack)

NEEDS_MEMORY = {"score": "scoring.batch_size"}
"""The knobs that bound the memory of a job, by its function."""


def derive_mb(job: Job) -> float:
    """Return how much memory the scores need that a derived attack reads."""
    return 600 + 30 * job.read_mb(*{"scores", "references"} & job.reads.keys())


MEMORY_MB = {"score": model_mb, "derive": derive_mb}
"""MB of memory that a job needs, by its function."""


class ScoringKnobs(Knobs):
    """How attacks are run; none of it is an attack's own knob."""

    seed: Seed = 0
    batch_size: Annotated[BatchSize, Speed()] = 256
    precision: Precision = "float32"
    device: Device = "auto"
    threads: Threads = 1


def score_job(
    audit: str,
    attack: str,
    knobs: TargetAttack,
    scoring: ScoringKnobs,
    reads: Mapping[str, Any],
    family: TargetFamily,
    epoch: int | None = None,
    conditions: Sequence[Condition] = (),
    as_reference: str | None = None,
) -> Job:
    """Run one attack on one target; `reads` are its images, split and target, and its items where labels are asked for.

    `epoch` says which intermediate checkpoint is attacked, None that it is the target itself, whose cost is kept too.
    `conditions` are those under which a model of classes is asked, none for another model. `as_reference`
    is the target's name where it is a reference of the audit; then `reads` has its own split too, as `trained_on`.
    """
    state = f"epochs/{epoch}/" if epoch else f"references/{as_reference}/" if as_reference else ""
    params = {**asked(attack, knobs), "scoring": deciding(scoring), "epoch": epoch}
    of = {"audit": audit, "kind": family.kind, "conditions": list(conditions)}
    scores = paths.scores(audit, attack, epoch)
    if as_reference:
        scores = paths.reference_scores(audit, as_reference, attack)
    return Job(
        f"score/{audit}/{state}{attack}",
        reference(score),
        of | params,
        reads,
        {"scores": scores} | ({} if state else {"cost": paths.cost(audit, attack)}),
        (*modules_of(knobs), family_modules()[family.kind]),
        speed=speed(scoring),
        process=f"{'references' if as_reference else 'score'}/{audit}",
    )


def score(job: Job) -> Mapping[str, Any]:
    """Run one attack on one target, for every sample of the split."""
    import json

    import numpy as np
    import torch

    from simaudit.data.classes import read_classes
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.diffusion.noise import SampleNoise
    from simaudit.machine.cost import Meter
    from simaudit.machine.devices import resolve_device
    from simaudit.machine.precision import set_precision
    from simaudit.machine.transfer import sent
    from simaudit.scoring.precision_error import Asked, against_float32
    from simaudit.scoring.run import score_batch, write_scores
    from simaudit.scoring.score_file import LEARNED, LOG_SNR
    from simaudit.storage.hashes import sha256_file
    from simaudit.storage.json import write_json
    from simaudit.targets.family import family_type
    from simaudit.targets.files import read_summary, state_folder, target_hash

    folder, name, epoch = job.input("target"), job.params["name"], job.params["epoch"]
    scoring = ScoringKnobs.model_validate({**job.params["scoring"], **job.speed})
    torch.set_num_threads(scoring.threads)
    split, samples, summary = job.input("split"), Split.read(job.input("split")), read_summary(folder)
    trained_on = job.input("trained_on" if "trained_on" in job.reads else "split")
    if summary["members"]["sha256"] != Split.read(trained_on).member_hash:
        raise SimauditError(
            f"{folder}: was trained on other members than those of {trained_on}; train it again, or score it with the "
            f"split it was trained on ({summary['members']['split']})"
        )
    attack = attack_of(job.params, TargetAttack)
    device = resolve_device(scoring.device)
    precision = set_precision(scoring.precision, device)
    target = family_type(job.params["kind"]).load(state_folder(folder, epoch), device)
    log_snr = _log_snr(name, attack, target.schedule)
    conditions, labels = job.params["conditions"], None
    if "labels" in conditions:
        labels = read_classes(job.input("items"), samples.sample_id, target.known_classes)
    images = Images.open(job.input("images"))

    def ask(places: np.ndarray) -> Asked:
        ids, asked = samples.sample_id[places], None if labels is None else torch.from_numpy(labels[places])
        noise = SampleNoise(scoring.seed, ids)
        return {name: score_batch(attack, target, sent(images[ids], device), noise, conditions, asked)}

    changes = against_float32(ask, samples, precision, device, {name: attack.member_when})
    meter = Meter(device)
    write_scores(
        job.output("scores"),
        attack,
        target,
        images,
        samples,
        seed=scoring.seed,
        batch_size=scoring.batch_size,
        device=device,
        metadata={
            "attack": name,
            "version": str(attack.version),
            "member_when": attack.member_when,
            LEARNED: json.dumps(attack.learned),
            "target_sha256": target_hash(summary),
            "epoch": str(epoch or "last"),
            "split_sha256": sha256_file(split),
            "membership": summary["members"]["known"],
            "params": attack.model_dump_json(),
            **({"base": attack.base.model_dump_json()} if isinstance(attack, WrappingAttack) else {}),
            LOG_SNR: json.dumps(log_snr),
            "device": device.type,
            "dtype": precision,
            **changes.get(name, {}),
        },
        conditions=conditions,
        labels=labels,
    )
    if "cost" in job.writes:
        attacks = {name: {"cost": meter.read()}}
        write_json(job.output("cost"), {"target": job.params["audit"], "attacks": attacks})
    return {"device": str(device)}


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
    from simaudit.scoring.derive import ReferenceFiles, write_derived
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


def asked(name: str, knobs: Attack) -> dict[str, Any]:
    """Return what a job says of an attack: the name of its entry, its kind, its knobs, and those of what it wraps."""
    said = {"name": name, "attack_kind": kind_of(knobs), "attack": deciding(knobs)}
    if isinstance(knobs, WrappingAttack):
        said |= {"base_kind": kind_of(knobs.base), "base": deciding(knobs.base)}
    return said


def modules_of(knobs: Attack) -> tuple[str, ...]:
    """Return the module of an attack, and that of what it wraps."""
    kinds = [knobs, *([knobs.base] if isinstance(knobs, WrappingAttack) else [])]
    return tuple(attack_modules()[kind_of(kind)] for kind in kinds)


def attack_of(said: Mapping[str, Any], base: type[AttackOfKind]) -> AttackOfKind:
    """Return the attack of which a job says this, bound to what it wraps."""
    attack = implementation(attack_modules()[said["attack_kind"]], base).model_validate(said["attack"])
    if isinstance(attack, WrappingAttack):
        wrapped = implementation(attack_modules()[said["base_kind"]], ResidualAttack)
        return attack.on(wrapped.model_validate(said["base"]))
    return attack


def _log_snr(name: str, attack: TargetAttack, schedule: "NoiseSchedule") -> dict[int, float]:
    """Return the log-SNR of every timestep of an attack's statistics.

    Raises SimauditError when it is infinite at one of these, or at the last one that is asked for: without any signal,
    or any noise, an attack would divide by zero.
    """
    for t in sorted({*attack.grid, *([] if attack.last_query is None else [attack.last_query])}):
        if math.isinf(value := schedule.log_snr(t)):
            lacking = "signal" if value < 0 else "noise"
            why = f"the target's schedule leaves no {lacking} at {t}; leave out what asks there"
            raise EntryError(attack.timesteps_of(name), why)
    return {t: schedule.log_snr(t) for t in attack.grid}
