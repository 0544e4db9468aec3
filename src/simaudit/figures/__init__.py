"""The figures, each in one file, drawn from results alone: of one target in `of_target`, of a whole run in `of_run`."""
