"""simaudit: how much does a diffusion model leak about its training set?

The names below are its Python interface (docs/python.md); they are imported when they are first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simaudit.api import Model as Model
    from simaudit.api import Run as Run
    from simaudit.api import auc as auc
    from simaudit.api import load_model as load_model
    from simaudit.api import open_run as open_run
    from simaudit.api import score as score
    from simaudit.api import tpr as tpr

__version__ = "0.1.0"
__all__ = ["Model", "Run", "auc", "load_model", "open_run", "score", "tpr"]


def __getattr__(name: str) -> object:
    """Import a name of the interface, and with it what computes: `import simaudit` alone takes no time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("simaudit.api"), name)


def __dir__() -> list[str]:
    return __all__
