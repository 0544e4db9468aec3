"""The class of a network, by the name that its config.json states."""

from typing import Any

OWN = frozenset({"ConvertedUNet2DModel"})
"""The classes that simaudit adds to those of diffusers. This module imports no torch."""


def network_class(name: str) -> Any:
    """Return the class of that name, ours or diffusers'. Raises AttributeError where there is none."""
    import diffusers

    from simaudit.targets.networks import converted_unet

    return getattr(converted_unet if name in OWN else diffusers, name)
