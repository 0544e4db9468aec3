"""The classes that a checkpoint's network knows, by its config and by what the user states."""

from __future__ import annotations

from simaudit.targets.checkpoint.component import Component
from simaudit.targets.checkpoint.transformer import is_dit
from simaudit.vocabulary.errors import KnobError, shown

DIT_CLASSES = 1000  # what diffusers takes where the config does not say it


def classes_of(network: Component, stated: int | None) -> tuple[int, int | None]:
    """Return how many classes a network knows and its empty class, as `simaudit.targets.classes` counts them.

    A DiT of K classes has K for the empty one; for any other network it is the one that is `stated`. Raises KnobError
    where that is none of its classes, or the network takes a condition of another kind.
    """
    config = network.config
    if (kind := config.get("class_embed_type")) is not None:
        why = f"class_embed_type is {shown(kind)}; only classes by number (num_class_embeds) can be used"
        raise KnobError("path", f"{network.file}: {why}")
    if is_dit(network):
        count = network.count("num_embeds_ada_norm", DIT_CLASSES)
        if stated not in (None, count):
            raise KnobError(
                "empty_class", f"is {count} in a DiT of {count} classes; leave it out (got {stated})"
            )
        return count, count
    count = network.count("num_class_embeds", 1) if config.get("num_class_embeds") is not None else 0
    if stated is not None and stated >= count:
        why = f"must be below {count}, the model's num_class_embeds" if count else "needs a model of classes"
        raise KnobError("empty_class", f"{why} (got {stated}); {network.file} says so")
    return count, stated
