"""What tells statistics of one attack apart besides their timestep: a few of its knobs, by name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Variant = Mapping[str, str | int | float]
"""Such as {"input": "raw", "norm": 4}. Its keys mean the same in every attack."""

CONDITION = "condition"
"""The key of the condition under which a model of classes was asked."""
CONDITIONS = {"labels": "own class", "empty": "empty class"}
"""The conditions, in print."""


def variant_text(variant: Variant) -> str:
    """Return a variant as JSON with sorted keys: its form in tables, in files and as a key of dictionaries."""
    return json.dumps(dict(variant), sort_keys=True, ensure_ascii=False, allow_nan=False)


def parse_variant(text: str) -> Variant:
    """Return the variant of a text that `variant_text` wrote. Raises ValueError when it is no JSON object."""
    variant: Any = json.loads(text)
    if not isinstance(variant, dict):
        raise ValueError(f"{text} is not a variant")
    return variant


def variant_label(variant: Variant, norm: str = "l{}") -> str:
    """Return a variant in print: {"draws": 10, "norm": 4} is `n=10, l4`, and one without knobs is `default`.

    `norm` is the format of a norm's order, since a figure can show ℓ₄ where a terminal cannot. The condition under
    which a model of classes was asked comes last.
    """
    formats = {"draws": "n={}", "norm": norm, "singular_values": "k={}"}
    parts = [
        formats.get(knob, "{}" if isinstance(value, str) else f"{knob}={{}}").format(value)
        for knob, value in sorted(variant.items())
        if knob != CONDITION
    ]
    if CONDITION in variant:
        name = str(variant[CONDITION])
        parts.append(CONDITIONS.get(name, name))
    return ", ".join(parts) or "default"


@dataclass(frozen=True)
class Column:
    """What one statistic is: its timestep (None where an attack has none), variant, and queries per sample.

    `queries` is None where others computed the statistic and do not say it.
    """

    timestep: int | None
    variant: Variant
    queries: int | None

    def __str__(self) -> str:
        """Return which statistic it is, in the words of messages."""
        at = "" if self.timestep is None else f"timestep {self.timestep}, "
        return f"{at}variant ({variant_label(self.variant)})"
