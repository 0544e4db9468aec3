"""Evaluated targets whose leak is known, made by the job that makes them in a run."""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from simaudit.data.near_duplicates import SCHEMA, near_duplicates, pictured_pairs
from simaudit.data.split import Split, make_split, write_split
from simaudit.evaluation.at_risk.jobs import at_risk_job
from simaudit.evaluation.comparison.compare import compare
from simaudit.evaluation.jobs import evaluate_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.evaluation.numbers import ledger
from simaudit.evaluation.protocol.evaluate import BLIND, Resampling, evaluate_blind
from simaudit.evaluation.protocol.quality import quality
from simaudit.evaluation.results import Results
from simaudit.evaluation.sets.jobs import SetKnobs, sets_job
from simaudit.report.findings import Findings
from simaudit.report.top import with_lines
from simaudit.report.verdict import Known, verdict
from simaudit.scoring.score_file import KIND, LEARNED, Scores, ScoreWriter
from simaudit.storage.array import save_arrays
from simaudit.storage.json import write_json
from simaudit.storage.parquet import write_table
from simaudit.storage.pictures import save_sheet
from simaudit.vocabulary import paths
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.membership import VERIFIED
from simaudit.vocabulary.variant import Column, Variant, parse_variant

SAMPLES, MEMBERS = 300, 120
OCCASION = {
    "when": "2026-01-09T10:00:00+00:00",
    "simaudit": "7",
    "commit": "0123456789ab",
    "dirty": False,
}


def file_of(number: int) -> str:
    """The file of a sample."""
    return f"portrait-of-{number:03}.png"


FEATURES = np.random.default_rng(5).normal(size=(3, 40, 2))  # of samples, members and held-out images


def named(variant: str) -> Variant:
    """The variant of a text, or one that has this name alone, as those of `reconstruction` have."""
    return parse_variant(variant) if variant.startswith("{") else {"error": variant}


