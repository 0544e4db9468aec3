"""What must hold between params.yaml and what is here already: sizes of data, folders of models, memory."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from simaudit.data.membership import Given
from simaudit.data.sizes import fold_sizes, heldout_of, refuse_small
from simaudit.plan.explain import Mistake
from simaudit.plan.params import Params
from simaudit.provenance.records import Record
from simaudit.provenance.stamps import Stamp
from simaudit.storage.walk import files_below
from simaudit.targets.checkpoint.component import CONFIG, with_weights
from simaudit.targets.family import TargetFamily
from simaudit.targets.files import AUTOENCODER, AUTOENCODER_CLASS, unaccounted
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import FileError, KnobError, SimauditError, shown, some

Mistakes = Iterator[Mistake]

LARGEST_TABLE = 16 * 2**30  # bytes
BYTES = {"bootstrap": 2, "permutations": 9}
"""Of each resample of each sample: how often it was drawn, twice; its label, as a truth value and in a product."""


def mistakes(params: Params) -> Mistakes:
    """Yield every value that does not fit the data, where a source knows its sizes, or the files that are here."""
    yield from _sources(params)
    yield from _splits(params)
    yield from _shapes(params)
    yield from _pretrained(params)


def unusable_targets(params: Params) -> Mistakes:
    """Yield every target whose files are not here, or not such as it needs: nothing else can be said of it."""
    for name, target in params.targets.items():
        try:
            target.require_given()
        except KnobError as error:
            yield Mistake(("targets", name, *error.key.split(".")), error.why)
        else:
            yield from _strangers(name, target)


def _strangers(name: str, target: TargetFamily) -> Mistakes:
    """Yield the files in the folder of a target that no job of this run has made, since its training replaces them."""
    folder, record = paths.target(name), paths.record(f"train/{name}")
    made = {Path(file) for file in Record.read(record).outputs} if record.exists() else set[Path]()
    if strangers := [file for file in unaccounted(folder, target.files) if file not in made]:
        why = (
            f"{folder}: holds files that no job of this run made, such as {strangers[0]}; move them elsewhere"
        )
        yield Mistake(
            ("targets", name), f"{why}, and name that folder as path of a target of kind checkpoint"
        )


def _sources(params: Params) -> Mistakes:
    made = [Path(os.path.realpath(folder)) for folder in paths.MADE]
    for name in params.used_datasets:
        apart = []
        for path in params.datasets[name].given:
            real = Path(os.path.realpath(path))
            if any(own.is_relative_to(real) or real.is_relative_to(own) for own in made):
                why = "holds this run too; name a folder of images alone"
                yield Mistake(("datasets", name), f"{path}: {why}")
            else:
                apart.append(path)
        for path, why in _unreadable(f"prepare/{name}", apart):
            yield Mistake(("datasets", name), f"{path}: {why}")


def _splits(params: Params) -> Mistakes:
    for name in params.used_splits:
        split, shape = params.splits[name], params.datasets[params.dataset_of(name)].shape
        if isinstance(split.members, Given):  # how many they are is in their files
            yield from _lists(name, split.members.files)
        elif shape is not None:
            used = shape[0] if split.heldout is None else min(shape[0], split.members + split.heldout)
            try:
                heldout = heldout_of(shape[0], split.members, split.heldout)
                refuse_small(fold_sizes(split.members, heldout, split.calibration))
            except KnobError as error:
                yield Mistake(("splits", name, error.key), error.why)
            except SimauditError as error:
                yield Mistake(("splits", name), str(error), same=str(error))
            yield from _resamples(params, name, used)


def _lists(split: str, files: Mapping[str, Path]) -> Mistakes:
    unreadable = dict(_unreadable(f"split/{split}", files.values()))
    for key, path in files.items():
        is_folder = path not in unreadable and path.is_dir()
        if why := unreadable.get(path) or ("is a folder; name a file" if is_folder else None):
            yield Mistake(("splits", split, "members", key), f"{why} (got {shown(str(path))})")


def _unreadable(job: str, given: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the files and folders that a job cannot read; what it has read before may be elsewhere now."""
    before = Stamp.readable(paths.stamp(job))
    known = before.given if before else {}
    for path in given:
        if not os.access(path, os.F_OK):  # which takes a path of any length
            if not known.get(path.as_posix()):
                yield path, "no such file or folder; put it there, or name another"
        elif locked := _locked(path):
            inside = "" if locked == [path] else f"{some(map(str, locked))}: "
            yield path, f"{inside}must not be read; change its permissions"


def _locked(path: Path) -> list[Path]:
    """Return what must not be read of a file, or of a folder and all below it."""
    if not os.access(path, os.R_OK):
        return [path]
    try:
        return [file for file in files_below(path) if not os.access(file, os.R_OK)] if path.is_dir() else []
    except PermissionError as error:
        return [Path(error.filename)]


def _resamples(params: Params, split: str, samples: int) -> Mistakes:
    for key, each in BYTES.items():
        if getattr(params.evaluation, key) * samples * each > LARGEST_TABLE:
            most = LARGEST_TABLE // (samples * each)
            why = f"must be at most {most}: more do not fit into memory, each with the {samples} samples of {split}"
            yield Mistake(("evaluation", key), why)


def _shapes(params: Params) -> Mistakes:
    for name, target in params.targets.items():
        shape = params.datasets[params.dataset_of(target.split)].shape
        if shape is not None:
            try:
                target.require_shape(shape[1:])
            except KnobError as error:
                yield Mistake(("targets", name, *error.key.split(".")), error.why)


def _pretrained(params: Params) -> Mistakes:
    for name, target in params.targets.items():
        if target.borrowed and (why := _why_not(params, name, target.borrowed)):
            got = shown(str(target.borrowed))
            yield Mistake(("targets", name, "autoencoder", "pretrained"), f"{why} (got {got})")


def _why_not(params: Params, name: str, folder: Path) -> str | None:
    """Return why a target cannot take its autoencoder from a folder; None where it can."""
    made_by = paths.target_of(folder)
    if made_by is None:
        return _why_no_autoencoder(folder)
    if made_by not in params.targets:  # perhaps it was made when params.yaml said otherwise
        is_here = ".." not in folder.parts and _why_no_autoencoder(folder) is None
        return None if is_here else f"no such entry; known: {some(params.targets)}"
    if not params.targets[made_by].is_latent or folder != paths.target(made_by) / AUTOENCODER:
        return (
            f"targets.{made_by} writes no autoencoder there; name the folder {AUTOENCODER} of a latent target"
        )
    seen = {name}
    while made_by in params.targets and made_by not in seen:
        seen.add(made_by)
        borrowed = params.targets[made_by].borrowed
        made_by = paths.target_of(borrowed) if borrowed else None
    why = "goes in a circle; name the autoencoder of a target that trains its own"
    return why if made_by in seen else None


def _why_no_autoencoder(folder: Path) -> str | None:
    """Return why a folder is none in which diffusers saved an autoencoder; None where it looks like one."""
    remedy = f"name a folder in which diffusers saved an {AUTOENCODER_CLASS}"
    try:
        with_weights(folder / CONFIG, (AUTOENCODER_CLASS,), remedy)
    except (FileError, OSError) as error:
        return str(error) if isinstance(error, FileError) else f"cannot be read; {remedy}"
    return None
