"""The place of each target in its run, which comparisons and figures need to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Role:
    """The place of one target in its run.

    `group` is the first of the targets that differ from this one in nothing but the training seed; `control` says which
    control the target is, if any; `reference` is the audited target of the same split that it is compared with, if any;
    `arm` is the place of its autoencoder in a sweep, `beta` and whether it is `adversarial`, if it has one; `epochs`
    are those of its intermediate checkpoints and of its end.
    """

    group: str
    control: str | None = None
    reference: str | None = None
    arm: Mapping[str, Any] | None = None
    epochs: tuple[int, ...] = ()
