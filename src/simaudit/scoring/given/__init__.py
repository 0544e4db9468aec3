"""Scores that others computed: reading them, naming all that is wrong with them, and writing them as our own."""
