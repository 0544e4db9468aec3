"""Stamps: for each job one small file with all that decides its output, apart from its input files.

A stamp holds the job's own slice of the parameters and the hashes of the code it runs. It is an input of its rule and a
dependency of its DVC stage, and it is rewritten only when its content changes: so a changed parameter or module reruns
exactly the jobs that it concerns, under Snakemake and under DVC alike, with or without Snakemake's own metadata. The
job reads its parameters from its stamp.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from simaudit.attacks import attack_modules
from simaudit.figures.figure import figure_modules
from simaudit.plan.params import Params, chosen
from simaudit.provenance import code
from simaudit.report import TEMPLATES
from simaudit.storage.hashes import sha256_bytes
from simaudit.storage.json import canonical_json, write_json
from simaudit.targets import family_modules, file_hashes
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.paths import PUBLISHED, RUN

FOLDER = Path("results/params")
NOT_TRAINED = {"attacks", "figures", "snapshot_attacks"}  # keys of a target that its training does not read


@dataclass(frozen=True)
class Stamp:
    """`name` is the path of the stamp under the folder without its suffix, such as train/digits-ddpm."""

    name: str
    params: dict[str, Any]
    code: dict[str, str]
    inputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 by name of files that no job of this run makes and that the job reads all the same."""

    @property
    def identity(self) -> str:
        """SHA-256 of the stamp's content."""
        return sha256_bytes(self.text.encode())

    @property
    def content(self) -> dict[str, Any]:
        """What the stamp's file holds."""
        given = {"inputs": self.inputs} if self.inputs else {}
        return {"job": self.name, "params": self.params, "code": self.code, **given}

    @property
    def text(self) -> str:
        """The stamp's file, to the byte."""
        return canonical_json(self.content)

    @classmethod
    def read(cls, path: Path) -> "Stamp":
        """Raises SimauditError when the file is missing or not a stamp."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(content["job"], content["params"], content["code"], content.get("inputs", {}))
        except FileNotFoundError:
            raise SimauditError(f"{path}: missing; write it with: simaudit stamps") from None
        except (json.JSONDecodeError, KeyError, TypeError):
            raise SimauditError(f"{path}: not a stamp; write it anew with: simaudit stamps") from None


def stamps(params: Params) -> Iterator[Stamp]:
    """The stamp of every job that `params` ask for."""
    for name, source in params.datasets.items():
        yield _stamp(
            f"prepare/{name}", source, "simaudit.data.prepare", f"simaudit.data.sources.{source.source}"
        )
    for name, split in params.splits.items():
        yield _stamp(f"split/{name}", split, "simaudit.data.split", "simaudit.data.prepare")
    evaluation = params.evaluation.model_dump(mode="json", exclude={"threads", "blind"})
    resampling = {knob: evaluation[knob] for knob in ("bootstrap", "seed")}
    for name in params.splits:
        both = {"blind": params.evaluation.blind, "evaluation": evaluation}
        yield _stamp(f"nearest/{name}", {}, "simaudit.data.neighbours")
        yield _stamp(
            f"blind/{name}",
            both,
            "simaudit.evaluation.controls.blind",
            "simaudit.evaluation.protocol.evaluate",
        )
    for name, target in params.targets.items():
        family = family_modules()[target.kind]
        train = _stamp(f"train/{name}", target.model_dump(mode="json", exclude=NOT_TRAINED), family)
        yield replace(train, inputs=file_hashes(target.given) if target.given else {})
        for attack, knobs in params.attacks_on(name).items():
            modules = [attack_modules()[attack], "simaudit.scoring.run", family]
            both = {"attack": knobs, "scoring": params.scoring}
            yield _stamp(f"score/{name}/{attack}", both, *modules, without="simaudit.training")
        drawing = {"quality": params.quality.model_dump(exclude={"features"}), "scoring": params.scoring}
        yield _stamp(f"sample/{name}", drawing, "simaudit.samples.draw", family, without="simaudit.training")
        judging = {"quality": params.quality, "evaluation": resampling}
        yield _stamp(
            f"quality/{name}", judging, "simaudit.samples.features", "simaudit.evaluation.protocol.quality"
        )
        yield _stamp(f"evaluate/{name}", evaluation, "simaudit.evaluation.protocol.evaluate")
        for figure in drawn(params.figures_of(name)):
            yield _figure(params, f"{name}/{figure}", {})
    contexts = {name: _known_of(context) for name, context in params.contexts.items()}
    for figure in drawn(params.figures_of_run):
        of_targets = "numbers" in chosen(params.figures)[figure].reads
        yield _figure(params, f"{RUN}/{figure}", {"targets": contexts if of_targets else {}})
    yield _stamp("theory", params.theory, "simaudit.targets.closed_form")
    compared = {
        name: {key: context[key] for key in ("group", "control", "reference")}
        for name, context in contexts.items()
    }
    comparing = _stamp(
        "compare", {"targets": compared, "evaluation": evaluation}, "simaudit.evaluation.comparison.compare"
    )
    yield replace(comparing, inputs=file_hashes(PUBLISHED))
    yield _stamp("numbers", {}, "simaudit.evaluation.numbers")
    in_tables = {name: compared[name] | {"arm": context["arm"]} for name, context in contexts.items()}
    yield _stamp(
        "tables", {"targets": in_tables}, "simaudit.report.tables.every", "simaudit.report.tables.forms"
    )
    asked = {RUN: params.figures_of_run, **{name: params.figures_of(name) for name in params.targets}}
    titles = {name: figure.title for name, figure in chosen(params.figures).items()}
    shown = {
        "targets": contexts,
        "drawn": {of: drawn(figures) for of, figures in asked.items()},
        "undrawn": {
            of: {titles[name]: reason for name, reason in figures.items() if reason}
            for of, figures in asked.items()
        },
    }
    report = _stamp("report", shown, "simaudit.report.page.write")
    yield replace(report, inputs=file_hashes(TEMPLATES))


def drawn(figures: dict[str, str | None]) -> list[str]:
    """Those figures that can be drawn."""
    return [name for name, why_not in figures.items() if why_not is None]


def _figure(params: Params, name: str, of: dict[str, Any]) -> Stamp:
    figure = name.split("/")[-1]
    modules = (figure_modules()[figure], "simaudit.figures.drawing")
    return _stamp(f"figure/{name}", {"figure": chosen(params.figures)[figure], **of}, *modules)


def _known_of(context: AuditContext) -> dict[str, Any]:
    """Return what jobs know of a context: which attacks there are they learn from the results that they read."""
    known = asdict(context) | {"epochs": list(context.epochs)}
    return {key: known[key] for key in known if key not in ("attacks", "checkpoint_attacks")}


def _stamp(name: str, knobs: Any, *modules: str, without: str | None = None) -> Stamp:
    return Stamp(name, _plain(knobs), code.digest(list(modules), without))


def _plain(knobs: Any) -> Any:
    if isinstance(knobs, BaseModel):
        return knobs.model_dump(mode="json")
    return {key: _plain(value) for key, value in knobs.items()} if isinstance(knobs, dict) else knobs


def write(params: Params, folder: Path = FOLDER) -> None:
    """Bring `folder` in line with `params`: write what changed, leave what did not, drop what nobody asks for."""
    wanted = {folder / f"{stamp.name}.json": stamp for stamp in stamps(params)}
    for path, stamp in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != stamp.text:
            write_json(path, stamp.content)
    for path in folder.rglob("*.json"):
        if path not in wanted:
            path.unlink()
