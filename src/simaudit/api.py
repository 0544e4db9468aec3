"""The Python interface: load a model, score images by an attack, measure how members are told apart, open a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pydantic import ValidationError

from simaudit.attacks.attack import TargetAttack, attack_modules, attack_type
from simaudit.attacks.residual_attack import ResidualAttack
from simaudit.attacks.wrapping_attack import WrappingAttack, can_be_wrapped
from simaudit.audit.attacks import why_not
from simaudit.audit.question import require_known
from simaudit.data.prepare import write_store
from simaudit.data.source import Item, source_type
from simaudit.data.store import Images, read_items
from simaudit.diffusion.noise import SampleNoise
from simaudit.evaluation.numbers import Ledger, Number, number_id
from simaudit.evaluation.statistics.intervals import Delong, Interval
from simaudit.evaluation.statistics.rates import tpr_interval
from simaudit.evaluation.statistics.roc import Roc
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import computing_in
from simaudit.plan.explain import explain
from simaudit.provenance.trace import find
from simaudit.scoring.run import score_batch
from simaudit.scoring.score_file import Scores, require_finite
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.checkpoint.load import load
from simaudit.targets.family import family_type
from simaudit.targets.files import SUMMARY, read_summary
from simaudit.targets.target import Target
from simaudit.training.levels import Shape
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.knobs import Precision
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION, HELDOUT, MEMBER
from simaudit.vocabulary.variant import Column, variant_label

Side = Literal["low", "high"]


@dataclass(frozen=True)
class Model:
    """A model to be attacked, on its device, as `load_model` returns it.

    `shape` is that of the images that it takes, (C, H, W), and a side is 0 where it takes any; None where its files do
    not say it.
    """

    target: Target
    shape: Shape | None
    device: torch.device


@torch.inference_mode(False)  # what is loaded in inference mode can never be differentiated
def load_model(
    path: str | Path,
    device: str = "auto",
    *,
    network: str | None = None,
    scheduler: str | Path | None = None,
    empty_class: int | None = None,
) -> Model:
    """Return the model in a folder: as diffusers saved it, or as a target of a run lies in results/targets/<name>.

    `network`, `scheduler` and `empty_class` say of the former what an entry of params.yaml would say: the folder of the
    network where there are several, a scheduler_config.json where there is none, the class that stands for none.
    `device` is auto, cpu, cuda, cuda:<number> or mps. Raises SimauditError where the folder holds no model that can be
    audited, or the files of a target are not those that it was made with.
    """
    folder, on = Path(path), resolve_device(device)
    if not (folder / SUMMARY).is_file():
        layout = inspect(folder, network, Path(scheduler) if scheduler else None, empty_class)
        return Model(load(layout, on), layout.shape, on)
    summary = read_summary(folder)
    target = family_type(summary["kind"]).load(folder, on)
    if "layout" in summary:
        return Model(target, Layout.model_validate(summary["layout"]).shape, on)
    return Model(target, inspect(folder).shape if (folder / "model_index.json").is_file() else None, on)


def score(
    model: Model,
    images: str | Path | np.ndarray,
    attack: str = "sima",
    *,
    seed: int = 0,
    batch_size: int = 256,
    precision: Precision = "float32",
    labels: ArrayLike | None = None,
    **knobs: Any,
) -> pd.DataFrame:
    """Return every statistic of an attack: a row for each image, a column for each (timestep, variant).

    `images` is a folder of pictures, whose rows are named by file, or an array (N, C, H, W), uint8 from 0 to 255 or
    float32 in [-1, 1]. `knobs` are those of the attack in params.yaml; where it wraps another, `of` names that attack
    and `knobs` are that one's. `seed` is of the attack's own noise. The network computes in `precision`: float32,
    tf32 or bfloat16. `labels` (N,) are the classes that a model of classes is asked for; without them it is asked for
    the empty class. Statistics are as their sources define them: `scores.attrs["member_when"]` says on which side
    members lie.

    Raises SimauditError where a knob, an image or the model is none that the attack can use.
    """
    if precision not in (known := get_args(Precision)):
        raise SimauditError(f"precision: must be one of {', '.join(known)} (got {precision})")
    asked, target = _attack(attack, knobs, model), model.target
    with _stored(images) as (store, index), computing_in(precision, model.device):
        if any(side not in (0, got) for side, got in zip(model.shape or (), store.shape[1:], strict=False)):
            raise SimauditError(
                f"images: are {store.shape[1:]}, and the model takes {model.shape}; convert them"
            )
        classes = _classes(labels, target, len(store))
        columns: list[Column] = []
        values = []
        for start in range(0, len(store), batch_size):
            ids = np.arange(start, min(start + batch_size, len(store)))
            batch = torch.from_numpy(store[ids]).to(model.device)
            if classes is not None:
                target = model.target.conditioned(classes[ids])
            columns, part = score_batch(asked, target, batch, SampleNoise(seed, ids))
            require_finite(attack, columns, part, ids)
            values.append(part)
    return _frame(columns, np.concatenate(values, axis=1), index, asked.member_when)


def auc(statistic: ArrayLike, is_member: ArrayLike, member_when: Side = "low") -> Interval:
    """Return the AUC of one statistic (N,) with its 95 % confidence interval: its value, low and high.

    `is_member` is (N,) bool; `member_when` is the side on which members lie. The interval is DeLong's, see
    docs/evaluation.md. Raises SimauditError where there is not one finite number for each image, or a side has fewer
    than two.
    """
    roc = _roc(statistic, is_member, member_when)
    return Delong.of([roc.placements()], roc.is_member).interval()


def tpr(statistic: ArrayLike, is_member: ArrayLike, fpr: float = 0.01, member_when: Side = "low") -> Interval:
    """Return the share of members that are found where at most the share `fpr` of held-out images is flagged.

    With its 95 % confidence interval, see docs/evaluation.md. Otherwise as `auc`.
    """
    if not 0 < fpr < 1:
        raise SimauditError(f"fpr: must be above 0 and below 1 (got {fpr})")
    return tpr_interval(_roc(statistic, is_member, member_when), fpr)


@dataclass(frozen=True)
class Run:
    """The results of a run or of `simaudit audit`, as `open_run` returns them: `root` is the folder results/."""

    root: Path

    @cached_property
    def ledger(self) -> Ledger:
        """Every number, with what it is found by. Raises SimauditError where there are none."""
        return Ledger.read(self.root / paths.RUN_FILES["numbers"])

    @property
    def numbers(self) -> pd.DataFrame:
        """Every number by its id: audit, attack, metric, of, value, low, high, unit, and the file that it stands in."""
        rows = {name: asdict(number) for name, number in self.ledger.numbers.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def audits(self) -> list[str]:
        """The name of every audit."""
        return self.ledger.audits

    def number(
        self, metric: str, audit: str | None = None, attack: str | None = None, of: str | None = None
    ) -> Number:
        """Return a number with its value, low and high, such as number("auc", "digits-ddpm", "sima").

        Raises SimauditError, naming some that are alike, where there is none.
        """
        name = number_id(metric, audit, attack, of)
        find(name, {known: asdict(number) for known, number in self.ledger.numbers.items()})
        return self.ledger.numbers[name]

    def scores(self, audit: str, attack: str) -> pd.DataFrame:
        """Return every statistic of an attack in the form of `score`; rows have sample_id, role and fold.

        Raises SimauditError where the attack was not run on the audit.
        """
        file = Scores.read(self.root / paths.scores(audit, attack).relative_to(paths.RESULTS))
        samples = {
            "sample_id": file.sample_id,
            "role": np.where(file.is_member, MEMBER, HELDOUT),
            "fold": np.where(file.is_calibration, CALIBRATION, EVALUATION),
        }
        return _frame(
            file.columns, file.statistic, pd.MultiIndex.from_frame(pd.DataFrame(samples)), file.member_when
        )

    def figures(self, audit: str = paths.RUN, suffix: str = "png") -> dict[str, Path]:
        """Return the files of an audit's figures by name, or of those of all audits together: png, pdf, csv or json."""
        folder = self.root / paths.FIGURES.relative_to(paths.RESULTS) / audit
        return {file.stem: file for file in sorted(folder.glob(f"*.{suffix}"))}

    def load_model(self, target: str, device: str = "auto") -> Model:
        """Return a target of the run by its name, as `load_model` does."""
        return load_model(self.root / paths.target(target).relative_to(paths.RESULTS), device)


