"""The code that a job runs: every definition that its function reaches, without comments, docstrings and layout.

A definition is a function, a class or an assignment at the top of a module. It reaches what its text names: other
definitions of its module, and those that the module, or the definition itself, imports from this package. Annotations
of functions are no code. A name of a whole module stands for all definitions in it.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import simaudit

ROOT = Path(simaudit.__file__).parent
UNTRACKED = frozenset(
    f"simaudit.{module}"
    for module in (
        "vocabulary.errors",
        "vocabulary.job",
        "vocabulary.knobs",
        "vocabulary.paths",
        "vocabulary.registry",
        "machine.progress",
    )
)
"""Modules that cannot change a result: error lines, types of knobs and names of files, whose values stamps hold,
finding plug-ins, and progress bars."""

ON_IMPORT = ""
"""The name under which a module's statements stand that define nothing, such as the settings of a library."""

Place = tuple[str, str | None]
"""A module and the name of a definition in it; None stands for all of them."""


@dataclass
class _Definition:
    """Its text in normal form, and what it refers to inside the package."""

    texts: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    imports: dict[str, Place] = field(default_factory=dict)


@dataclass
class _Module:
    """A module's definitions by name, and what it imports from this package, by the name that it has there."""

    definitions: dict[str, _Definition]
    imports: dict[str, Place]


def digest(places: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the code that `places` reach, by module. A place is <module>:<definition>, or a whole <module>."""
    reached: dict[str, set[str]] = {}
    waiting: list[Place] = [(module, name or None) for module, _, name in (p.partition(":") for p in places)]
    while waiting:
        module, name = waiting.pop()
        if module in UNTRACKED:
            continue
        known = _read(module)
        names = known.definitions if name is None else {name, ON_IMPORT} & known.definitions.keys()
        if name in known.imports:
            waiting.append(known.imports[name])
        for new in set(names) - reached.setdefault(module, set()):
            reached[module].add(new)
            waiting.extend(_refers_to(module, known, known.definitions[new]))
    return {module: _digest(module, frozenset(names)) for module, names in sorted(reached.items()) if names}


def _refers_to(module: str, known: _Module, definition: _Definition) -> Iterator[Place]:
    for name in definition.names:
        if name in definition.imports:
            yield definition.imports[name]
        elif name in known.definitions:
            yield module, name
        elif name in known.imports:
            yield known.imports[name]


@cache
def _digest(module: str, names: frozenset[str]) -> str:
    known = _read(module).definitions
    texts = [f"{name}\n{text}" for name in sorted(names) for text in known[name].texts]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _read(module: str) -> _Module:
    file = _file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    known = _Module({}, {})
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if _is_text(statement) or _is_for_typing(statement):
            continue
        imports = _imports(statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            known.imports |= imports
            continue
        text, names = "".join(_normal(statement)), _free(statement)
        for name in _defined(statement):
            definition = known.definitions.setdefault(name, _Definition())
            definition.texts.append(text)
            definition.names |= names
            definition.imports |= imports
    return known


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines; ON_IMPORT where it defines none."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    names = [
        node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)
    ]
    plain = isinstance(statement, ast.Assign | ast.AnnAssign)
    return names if names and plain else [ON_IMPORT]


def _imports(statement: ast.stmt) -> dict[str, Place]:
    """What a statement, or anything inside it, imports from this package, by its name there."""
    imports: dict[str, Place] = {}
    for node in ast.walk(statement):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "simaudit":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                place = (whole, None) if _file(whole) else (str(node.module), alias.name)
                imports[alias.asname or alias.name] = place
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "simaudit":
                    imports[alias.asname or "simaudit"] = (alias.name, None)
    return imports


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_for_typing(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def _free(node: ast.AST) -> set[str]:
    """The names that code mentions and does not bind itself, annotations of functions apart."""
    if isinstance(node, ast.Name):
        return {node.id}
    names = set().union(*(_free(child) for child in _children(node)))
    if not isinstance(node, SCOPES):
        return names
    outside: list[ast.AST] = list(
        getattr(node, "decorator_list", [])
    )  # evaluated where the function is defined
    if arguments := getattr(node, "args", None):
        outside += [*arguments.defaults, *filter(None, arguments.kw_defaults)]
    return (names - _bound(node)).union(*map(_free, outside))


def _bound(scope: ast.AST) -> set[str]:
    """The names that a function or comprehension binds, in itself and not in those inside it."""
    bound: set[str] = set()
    waiting = list(_children(scope))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler)
            and node.name
        ):
            bound.add(node.name)
        if not isinstance(node, (*SCOPES, ast.ClassDef)):
            waiting.extend(_children(node))
    return bound


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for key, value in _fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (
                key == "body" and (_is_text(child) or _is_for_typing(child))
            ):
                yield child


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields of a node that say what it does: the same in every version of Python."""
    unread = {"ctx", "type_comment", "kind", "returns"} | (
        {"annotation"} if isinstance(node, ast.arg) else set()
    )
    return (
        (key, value)
        for key, value in ast.iter_fields(node)
        if key not in unread and value is not None and value != []
    )


def _normal(node: object) -> Iterator[str]:
    """A syntax tree as text, without comments, docstrings, layout and annotations of functions."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for key, value in _fields(node):
            yield f" {key}="
            yield from _normal(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for part in node:
            if not (_is_text(part) or _is_for_typing(part)):
                yield from _normal(part)
        yield "]"
    else:
        yield repr(node)
