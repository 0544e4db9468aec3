"""Finding what a folder offers: a new attack, dataset, target family or figure is one new file."""

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import TypeVar

Implementation = TypeVar("Implementation")


def names(package: ModuleType) -> list[str]:
    """Names of the modules directly inside `package`, sorted. Imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def implementation(package: ModuleType, name: str, base: type[Implementation]) -> type[Implementation]:
    """The one subclass of `base` that module `name` of `package` defines.

    Raises TypeError when the module defines none or several, since its author must then choose.
    """
    module = import_module(f"{package.__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__file__}: must define exactly one {base.__name__}, found {len(found)}")
    return found[0]
