"""The plug-ins that a folder holds: a new attack, dataset, target family or figure is one new file."""

import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

Implementation = TypeVar("Implementation")

HEAVY = ("torch", "diffusers", "matplotlib", "pandas", "simaudit.figures.style")
"""What plug-ins need to compute, but not to declare their knobs: validating parameters does not import it."""


def modules(package: str) -> dict[str, str]:
    """Return the module of each plug-in of a package by name: those in its sub-packages, or its own if it has none.

    A module whose name begins with an underscore is a helper and no plug-in. No plug-in is imported.
    """
    parent = import_module(package)
    folders = [f"{package}.{entry.name}" for entry in pkgutil.iter_modules(parent.__path__) if entry.ispkg]
    plugins = {
        entry.name: f"{folder}.{entry.name}"
        for folder in folders or [package]
        for entry in pkgutil.iter_modules(import_module(folder).__path__)
        if not entry.ispkg and not entry.name.startswith("_")
    }
    return dict(sorted(plugins.items()))


def implementation(module: str, base: type[Implementation]) -> type[Implementation]:
    """Return the one subclass of `base` that a plug-in's module defines.

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

    So plug-ins can import libraries at their top like every other module. `from name import x` counts as a use.
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
