"""What simaudit wrote down of a checkpoint that it trained itself, in another run or in another folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simaudit.data.split import Split
from simaudit.storage.hashes import sha256_file
from simaudit.targets.checkpoint.layout import Layout
from simaudit.targets.files import summary_of
from simaudit.vocabulary.errors import KnobError
from simaudit.vocabulary.membership import VERIFIED


def summary_beside(layout: Layout) -> Path | None:
    """Return the training.json of the target, trained by simaudit, of which all these weights are; None without one."""
    for state in layout.network.folder.parent, layout.network.folder:
        if _weights(layout) and _is_of(layout, summary_of(state)):
            return summary_of(state)
    return None


def require_members(layout: Layout, summary: Path, split: Split) -> None:
    """Require that a model, as its training.json has it, was trained on the members of a split.

    Raises KnobError when it was trained on others, or when a weight was changed since.
    """
    content = _content(summary)
    if content["members"]["sha256"] != split.member_hash:
        raise KnobError(
            "path",
            f"{summary}: says that the model was trained on other members than those of {split.path}; name the split "
            "that it was trained on, or move this file away to state the members yourself",
        )
    for file in _weights(layout):
        if content["files"][_name(file, summary)] != sha256_file(file):
            raise KnobError(
                "path", f"{file}: changed since training (sha256 in {summary}); get the file again"
            )


def _is_of(layout: Layout, summary: Path) -> bool:
    content = _content(summary)
    try:
        is_verified = content["members"].get("known", VERIFIED) == VERIFIED and content["members"]["sha256"]
        return bool(is_verified) and all(
            _name(file, summary) in content["files"] for file in _weights(layout)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False  # the file of another program


def _weights(layout: Layout) -> list[Path]:
    """Return the weights of every part: an autoencoder, too, gives members away."""
    return [file for part in layout.parts.values() for file in part.weights]


def _content(summary: Path) -> Any:
    try:
        return json.loads(summary.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _name(file: Path, summary: Path) -> str:
    return file.relative_to(summary.parent).as_posix()