def open_run(path: str | Path = paths.RESULTS) -> Run:
    """Return the results in a folder results/. Raises SimauditError where there is no such folder."""
    root = Path(path)
    if not root.is_dir():
        raise SimauditError(f"{root}: no such folder; name the folder results/ of a run")
    return Run(root)


def _attack(name: str, knobs: dict[str, Any], model: Model) -> TargetAttack:
    """Return an attack with these knobs. Raises SimauditError where it is none that the model can be asked by."""
    require_known("attack", [name], list(attack_modules()))
    if not issubclass(kind := attack_type(name), TargetAttack):
        raise SimauditError(f"attack {name}: asks no model, it is derived of scores; choose another")
    if kind.learned:
        raise SimauditError(f"attack {name}: learns from members and others of a split; choose another")
    try:
        attack = kind.model_validate(knobs)
        if isinstance(attack, WrappingAttack):
            attack = attack.on(_base(name, attack))
    except ValidationError as error:
        raise explain(error, knobs, lambda keys: (f"attack {name}", ".".join(keys))) from None
    if why := why_not(kind, model.target.offers):
        raise SimauditError(f"attack {name}: {why}; choose another")
    if attack.last_query is not None and attack.last_query >= (steps := len(model.target.schedule)):
        raise SimauditError(f"attack {name}: asks at timestep {attack.last_query}, and the model has {steps}")
    return attack


