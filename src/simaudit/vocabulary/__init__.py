"""Words that every room shares: knobs, errors, sides, jobs, paths. Imports nothing of the other rooms."""
