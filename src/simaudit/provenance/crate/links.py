"""How entities of a crate refer to each other."""

from typing import Any

from rocrate.rocrate import ROCrate


def refer(entity: Any, key: str, *values: Any) -> None:
    """Add values to a property, each once."""
    for value in values:
        if value not in (entity.get(key) or []):
            entity.append_to(key, value)


def unwrap(crate: ROCrate) -> None:
    """Replace each list of one value by that value: RO-Crate 1.1 (appendix JSON-LD) has no lists of one."""
    for entity in crate.get_entities():
        for key in [key for key in entity if not key.startswith("@")]:
            if isinstance(entity[key], list) and len(entity[key]) == 1:
                entity[key] = entity[key][0]
