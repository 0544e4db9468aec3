"""The jobs that score: one attack on one target, for every sample of a split."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field

from simaudit.attacks.attack import Attack, TargetAttack, attack_modules
from simaudit.attacks.residual_attack import ResidualAttack
from simaudit.attacks.wrapping_attack import WrappingAttack
from simaudit.scoring.memory import score_mb
from simaudit.targets.family import TargetFamily, family_modules
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import BatchSize, Most
from simaudit.vocabulary.errors import EntryError, SimauditError
from simaudit.vocabulary.job import Job, plain, reference
from simaudit.vocabulary.kinds import kind_of
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
    import torch

    from simaudit.diffusion.schedule import NoiseSchedule
    from simaudit.scoring.run import Asker, ScoreFile

AttackOfKind = TypeVar("AttackOfKind", bound=Attack)

NEEDS_MEMORY = {"score": "scoring.batch_size"}
"""The knobs that bound the memory of a job, by its function."""

MEMORY_MB = {"score": score_mb}
"""MB of memory that a job needs, by its function."""


class ScoringKnobs(Knobs):
    """How attacks are run; none of it is an attack's own knob."""

    seed: Seed = 0
    batch_size: Annotated[BatchSize | Literal["auto"], Speed()] = "auto"
    shards: Annotated[int, Field(gt=0), Most(1000, "no audit has so many batches"), Speed()] = 1
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
    `conditions` are those under which a model of classes is asked, none for another model. `as_reference` is the
    target's name where it is a reference of the audit; then `reads` has its own split too, as `trained_on`.
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
    ((_, used),) = score_at_once([job])
    return used


def score_at_once(jobs: Sequence[Job]) -> Iterator[tuple[Job, Mapping[str, Any]]]:
    """Run several attacks on the targets of an audit, each of which is loaded once; yield each job that is done."""
    import shutil

    from simaudit.machine.cost import Meter
    from simaudit.machine.progress import log
    from simaudit.scoring.run import write_scores
    from simaudit.storage.json import write_json

    for folder, of_state in _by_state(jobs).items():
        asker, files, device = _asked_for(of_state)
        meter = Meter(device)
        of_each = write_scores(files, asker, folder)
        spent, model = meter.read(), asker.model
        log.info(
            "%s: %d queries of the denoiser, %d if each attack asked alone",
            *(paths.title(of_state[0].name.rpartition("/")[0]), model.asked, model.wanted),
        )
        for job, alone in zip(of_state, of_each, strict=True):
            if "cost" in job.writes:
                cost = spent | {"seconds": alone.seconds}
                if alone.queries:
                    cost["grid_queries"] = alone.queries / len(asker.split)
                    cost["ms_per_query"] = 1000 * alone.seconds / alone.queries
                if alone.made or alone.queries:
                    cost["made_queries"] = alone.made / len(asker.split)
                attacks = {job.params["name"]: {"cost": cost}}
                write_json(job.output("cost"), {"target": job.params["audit"], "attacks": attacks})
            yield job, {"device": str(device)}
        shutil.rmtree(folder, ignore_errors=True)  # all of it has its record


AT_ONCE = {"score": score_at_once}
"""The function that does several jobs at once, by that which does one."""