@dataclass(frozen=True)
class Audit:
    """A folder results/, and one split on which its targets are evaluated."""

    path: Path
    split: Split
    near_duplicates: int = 0
    """How many held-out samples of the evaluation fold are near duplicates."""

    def telling(self, strength: float, seed: int = 0) -> np.ndarray:
        """A statistic (300,) that is that much lower for members, over unit noise."""
        return np.random.default_rng(seed).normal(size=SAMPLES) - strength * self.split.is_member

    def write_scores(
        self,
        path: Path,
        attack: str,
        columns: dict[tuple[int | None, str], np.ndarray],
        learned: bool = False,
        **more: str,
    ) -> Path:
        """The score file of one attack from its statistics by timestep and variant: the text of one, or any name.

        `more` is what it says of itself besides.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"attack": attack, "member_when": "low", LEARNED: json.dumps(learned), **more}
        with ScoreWriter(path, metadata) as writer:
            knobs = [Column(timestep, named(variant), 1) for timestep, variant in columns]
            writer.write(knobs, self.split, slice(None), np.stack(list(columns.values())))
        return path

    def blind(self, strength: float = 0.0) -> dict:
        """Write what the blind classifiers of the split find; their summary."""
        columns = {(None, "c"): self.telling(strength, seed=99)}
        path = self.write_scores(self.path / "evaluation/blind/s.parquet", BLIND, columns)
        summary = {"split": "s", "one_sided": {}, **evaluate_blind(Scores.read(path), Resampling(100, 40, 0))}
        write_json(self.path / "evaluation/blind/s.json", summary)
        return summary

    def nearest(self) -> Path:
        """Write some distance of every sample to the nearest member, and the first held-out samples as near ones."""
        is_near = ~self.split.is_member & ~self.split.is_calibration
        is_near &= np.cumsum(is_near) <= self.near_duplicates
        marked = pd.DataFrame(
            {
                "sample_id": self.split.sample_id,
                "member_id": self.split.member_ids[0],
                "distance": np.random.default_rng(7).uniform(1, 2, size=SAMPLES),
                "rms": np.where(is_near, 0.015625, 0.5),
                "correlation": np.where(is_near, 0.984375, 0.125),
                "near_duplicate": is_near,
            }
        )
        path = self.path / "evaluation/nearest/s.parquet"
        write_table(path, marked, SCHEMA)
        limits = {"largest_rms": 0.1, "smallest_correlation": 0.8}
        images = np.random.default_rng(8).uniform(-1, 1, (SAMPLES, 1, 4, 4)).astype(np.float32)
        pairs = pictured_pairs(marked, images, self.split)
        save_arrays(path.with_suffix(".npz"), pairs)
        save_sheet(path.with_suffix(".png"), pairs)
        found = limits | near_duplicates(marked, self.split)
        write_json(path.with_suffix(".json"), {"split": "s", "near_duplicates": found})
        return path

    def sets(self, target: str, attacks: list[str]) -> None:
        """The job `sets` of an evaluated target, on images of three classes and two features that tell nothing."""
        job = sets_job(target, "s", "d", attacks, SetKnobs(sizes=(10, 20), repeats=10), 0)
        selected = self.path / paths.TARGET_FILES["selected"].format(target=target)
        writes = {name: self.path / paths.TARGET_FILES[name].format(target=target) for name in job.writes}
        tells_nothing = np.random.default_rng(9).normal(size=(SAMPLES, 2))
        features = pd.DataFrame(tells_nothing, columns=["png", "mean"])
        with TemporaryDirectory() as folder:
            known = {name: Path(folder, f"{name}.parquet") for name in ("split", "features", "items")}
            shutil.copy(self.split.path, known["split"])
            write_table(known["items"], pd.DataFrame({"label": np.arange(SAMPLES) % 3}))
            write_table(known["features"], features.assign(sample_id=self.split.sample_id))
            replace(job, reads={"selected": selected, **known}, writes=writes).do()

    def at_risk(self, target: str, attacks: list[str]) -> None:
        """The job `at_risk` of an evaluated target, on images whose files and classes are named."""
        job = at_risk_job(target, "s", "d", attacks)
        selected = self.path / paths.TARGET_FILES["selected"].format(target=target)
        writes = {name: self.path / paths.TARGET_FILES[name].format(target=target) for name in job.writes}
        with TemporaryDirectory() as folder:
            items, images = Path(folder, "items.parquet"), Path(folder, "images.npy")
            files = [file_of(number) for number in range(SAMPLES)]
            write_table(items, pd.DataFrame({"file": files, "label": np.arange(SAMPLES) % 3}))
            np.save(images, np.random.default_rng(10).integers(0, 256, (SAMPLES, 3, 4, 4), dtype=np.uint8))
            reads = {"selected": selected, "items": items, "images": images}
            replace(job, reads=reads, writes=writes).do()

    def evaluate(
        self,
        target: str,
        attacks: dict[str, float],
        *,
        group="",
        control=None,
        reference=None,
        membership=VERIFIED,
        heads=(),
        kinds={},  # noqa: B006
        **columns,
    ) -> Results:
        """The job `evaluate` of a target whose members these attacks tell with these strengths. `blind` comes first.

        Those of `heads` are learned heads; `kinds` has the kind of an attack that is not named so. `columns` replaces
        the three timesteps of an attack: {(timestep, variant): statistic} by attack.
        """
        files = []
        for attack, strength in attacks.items():
            default = {(t, "v"): self.telling(strength, seed=t) for t in (10, 20, 30)}
            file = self.path / "scores" / target / f"{attack}.parquet"
            kind = {KIND: kinds.get(attack, attack)}
            files.append(
                self.write_scores(file, attack, columns.get(attack, default), attack in heads, **kind)
            )
        folder = self.path / "evaluation"
        job = evaluate_job(target, "s", membership, {}, {}, EvaluationKnobs(bootstrap=100, permutations=40))
        beside = {"blind": folder / "blind/s.parquet", "nearest": self.nearest(), "intermediate": {}}
        writes = {name: self.path / paths.TARGET_FILES[name].format(target=target) for name in job.writes}
        replace(job, reads={"scores": files, **beside}, writes=writes).do()
        self.sets(target, list(attacks))
        self.at_risk(target, [attack for attack in attacks if attack not in heads])
        distances = quality(*FEATURES, 50, 0, unit="in components")
        write_json(
            folder / f"quality/{target}.json", {"target": target, "features": "pca", "frechet": distances}
        )
        return Results(
            self.path, target, AuditContext(group or target, control, reference, membership=membership)
        )


def new_audit(path: Path) -> Audit:
    """Nothing evaluated yet, on a split of 300 samples with 120 members and folds of 40 %."""
    frame = make_split([f"{i:064x}" for i in range(SAMPLES)], MEMBERS, calibration=0.4, seed=3)
    write_split(path / "split.parquet", frame)
    return Audit(path, Split(path / "split.parquet", *(frame[name].to_numpy() for name in frame.columns)))


@dataclass(frozen=True)
class SmallRun:
    """Some evaluated targets of one split with their comparison and ledger, as a run leaves them in a folder."""

    audit: Audit
    targets: list[Results]
    arms: dict[str, dict] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        audit: Audit,
        targets: list[Results],
        blind: dict,
        arms: dict | None = None,
        scores: dict | None = None,
    ) -> "SmallRun":
        """Compare the targets, and write down the comparison and the ledger."""
        for name, content in compare(targets, {"s": blind}, 100, 0, scores or {}).items():
            write_json(audit.path / "comparison" / f"{name}.json", content)
        run = cls(audit, targets, arms or {})
        known = {name: context.membership for name, context in run.contexts.items()}
        write_json(audit.path / "numbers.json", ledger(run.files, known))
        return run

    @property
    def files(self) -> list[Path]:
        """Every result file with numbers."""
        folders = (self.audit.path / name for name in ("evaluation", "comparison"))
        return sorted(path for folder in folders for path in folder.rglob("*.json"))

    @property
    def contexts(self) -> dict[str, AuditContext]:
        """What each target is beside the others."""
        return {
            results.target: replace(results.context, arm=self.arms.get(results.target))
            for results in self.targets
        }

    @property
    def findings(self) -> Findings:
        """What tables and the page are made of."""
        return Findings.read(self.audit.path, self.contexts)

    def verdict(self, access: dict[str, dict[str, list[str]]] | None = None) -> dict:
        """What verdict.json holds, of attacks with this access; by default each asks the denoiser."""
        findings = self.findings
        if access is None:
            access = {name: {key: ["denoiser"] for key in findings.attacks(name)} for name in self.contexts}
        return with_lines(verdict(findings, Known({"s": "d"}, access, OCCASION)), findings)
