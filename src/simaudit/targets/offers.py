"""What a target may be asked for besides its denoiser: the words of `Target.offers` and of `Attack.needs`."""

DERIVATIVES = frozenset({"gradients", "parameters"})
"""What is asked for by differentiating the denoiser: every network offers both."""

OF_A_CLOSED_FORM = frozenset({"gradients"})
"""What a closed form offers, which has no parameters that were trained."""

IN_WORDS = {
    "decoder": "a decoder",
    "labels": "classes",
    "empty": "an empty class",
    "gradients": "gradients",
    "parameters": "parameters",
}
"""How a message says what an attack needs."""
