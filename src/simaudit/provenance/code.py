"""The code that a job depends on: a module and all that it imports from this package."""

import ast
from functools import cache
from pathlib import Path

import simaudit
from simaudit.storage.hashes import sha256_file

ROOT = Path(simaudit.__file__).parent
UNTRACKED = {
    "simaudit",
    "simaudit.vocabulary.errors",
    "simaudit.vocabulary.knobs",
    "simaudit.machine.progress",
    "simaudit.vocabulary.registry",
}
"""Modules that cannot change a result: words for people, types of knobs (stamps hold the values), finding files."""


def digest(modules: list[str], without: str | None = None) -> dict[str, str]:
    """SHA-256 of every file in the import closure of `modules`, by module name.

    A change anywhere else, a comment in another phase's module say, leaves the digest as it is. `without` names a
    package that the modules import for another phase.
    """
    closure: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        foreign = without is not None and f"{module}.".startswith(f"{without}.")
        if not foreign and module not in closure | UNTRACKED:
            closure.add(module)
            waiting.extend(_imports(module))
    return {module: _hash(module) for module in sorted(closure)}


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _hash(module: str) -> str:
    file = _file(module)
    assert file is not None, module
    return sha256_file(file)


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of this package that `module` imports, at its top or inside functions; not those only for typing."""
    file = _file(module)
    assert file is not None, module
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(name for name in found if name.split(".")[0] == "simaudit" and _file(name))
