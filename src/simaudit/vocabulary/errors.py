"""The errors that are meant for the user."""


class SimauditError(Exception):
    """An error that the user can mend: one line that names the file or key, says what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class KnobError(SimauditError):
    """An error in the value at a key of some entry of params.yaml; whoever knows the entry puts its own key before."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key, self.why = key, why
