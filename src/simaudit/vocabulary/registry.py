"""Finding what a folder offers: a new attack, dataset, target family or figure is one new file."""

import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

Implementation = TypeVar("Implementation")

HEAVY = (
    "torch",
    "diffusers",
    "matplotlib",
    "matplotlib.figure",
    "pandas",
    "simaudit.evaluation.protocol.metrics",
    "simaudit.evaluation.protocol.selected",
    "simaudit.evaluation.results",
    "simaudit.figures.style",
)
"""What plug-ins compute with and their knobs do not need: validating parameters takes no time for it."""


def modules(package: str) -> dict[str, str]:
    """The plug-ins of a package by name, each with its module: those in its sub-packages, or its own if it has none.

    A module whose name begins with an underscore is a helper and no plug-in. Imports none of them.
    """
    parent = import_module(package)
    folders = [f"{package}.{entry.name}" for entry in pkgutil.iter_modules(parent.__path__) if entry.ispkg]
    found = {
        entry.name: f"{folder}.{entry.name}"
        for folder in folders or [package]
        for entry in pkgutil.iter_modules(import_module(folder).__path__)
        if not entry.ispkg and not entry.name.startswith("_")
    }
    return dict(sorted(found.items()))


def implementation(module: str, base: type[Implementation]) -> type[Implementation]:
    """The one subclass of `base` that a plug-in's module defines.

    Raises TypeError when the module defines none or several, since its author must then choose.
    """
    with deferred(*HEAVY):
        plugin = import_module(module)
    classes = [
        value
        for value in vars(plugin).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    if len(classes) != 1:
        raise TypeError(f"{plugin.__file__}: must define exactly one {base.__name__}, found {len(classes)}")
    return classes[0]


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within this context `import name` gives a stand-in, which imports the module when it is first used.

    So plug-ins import libraries at their top like every other module. `import name` and `from package import module`
    do not use the module; `from name import x` does.
    """
    stand_ins = {name: _StandIn(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


class _StandIn(ModuleType):
    def __getattr__(self, attribute: str) -> Any:
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(import_module(name), attribute)
