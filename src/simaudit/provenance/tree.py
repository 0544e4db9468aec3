"""A trace as a tree on the terminal."""

import json
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from simaudit.evaluation.numbers import Number
from simaudit.figures.printed import estimate
from simaudit.provenance.trace import Step

SHOWN = 12  # characters of a hash


def number_tree(name: str, numbers: Mapping[str, Mapping[str, Any]], tables: list[str], step: Step) -> Tree:
    """A number, where it is printed and stands, and every job that it comes from."""
    number = numbers[name]
    tree = Tree(f"[bold]{escape(name)}[/] = {escape(estimate(Number(**number)))}, unit {number['unit']}")
    tree.add(f"printed in {', '.join(tables) or 'no table'}")
    source = tree.add(f"stands in {number['source']}, at {number['pointer']}")
    _grow(source, step, set())
    return tree


def file_tree(path: str, step: Step) -> Tree:
    """A file and every job that it comes from."""
    tree = Tree(f"[bold]{escape(path)}[/]")
    _grow(tree, step, set())
    return tree


def _grow(tree: Tree, step: Step, seen: set[str]) -> None:
    record = step.record
    if record.job in seen:
        tree.add(f"[bold]{record.job}[/], see above")
        return
    seen.add(record.job)
    branch = tree.add(f"[bold]{record.job}[/]")
    for path, digest in step.files.items():
        branch.add(f"made {path}  [dim]sha256 {digest[:SHOWN]}…[/]")
    branch.add(f"[dim]$[/] {escape(' '.join(record.command))}", highlight=False)
    if record.params:
        branch.add(f"with {escape(json.dumps(record.params, ensure_ascii=False))}")
    if step.run:
        dirty = ", with changes that were not committed" if step.run["dirty"] else ""
        branch.add(f"ran {step.run['started']} on commit {step.run['commit'] or 'unknown'}{dirty}")
    for path, digest in step.given.items():
        branch.add(f"given {path}  [dim]sha256 {digest[:SHOWN]}…[/]")
    for before in step.before:
        _grow(branch, before, seen)
