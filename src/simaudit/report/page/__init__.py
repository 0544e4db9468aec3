"""The page: one file with verdicts, figures, tables and the source of every number."""
