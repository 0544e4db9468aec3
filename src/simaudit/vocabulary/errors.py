"""The one kind of error that a user is meant to read."""


class SimauditError(Exception):
    """Something the user can mend: one line naming the file or key, what is wrong, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
