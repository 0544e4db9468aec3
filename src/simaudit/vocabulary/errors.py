"""The one kind of error that is meant for the user."""


class SimauditError(Exception):
    """An error that the user can mend: one line that names the file or key, says what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