def score_shard(jobs: Sequence[Job], shard: int, shards: int) -> None:
    """Ask about the samples of one shard of so many, numbered from 1, and keep the answers for who does the jobs."""
    from simaudit.scoring.run import collect
    from simaudit.scoring.unfinished import Unfinished

    for folder, of_state in _by_state(jobs).items():
        asker, files, _ = _asked_for(of_state, shard)
        batches = asker.batches
        first, last = (len(batches) * number // shards for number in (shard - 1, shard))
        collect(files, asker, batches[first:last], Unfinished(folder))


IN_SHARDS = {"score": score_shard}
"""The function that does a part of several jobs, by that which does one."""


def _by_state(jobs: Sequence[Job]) -> dict[Path, list[Job]]:
    """Return the jobs that ask the same weights, by the folder that keeps what is finished of them."""
    states: dict[Path, list[Job]] = {}
    for job in jobs:
        states.setdefault(paths.unfinished(job.name.rpartition("/")[0]), []).append(job)
    return states


def _asked_for(
    jobs: Sequence[Job], shard: int | None = None
) -> tuple["Asker", list["ScoreFile"], "torch.device"]:
    """Return what jobs of one state of a target are to ask, ready to be asked, and the files that they are to write.

    Where there are several GPUs and none is named, each shard takes another.
    """
    import json

    import torch

    from simaudit.data.classes import read_classes
    from simaudit.data.split import Split
    from simaudit.data.store import Images
    from simaudit.machine.devices import resolve_device
    from simaudit.machine.precision import set_precision
    from simaudit.scoring.batch_size import fitting
    from simaudit.scoring.precision_error import against_float32
    from simaudit.scoring.questions import Asking
    from simaudit.scoring.run import Asker, ScoreFile
    from simaudit.scoring.score_file import KIND, LEARNED, LOG_SNR
    from simaudit.storage.hashes import hashes, sha256_bytes, sha256_file
    from simaudit.targets.files import read_summary, target_hash
    from simaudit.targets.loaded import loaded

    first = jobs[0]
    folder, epoch = first.input("target"), first.params["epoch"]
    scoring = ScoringKnobs.model_validate({**first.params["scoring"], **first.speed})
    torch.set_num_threads(scoring.threads)
    split, samples, summary = first.input("split"), Split.read(first.input("split")), read_summary(folder)
    trained_on = first.input("trained_on" if "trained_on" in first.reads else "split")
    if summary["members"]["sha256"] != Split.read(trained_on).member_hash:
        raise SimauditError(
            f"{folder}: was trained on other members than those of {trained_on}; train it again, or score it with the "
            f"split it was trained on ({summary['members']['split']})"
        )
    device = resolve_device(scoring.device, shard or 1)
    precision = set_precision(scoring.precision, device)
    target = loaded(folder, summary, device, epoch)
    conditions, labels = first.params["conditions"], None
    if "labels" in conditions:
        labels = read_classes(first.input("items"), samples.sample_id, target.known_classes)
    images = Images.open(first.input("images"))
    size = fitting(scoring.batch_size, target, images, device)
    asker = Asker(target, images, samples, scoring.seed, size, device, labels)
    read = [hashes(first.inputs), device.type, precision, size]
    of_all = {
        "target_sha256": target_hash(summary),
        "epoch": str(epoch or "last"),
        "split_sha256": sha256_file(split),
        "membership": summary["members"]["known"],
        "device": device.type,
        "dtype": precision,
    }
    asking = {job.name: Asking(attack_of(job.params, TargetAttack), conditions) for job in jobs}
    changes = {}
    if shard is None and "cost" in first.writes:
        sides = {name: one.attack.member_when for name, one in asking.items()}
        changes = against_float32(asker.few(asking), samples, precision, device, sides)
    files = []
    for job in jobs:
        name, attack = job.params["name"], asking[job.name].attack
        metadata = {
            "attack": name,
            KIND: kind_of(attack),
            "version": str(attack.version),
            "member_when": attack.member_when,
            LEARNED: json.dumps(attack.learned),
            "params": attack.model_dump_json(),
            **({"base": attack.base.model_dump_json()} if isinstance(attack, WrappingAttack) else {}),
            LOG_SNR: json.dumps(_log_snr(name, attack, target.schedule)),
        }
        key = sha256_bytes(json.dumps([job.name, plain(job.params), job.identity, *read]).encode())[:16]
        metadata |= of_all | changes.get(job.name, {})
        files.append(ScoreFile(job.output("scores"), asking[job.name], metadata, key))
    return asker, files, device


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
