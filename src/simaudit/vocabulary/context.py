"""What each audit is beside the others of its run: all that comparisons and figures need to know of params.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simaudit.vocabulary.kinds import entry_of
from simaudit.vocabulary.membership import VERIFIED, Membership


@dataclass(frozen=True)
class AuditContext:
    """The place of one audited target in its run.

    `group` is the first of the targets that differ from this one in nothing but the training seed. `control` names the
    control that the target is, if it is one. `reference` is the audited target of the same split that it is compared
    with, if there is one. `calibrate_on` is the audit whose knobs and thresholds it is measured with too. `arm` is the
    place of its autoencoder in a sweep (`beta`, and whether it is `adversarial`); it is None for a target without an
    autoencoder and for one whose autoencoder was not trained here, while `is_latent` is true for both kinds of
    autoencoder. `epochs` are those of its intermediate checkpoints and of its end. `membership` says how it is known
    that the target was trained on the members of its split.
    `attacks` are the threshold attacks that are run on the target, `checkpoint_attacks` those on its intermediate
    checkpoints; both are empty where only results are read, since these say themselves which attacks there are.
    `kinds` are the kinds of all attacks of the run that are named otherwise, by name.
    """

    group: str
    control: str | None = None
    reference: str | None = None
    arm: Mapping[str, Any] | None = None
    is_latent: bool = False
    epochs: tuple[int, ...] = ()
    membership: Membership = VERIFIED
    attacks: tuple[str, ...] = ()
    checkpoint_attacks: tuple[str, ...] = ()
    calibrate_on: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str, attacks: Iterable[str]) -> str | None:
        """Return which of these attacks stands for a kind, see `simaudit.vocabulary.kinds`; None where none does."""
        return entry_of(kind, {attack: self.kinds.get(attack, attack) for attack in attacks})
