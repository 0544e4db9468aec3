"""The plug-ins that a folder holds: a new attack, dataset, target family or figure is one new file."""

import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

Implementation = TypeVar("Implementation")

HEAVY = (
    "torch",
    "diffusers",
    "sklearn",
    "matplotlib",
    "pandas",
    "simaudit.evaluation.protocol.selected",
    "simaudit.evaluation.results",
    "simaudit.evaluation.statistics.rates",
    "simaudit.figures.style",
    "simaudit.training.autoencoder",
    "simaudit.training.denoiser",
)
"""What plug-ins compute with and their knobs do not need: validating parameters takes no time for it.

Of our own modules only those that use such a library already while they are imported."""


def modules(package: str) -> dict[str, str]:
    """Return the module of each plug-in of a package by name: those in its sub-packages, or its own if it has none.

    A module whose name begins with an underscore is a helper and no plug-in. No plug-in is imported.
    """
    parent = import_module(package)
    folders = [f"{package}.{entry.name}" for entry in pkgutil.iter_modules(parent.__path__) if entry.ispkg]
    plug_ins = {
        entry.name: f"{folder}.{entry.name}"
        for folder in folders or [package]
        for entry in pkgutil.iter_modules(import_module(folder).__path__)
        if not entry.ispkg and not entry.name.startswith("_")
    }
    return dict(sorted(plug_ins.items()))


def implementation(module: str, base: type[Implementation]) -> type[Implementation]:
    """Return the one subclass of `base` that a plug-in's module defines.

    Raises TypeError when the module defines none or several, since its author must then choose.
    """
    with deferred(*HEAVY):
        plug_in = import_module(module)
    classes = [
        value
        for value in vars(plug_in).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    if len(classes) != 1:
        raise TypeError(
            f"{plug_in.__file__}: must define exactly one {base.__name__}, and defines {len(classes)}"
        )
    return classes[0]


def read_by(
    modules: Callable[[], Mapping[str, str]], base: type[BaseModel], key: str = ""
) -> BeforeValidator:
    """Read an entry by a plug-in, the only one that is imported: the one that its `key` names.

    An entry that comes as a pair with its own name is read by the plug-in of this name where it does not name another;
    the plug-in then does not see the key.
    """

    def read(entry: Any) -> BaseModel:
        named, knobs = entry if isinstance(entry, tuple) else (None, entry)
        if named is None and not isinstance(knobs, Mapping):
            raise _invalid("dict_type", (), knobs)
        name = named
        if key and isinstance(knobs, Mapping):
            name = knobs.get(key, named)
            if named is not None:
                knobs = {knob: value for knob, value in knobs.items() if knob != key}
        known = modules()
        if name in list(known):
            return implementation(known[name], base).model_validate(knobs)
        at = (key,) if key and (named is None or name != named) else ()
        instead = f", or have one of them as its {key}" if key and not at else ""
        unknown = PydanticCustomError(
            "plugin", f"must be one of {{known}}{instead}", {"known": ", ".join(map(repr, known))}
        )
        raise _invalid("missing" if name is None else unknown, at, name)

    return BeforeValidator(read)


def _invalid(kind: str | PydanticCustomError, loc: tuple[str, ...], value: Any) -> ValidationError:
    return ValidationError.from_exception_data("params.yaml", [{"type": kind, "loc": loc, "input": value}])


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Let `import` give a stand-in for these modules, and for those inside them, within this context.

    A stand-in imports its module when anything of it is used, so that plug-ins import libraries at their top like
    every other module. `from name import x` is a use, and so is a base class; the first use ends the context's effect,
    since a library that is really imported needs the others. Modules that are imported already stay what they are.
    """
    deferral = _Deferral(names)
    sys.meta_path.insert(0, deferral)
    try:
        yield
    finally:
        deferral.end()


class _Deferral(MetaPathFinder, Loader):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._stand_ins: dict[str, _StandIn] = {}

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        stands_in = fullname in self._names or fullname.rpartition(".")[0] in self._stand_ins
        return ModuleSpec(fullname, self, is_package=True) if stands_in else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        stand_in = self._stand_ins[spec.name] = _StandIn(spec.name, self)
        return stand_in

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: a stand-in is empty."""

    def end(self) -> None:
        """Leave no stand-in where the import system looks for modules."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name, stand_in in self._stand_ins.items():
            sys.modules.pop(name, None)
            package, _, child = name.rpartition(".")
            if package in sys.modules and vars(sys.modules[package]).get(child) is stand_in:
                delattr(sys.modules[package], child)
        self._stand_ins.clear()


class _StandIn(ModuleType):
    def __init__(self, name: str, deferral: _Deferral) -> None:
        super().__init__(name)
        self._deferral = deferral
        self.__path__: list[str] = []

    def __getattr__(self, attribute: str) -> Any:
        self._deferral.end()
        return getattr(import_module(self.__name__), attribute)
