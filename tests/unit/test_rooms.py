"""The floors of the house: a lower room never imports a higher one, and nothing lies in the root."""

import ast
import graphlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/simaudit"
FLOORS = (
    *("vocabulary", "storage", "machine", "diffusion", "data", "training", "targets", "attacks", "scoring"),
    *("samples", "evaluation", "figures", "provenance", "report", "plan", "audit", "cli"),
)
"""From the ground up."""
INTERFACE = "api"
"""The module above all floors, which no room imports."""


def room_of(path):
    return path.relative_to(SOURCE).parts[0]


def imported_rooms(path):
    """Every room that a file imports from, at its top, inside functions, or for typing."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "simaudit" and len(parts) > 1 and parts[1] in (*FLOORS, INTERFACE):
                yield parts[1]


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE]


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_from_its_own_floor_and_below(room):
    allowed = set(FLOORS[: FLOORS.index(room) + 1])
    files = [path for path in FILES if room_of(path) == room]
    assert files
    above = {path.name: wrong for path in files if (wrong := set(imported_rooms(path)) - allowed)}
    assert above == {}


def test_every_room_has_a_floor_and_nothing_else_lies_in_the_root():
    assert {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(
        FLOORS
    )
    assert {path.name for path in SOURCE.iterdir() if path.is_file()} == {
        "__init__.py",
        "__main__.py",
        f"{INTERFACE}.py",
        "py.typed",
    }


def test_a_room_says_in_one_sentence_what_lives_in_it():
    for folder in {path.parent for path in FILES}:
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert docstring, folder


def test_no_modules_import_each_other_in_a_circle():
    """At their tops: an import inside a function happens when all are there."""
    modules = {
        ".".join(("simaudit", *path.relative_to(SOURCE).with_suffix("").parts)): path for path in FILES
    }
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    imports = {}
    for name, path in modules.items():
        tops = ast.parse(path.read_text(encoding="utf-8")).body
        found = [node for node in tops if isinstance(node, ast.ImportFrom) and node.module]
        names = {node.module for node in found}
        names |= {f"{node.module}.{alias.name}" for node in found for alias in node.names}
        imports[name] = names & modules.keys() - {name}
    graphlib.TopologicalSorter(imports).prepare()
