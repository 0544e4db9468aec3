"""What a number is called in words, for who does not read ids."""

from simaudit.evaluation.numbers import LEARNED, Number
from simaudit.figures.legend import METRICS, look

PAIRED, EPOCHS = "minus_", "epochs"


def plain_name(number: Number) -> str:
    """Return what a number is, as "AUC of PIA on digits-ddpm, 95 % limits"."""
    between = number.of.split(".") if number.of else []
    if between[:1] == [EPOCHS] and len(between) > 1:
        between = [f"after {between[1]} epochs", *between[2:]]
    name = METRICS.get(number.metric, number.metric.replace("_", " "))
    name = name[0].upper() + name[1:]
    name += f" of {look(number.attack).name}" if number.attack else ""
    name += f" on {number.audit}" if number.audit else ""
    parts = [name, *(_words(part) for part in between if part != LEARNED)]
    return ", ".join(parts + ["95 % limits"] * number.has_limits)


def _words(part: str) -> str:
    """Return one key between an audit and a metric in words; what follows `minus_` may be an attack."""
    if part.startswith(PAIRED):
        return f"minus {look(part.removeprefix(PAIRED)).name}".replace("_", " ")
    return part.replace("_", " ")
