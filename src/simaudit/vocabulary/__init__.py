"""Words that every room shares: knobs, errors, sides, jobs, paths. This room imports nothing from the others."""
