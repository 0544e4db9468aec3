"""A trace as a tree on the terminal."""

import json
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.tree import Tree

from simaudit.evaluation.numbers import PURE, Number
from simaudit.figures.printed import count, estimate
from simaudit.provenance.trace import Step
from simaudit.vocabulary.membership import MEANING

SHOWN = 12  # characters of a hash
GIVEN = 5  # files that no job made; a folder of images has thousands
UNBROKEN = 100_000  # columns of what is no terminal: names stay whole for grep


def number_tree(
    name: str, numbers: Mapping[str, Mapping[str, Any]], tables: list[str], step: Step, depth: int | None
) -> Tree:
    """Return a number, the tables that print it, its file, and the jobs that it comes from, `depth` of them back."""
    number, known = numbers[name], Number(**numbers[name])
    unit = "" if known.unit == PURE else f" {known.unit}"
    value = estimate(known) if known.has_limits else count(known)
    tree = Tree(f"[bold]{escape(name)}[/] = {escape(value)}{unit}")
    tree.add(f"printed in {', '.join(tables) or 'no table'}")
    if word := number["membership"]:
        tree.add(f"{word}: {MEANING[word]}")
    source = tree.add(f"stands in {number['source']}, at {number['pointer']}")
    _grow(source, step, set(), depth)
    return tree


def file_tree(path: str, step: Step, depth: int | None) -> Tree:
    """Return a file and the jobs that it comes from, `depth` of them back."""
    tree = Tree(f"[bold]{escape(path)}[/]")
    _grow(tree, step, set(), depth)
    return tree


def show(shown: RenderableType) -> None:
    """Print a tree or a table: within the width of a terminal, elsewhere one line for each of its lines."""
    Console(width=None if sys.stdout.isatty() else UNBROKEN, emoji=False).print(shown)


def _grow(tree: Tree, step: Step, seen: set[str], depth: int | None) -> None:
    record = step.record
    if record.job in seen:
        tree.add(f"[bold]{record.job}[/], see above")
        return
    branch = tree.add(f"[bold]{record.job}[/]")
    for path, digest in step.files.items():
        known = f"sha256 {digest[:SHOWN]}…" if digest else "measured"
        branch.add(f"made {path}  [dim]{known}[/]")
    branch.add(f"[dim]$[/] {escape(' '.join(record.command))}", highlight=False)
    if record.params:
        branch.add(f"with {escape(json.dumps(record.params, ensure_ascii=False))}")
    if step.run:
        dirty = ", with changes that were not committed" if step.run["dirty"] else ""
        branch.add(f"ran {step.run['started']} on commit {step.run['commit'] or 'unknown'}{dirty}")
    for path, digest in islice(step.given.items(), GIVEN):
        branch.add(f"given {escape(path)}  [dim]sha256 {digest[:SHOWN]}…[/]")
    if len(step.given) > GIVEN:
        branch.add(f"given {len(step.given) - GIVEN} more files, whose hashes {record.stamp} holds")
    if depth == 1 and step.before:
        branch.add(f"jobs before it: {len(step.before)}; a larger --depth shows more")
        return
    seen.add(record.job)
    for before in step.before:
        _grow(branch, before, seen, depth and depth - 1)