def _base(name: str, attack: WrappingAttack) -> ResidualAttack:
    """Return the attack that another of that name wraps, by the knobs that this one gives it.

    Raises SimauditError where it is none that can be wrapped.
    """
    modules = attack_modules()
    kind = attack_type(attack.of) if attack.of in modules else None
    if kind is None or not can_be_wrapped(kind):
        known = [other for other in modules if can_be_wrapped(attack_type(other))]
        raise SimauditError(f"attack {name}: of: must name one of {some(known)} (got {attack.of})")
    try:
        return kind.model_validate(attack.knobs)
    except ValidationError as error:
        raise explain(
            error, attack.knobs, lambda keys: (f"attack {name}", ".".join(["knobs", *keys]))
        ) from None


def _classes(labels: ArrayLike | None, target: Target, count: int) -> torch.Tensor | None:
    """Return the classes that a model is asked for, one for each of `count` images, or None for the empty class.

    Raises SimauditError where they are not those of the model, or it has no empty class and there are none.
    """
    known = target.known_classes
    if labels is None:
        if known and "empty" not in target.offers:
            raise SimauditError(
                f"labels: the model must be asked for classes; give one of {some(known)} for each image"
            )
        return None
    asked = np.asarray(labels)
    if not known or asked.shape != (count,) or not np.isin(asked, known).all():
        raise SimauditError(
            f"labels: must be one for each of {count} images, of the model's classes {some(known)}"
        )
    return torch.from_numpy(asked.astype(np.int64))


@contextmanager
def _stored(images: str | Path | np.ndarray) -> Iterator[tuple[Images, pd.Index]]:
    """Yield images as they are prepared for a run, and a name for each: its file, or its number.

    They lie in a temporary folder within this context, so that memory does not grow with their number.
    """
    with tempfile.TemporaryDirectory(prefix="simaudit-") as folder:
        place, table = Path(folder, "images.npy"), Path(folder, "items.parquet")
        try:
            if isinstance(images, np.ndarray):
                write_store(map(Item, images), place, table)
                index: pd.Index = pd.RangeIndex(len(images), name="sample_id")
            else:
                source = source_type("folder").model_validate({"source": "folder", "path": str(images)})
                write_store(source.items(), place, table)
                index = pd.Index(read_items(table, "file").file.astype(str), name="file")
        except SimauditError as error:
            raise SimauditError(f"images: {error}") from None
        yield Images.open(place), index


def _frame(columns: Sequence[Column], values: np.ndarray, index: pd.Index, member_when: str) -> pd.DataFrame:
    """Return statistics (K, N) as a table with a row for each sample and a column for each (timestep, variant)."""
    named = [(column.timestep, variant_label(column.variant)) for column in columns]
    frame = pd.DataFrame(
        values.T, index=index, columns=pd.MultiIndex.from_tuples(named, names=["timestep", "variant"])
    )
    frame.attrs["member_when"] = member_when
    return frame


def _roc(statistic: ArrayLike, is_member: ArrayLike, member_when: str) -> Roc:
    """Return the ROC of a statistic. Raises SimauditError where what is given is none of which there is one."""
    values, members = np.asarray(statistic), np.asarray(is_member)
    if values.ndim == 2 and values.shape[1] == 1:  # a table of one statistic
        values = values[:, 0]
    if values.ndim != 1 or values.shape != members.shape:
        raise SimauditError(
            f"statistic {values.shape} and is_member {members.shape}: must be one number and one truth value for each "
            "image; choose one column of the scores"
        )
    rows = [given.index for given in (statistic, is_member) if isinstance(given, pd.Series | pd.DataFrame)]
    if len(rows) == 2 and not rows[0].equals(rows[1]):
        raise SimauditError(
            "is_member: its rows are named otherwise than those of the statistic; bring them in order"
        )
    if members.dtype != bool or min(members.sum(), (~members).sum()) < 2:
        raise SimauditError(
            "is_member: must be true or false, with two members and two held-out images or more"
        )
    if not np.isfinite(values).all():
        raise SimauditError("statistic: has values that are not finite; leave them out")
    return Roc.of(values, members, member_when)
