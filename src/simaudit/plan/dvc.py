"""What dvc.yaml must know of the parameters and cannot work out: names after expansion, and what each refers to.

DVC's templates look nothing up and expand no sweep, so this is written to a file that dvc.yaml reads and git tracks.
"""

from pathlib import Path
from typing import Any

import yaml

from simaudit.plan.params import Params
from simaudit.storage.atomic import atomic_path
from simaudit.vocabulary import paths

FILE, PIPELINE = Path("workflow/expanded.yaml"), Path("dvc.yaml")
HEADER = (
    "# Written by `simaudit stamps` from params.yaml, for dvc.yaml, which can look nothing up. Do not edit.\n"
)


def expanded(params: Params) -> dict[str, Any]:
    """Return every dataset, split, target and audit with what dvc.yaml must know of it, and the audits with figures.

    Targets that are `borrowing` take their autoencoder from the folder of another target, their `lender`. Audits that
    are `referring` have references, and name the Snakemake rules of these; the `alone` ones have none.
    """

    def dataset(split: str) -> dict[str, str]:
        return {"dataset": params.dataset_of(split)}

    entries: list[dict[str, dict[str, str]]] = [{} for _ in range(5)]
    targets, borrowing, audits, alone, referring = entries
    for name, target in params.used_targets.items():
        known = {"kind": target.kind, "split": target.split, **dataset(target.split)}
        if target.borrowed and (lender := paths.target_of(target.borrowed)):
            borrowing[name] = known | {"lender": lender}
        else:
            targets[name] = known
    for name, audit in params.audits.items():
        split = params.split_of(name)
        audits[name] = {"target": audit.target, "split": split, **dataset(split)}
        if params.references_of(name):
            referring[name] = audits[name] | {"rules": f"references_{name} derive_{name}"}
        else:
            alone[name] = dict(audits[name])  # YAML would link one object
    return {
        "datasets": params.used_datasets,
        "splits": {name: dataset(name) for name in params.used_splits},
        "audited_splits": {name: dataset(name) for name in params.audited_splits},
        "targets": targets,
        "borrowing": borrowing,
        "audits": audits,
        "alone": alone,
        "referring": referring,
        "drawn": [name for name in audits if None in params.figures_of(name).values()],
    }


def text(params: Params) -> str:
    """Return the file's content."""
    return HEADER + yaml.safe_dump({"expanded": expanded(params)}, sort_keys=False)


def refresh(params: Params, folder: Path = Path()) -> bool:
    """Bring the file of a folder in line with the parameters; return whether it had to be written.

    A folder without a dvc.yaml needs none.
    """
    file = folder / FILE
    if not (folder / PIPELINE).exists():
        return False
    if file.exists() and file.read_text(encoding="utf-8") == text(params):
        return False
    with atomic_path(file) as temporary:
        temporary.write_text(text(params), encoding="utf-8", newline="\n")
    return True
