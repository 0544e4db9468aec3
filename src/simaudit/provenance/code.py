"""The code that a job runs: every definition that its function reaches, without comments, docstrings and layout.

A definition is a function, a class, an assignment or an import at the top of a module. It reaches what its text names:
other definitions of its module, and what it imports from this package. The name of a whole module stands for all
definitions in it. Statements that define nothing, and assignments that call something, run when their module is
imported, so they count wherever that happens. A decorator, and the body of a class, count where their definition does.
If any of the code reads a docstring, as that of a figure is read, the docstrings of all classes in it count.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from simaudit.provenance.syntax import (
    DOCUMENTATION,
    bound,
    inner_statements,
    is_text,
    mentioned,
    normal,
    statements,
)

ROOT = Path(__file__).parents[1]
UNTRACKED = frozenset(
    f"simaudit.{module}"
    for module in (
        "vocabulary.bounds",
        "vocabulary.errors",
        "vocabulary.job",
        "vocabulary.knobs",
        "vocabulary.paths",
        "vocabulary.registry",
        "machine.progress",
        "storage.faults",
        "storage.reading",
    )
)
"""Modules that cannot change a result: refusals, types and limits of knobs and names of files, whose values stamps
hold, finding plug-ins, and progress bars."""

IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
"""How an import begins, and the name of the package."""

ON_IMPORT = ""
"""The name under which those statements of a module stand that run when it is imported."""

Place = tuple[str, str | None]
"""A module and the name of a definition in it; None stands for all of them."""

Imports = dict[str, set[Place]]
"""What code imports from this package, by the name that it has there."""


class NotHere(LookupError):
    """There is no such module, or no such definition in it."""


@dataclass
class _Definition:
    """What stands under one name at the top of a module, the names that it mentions, and what it imports."""

    statements: list[ast.stmt] = field(default_factory=list)
    mentions: set[str] = field(default_factory=set)
    imports: Imports = field(default_factory=dict)
    _texts: dict[bool, list[str]] = field(default_factory=dict)

    def texts(self, docstrings: bool) -> list[str]:
        """Return the statements as texts that do not depend on layout; made once, for all jobs that reach them."""
        if docstrings not in self._texts:
            self._texts[docstrings] = [normal(statement, docstrings) for statement in self.statements]
        return self._texts[docstrings]


@dataclass
class _Module:
    """A module's definitions by name, and the modules that are imported with it."""

    definitions: dict[str, _Definition]
    loads: set[str]


def digest(places: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the code that `places` reach, by module.

    A place is <module>:<definition>, or a whole <module>. Raises NotHere when there is none of that name.
    """
    return dict(_digests(tuple(places)))


@cache
def _digests(places: tuple[str, ...]) -> dict[str, str]:
    """Return what `digest` does, once for each set of places: many jobs run the same code."""
    reached: dict[str, set[str]] = {}
    waiting = [_place(text) for text in places]
    while waiting:
        module, name = waiting.pop()
        if module in UNTRACKED:
            continue
        known = _read(module)
        if module not in reached:
            reached[module] = set()
            waiting.extend((other, ON_IMPORT) for other in known.loads)
        names = set(known.definitions) if name is None else {name, ON_IMPORT} & set(known.definitions)
        for new in names - reached[module]:
            reached[module].add(new)
            waiting.extend(_refers_to(module, known.definitions[new]))
    code = {module: frozenset(names) for module, names in sorted(reached.items()) if names}
    docstrings = any(
        DOCUMENTATION in _read(module).definitions[name].mentions
        for module, names in code.items()
        for name in names
    )
    return {module: _digest(module, names, docstrings) for module, names in code.items()}


def imported(modules: Iterable[str]) -> set[str]:
    """Return the names of all packages that these modules import anywhere, as far as the modules are here."""
    files = filter(None, map(_file, modules))
    return set().union(*(IMPORT.findall(file.read_text(encoding="utf-8")) for file in files))


def _place(text: str) -> Place:
    module, _, name = text.partition(":")
    top = name.split(".")[0]  # of a method its class
    if top and top not in _read(module).definitions:
        raise NotHere(text)
    return module, top or None


def _refers_to(module: str, definition: _Definition) -> Iterator[Place]:
    for name in definition.mentions:
        yield from definition.imports.get(name, ())
        yield module, name
    for places in definition.imports.values():
        yield from ((other, ON_IMPORT) for other, _ in places)


@cache
def _digest(module: str, names: frozenset[str], docstrings: bool) -> str:
    known = _read(module).definitions
    texts = [f"{name}\n{text}" for name in sorted(names) for text in known[name].texts(docstrings)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


@cache
def _file(module: str) -> Path | None:
    package, *parts = module.split(".")
    path = ROOT.joinpath(*parts)
    files = (path.with_suffix(".py"), path / "__init__.py") if package == "simaudit" else ()
    return next((file for file in files if file.is_file()), None)


@cache
def _read(module: str) -> _Module:
    file = _file(module)
    if file is None:
        raise NotHere(module)
    parents = [module.rsplit(".", count)[0] for count in range(module.count(".") + 1)]
    package = module if file.stem == "__init__" else parents[1]
    read = _Module({}, {parent for parent in parents[1:] if _file(parent)})
    for statement in statements(file.read_text(encoding="utf-8")):
        if is_text(statement):
            continue
        imports = list(_imports(statement, package))
        names = _defined(statement)
        for name in names:
            places: Imports = {}
            for alias, imported, _ in imports:
                places.setdefault(alias, set()).update(imported)
            _add(read, name, statement, mentioned(statement), places)
        if names == [] or ON_IMPORT in names:
            for alias, imported, single in imports:
                _add(read, ON_IMPORT if alias == "*" else alias, single, {alias}, {alias: imported})
                read.loads.update(other for other, _ in imported)
    return read


def _add(module: _Module, name: str, statement: ast.stmt, mentions: set[str], imports: Imports) -> None:
    definition = module.definitions.setdefault(name, _Definition())
    definition.statements.append(statement)
    definition.mentions |= mentions
    for alias, places in imports.items():
        definition.imports.setdefault(alias, set()).update(places)


def _defined(statement: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a module defines, and ON_IMPORT if it does something else too.

    None for an import, whose names are defined one by one.
    """
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    is_plain = isinstance(statement, ast.Assign | ast.AnnAssign) and not any(
        isinstance(node, ast.Call)
        or (isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store))
        for node in ast.walk(statement)
    )
    return [*sorted(bound(statement)), *([] if is_plain else [ON_IMPORT])]


def _imports(statement: ast.stmt, package: str) -> Iterator[tuple[str, set[Place], ast.stmt]]:
    """Yield what a statement, or anything inside it, imports: the name that it has there, the places in this package
    that the name may stand for, and the import of this name alone.
    """
    for node in inner_statements(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                yield name, {(alias.name, None)} if _file(alias.name) else set(), ast.Import([alias])
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                places: set[Place] = {(source, None if alias.name == "*" else alias.name)}
                places |= {(whole, None)} if _file(whole) else set()
                single = ast.ImportFrom(source, [alias], 0)
                yield alias.asname or alias.name, places if _file(source) else set(), single
