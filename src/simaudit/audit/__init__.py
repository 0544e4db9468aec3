"""A model owner's question, answered by one command: is what is given usable, what will be done, and the verdict."""
